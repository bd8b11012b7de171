import { stat } from 'node:fs/promises'
import t from 'tap'
import { adoptPair, inspectPair, makePair, placePair, planLoosePair, removePair } from '../../../lib/host/loose-pair.ts'
import type { CommandRunner } from '../../../lib/host/seams.ts'
import type { Target } from '../../../lib/host/target.ts'
import { checkGuestName, isVethName, loosePairNames, vethName } from '../../../lib/host/veth-name.ts'

const SETTINGS = { bridge: 'weave', mtu: 1_400, mac: '02:00:00:00:00:07' }
const { host: HOST, guest: GUEST } = loosePairNames('ep1')

/** A target whose namespace is one that is there: the test's own. */
async function target(): Promise<Target> {
  const { ino } = await stat('/proc/self/ns/net', { bigint: true })
  return { id: 'pid:1', netnsPath: '/proc/self/ns/net', netnsInode: ino, description: 'process 1' }
}

/** A host that knows of links what commands made of them; `fails`: the command with this word does. */
function world(fails?: string) {
  const commands: string[] = []
  const links = new Map<string, Record<string, unknown>>()
  const inside = new Map<string, Record<string, unknown>>()
  const runner: CommandRunner = {
    run: async argv => {
      const isInside = argv[0] === 'nsenter'
      const plain = isInside ? argv.slice(3) : argv
      const text = plain.join(' ')
      const known = isInside ? inside : links
      if (text.startsWith('ip -d -j addr show dev')) {
        const link = known.get(plain.at(-1)!)
        if (link === undefined) return { stdout: '', stderr: 'Device does not exist.', status: 1 }
        return { stdout: JSON.stringify([link]), stderr: '', status: 0 }
      }
      if (text === 'ip -d -j link show') return { stdout: JSON.stringify([...known.values()]), stderr: '', status: 0 }
      commands.push(`${isInside ? 'inside: ' : ''}${text}`)
      if (fails !== undefined && text.includes(fails)) throw new Error('as arranged')
      if (text.startsWith('ip link add')) {
        const state = { linkinfo: { info_slave_data: { state: 'forwarding' } } }
        links.set(HOST, { ifname: HOST, ifindex: 5, flags: [], link: GUEST, ...state })
        links.set(GUEST, { ifname: GUEST, ifindex: 4, flags: [], link: HOST, address: SETTINGS.mac })
      }
      if (text.includes(' netns ')) {
        links.delete(GUEST)
        links.set(HOST, { ...links.get(HOST), link_index: 4 })
        inside.set(plain.at(-1)!, {
          ifname: plain.at(-1),
          ifindex: 4,
          flags: ['UP'],
          link_index: 5,
          address: SETTINGS.mac,
        })
      }
      if (text.startsWith('ip link delete')) for (const map of [links, inside]) map.clear()
      return { stdout: '', stderr: '', status: 0 }
    },
  }
  return { runner, commands, links, inside }
}

t.test('names: one pair has one hash, and a loose guest end is not taken for a host end', async t => {
  t.ok(isVethName(HOST))
  t.notOk(isVethName(GUEST))
  t.equal(HOST.slice(-8), GUEST.slice(-8))
  t.ok(GUEST.length <= 15)
  t.not(loosePairNames('ep2').host, HOST)
  t.equal(vethName('a', 1n), vethName('a', 1n, 'ethwe'), 'the usual name of the guest changes nothing')
  t.not(vethName('a', 1n), vethName('a', 1n, 'eth1'))
  for (const name of ['eth0', 'net1', 'a.b-c_d@e']) t.equal(checkGuestName(name), name)
  for (const name of ['', 'lo', 'all', 'default', '.', '..', 'a b', 'a/b', '-x', 'a:b', 'x'.repeat(16)])
    t.throws(() => checkGuestName(name), { code: 'BAD_TARGET' }, name)
})

t.test('the plan: settings before the host end is up, the guest end stays down', async t => {
  const steps = planLoosePair('ep1', SETTINGS).map(step => ('argv' in step ? step.argv.join(' ') : step.sysctls))
  t.strictSame(steps, [
    `ip link add name ${HOST} mtu 1400 type veth peer name ${GUEST} address 02:00:00:00:00:07 mtu 1400`,
    [
      [0, [`ipv6/conf/${HOST}/accept_ra`]],
      [1, [`ipv6/conf/${HOST}/disable_ipv6`]],
    ],
    `ip link set dev ${HOST} alias weave-ts:ep1`,
    `ip link set dev ${HOST} master weave up`,
  ])
  t.notMatch(JSON.stringify(planLoosePair('ep1', { bridge: 'weave', mtu: 1_400 })), /address/)
  t.throws(() => planLoosePair('x'.repeat(250), SETTINGS), /too long/)
})

t.test('made once, made again is the same one, removed once, and removed again', async t => {
  const w = world()
  const pair = await makePair(w.runner, 'ep1', SETTINGS)
  t.strictSame(pair, { id: 'ep1', hostInterface: HOST, guestInterface: GUEST, mac: SETTINGS.mac })
  const count = w.commands.length
  t.strictSame(await makePair(w.runner, 'ep1', SETTINGS), pair)
  t.equal(w.commands.length, count, 'with no command')
  await removePair(w.runner, 'ep1')
  await removePair(w.runner, 'ep1')
  t.strictSame(w.commands.slice(count), [`ip link delete dev ${HOST}`])
})

t.test('placed: moved and named, settings before it is up, then addresses, then told to all', async t => {
  const w = world()
  await makePair(w.runner, 'ep1', SETTINGS)
  const count = w.commands.length
  const placed = await placePair(w.runner, 'ep1', await target(), 'eth7', ['10.32.0.1/12'])
  t.match(placed, { targetId: 'ep1', hostInterface: HOST, guestInterface: 'eth7', mac: SETTINGS.mac })
  const done = w.commands.slice(count)
  t.equal(done[0], `ip link set dev ${GUEST} netns /proc/self/ns/net name eth7`)
  const at = (what: RegExp) => done.findIndex(one => what.test(one))
  t.ok(at(/conf\/eth7\/accept_ra/) > 0 && at(/conf\/eth7\/accept_ra/) < at(/dev eth7 up/))
  t.ok(at(/dev eth7 up/) < at(/addr add 10\.32\.0\.1\/12 broadcast \+ dev eth7/))
  t.equal(done.at(-1), `inside: ip link set dev eth7 address ${SETTINGS.mac}`)
  await t.rejects(makePair(w.runner, 'ep1', SETTINGS), { code: 'INTERFACE_EXISTS' }, 'it is in use')
  await t.rejects(placePair(w.runner, 'ep1', await target(), 'eth8', []), { code: 'NOT_ATTACHED' }, 'only once')
  t.match(await adoptPair(w.runner, 'ep1', await target(), 'eth7'), { guestInterface: 'eth7', hostInterface: HOST })
  t.match(await inspectPair(w.runner, 'ep1', await target()), { guestInterface: 'eth7', hostInterface: HOST })
})

t.test('what fails leaves nothing; what can be known before changes nothing', async t => {
  for (const word of ['alias', 'master']) {
    const w = world(word)
    await t.rejects(makePair(w.runner, 'ep1', SETTINGS), { message: 'as arranged' })
    t.equal(w.links.size, 0, word)
  }
  for (const word of ['netns', 'tee', 'dev eth7 up', 'addr add']) {
    const w = world(word === 'tee' ? 'eth7/accept_ra' : word)
    await makePair(w.runner, 'ep1', SETTINGS)
    await t.rejects(placePair(w.runner, 'ep1', await target(), 'eth7', ['10.32.0.1/12']), { message: 'as arranged' })
    t.equal(w.links.size + w.inside.size, 0, word)
  }
  const w = world()
  await makePair(w.runner, 'ep1', SETTINGS)
  const count = w.commands.length
  w.inside.set('eth0', { ifname: 'eth0', ifindex: 2, flags: ['UP'], link_index: 99 })
  const here = await target()
  const cases: [string, () => Promise<unknown>][] = [
    ['INTERFACE_EXISTS', () => placePair(w.runner, 'ep1', here, 'eth0', [])],
    ['INTERFACE_EXISTS', () => adoptPair(w.runner, 'ep1', here, 'eth0')],
    ['NOT_ATTACHED', () => adoptPair(w.runner, 'ep1', here, 'eth1')],
    ['NOT_ATTACHED', () => placePair(w.runner, 'ep2', here, 'eth1', [])],
    ['BAD_ADDRESS', () => placePair(w.runner, 'ep1', here, 'eth1', ['nonsense'])],
    ['BAD_TARGET', () => placePair(w.runner, 'ep1', here, 'lo', [])],
    ['TARGET_NOT_FOUND', () => placePair(w.runner, 'ep1', { ...here, netnsInode: 1n }, 'eth1', [])],
  ]
  for (const [code, act] of cases) await t.rejects(act(), { code })
  t.equal(w.commands.length, count, 'no command')
  t.ok(w.links.has(GUEST), 'and the pair can still be placed')
})
