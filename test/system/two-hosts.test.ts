/**
 * Two hosts on one cable, containers on both.
 *
 *     [c1] [c3]                    [c2]          10.32.0.0/12
 *       └─┬─┘                       │
 *     weave ─ (h1) ═══ u2 ═══ (h2) ─ weave       192.0.2.0/24
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import t from 'tap'
import { Status, PsAnswer } from '../../lib/api/mod.ts'
import { waitFor } from '../support/testbed-command.ts'
import { download } from '../support/testbed-transfer.ts'
import { Testbed, meshed, skipSystem, type Host, type Namespace, type TestScope } from '../support/testbed.ts'

t.setTimeout(240_000)
const options = { skip: skipSystem, timeout: 120_000 }
const DOWNLOAD_BYTES = 100_000_000
const OFFLOAD_DOWNLOAD_BYTES = 8_000_000

async function twoHosts(t: TestScope, args: readonly string[] = []) {
  const bed = new Testbed(t)
  const [h1, h2] = (await bed.hosts('h1', 'h2')) as [Host, Host]
  await bed.link(h1, h2, '192.0.2')
  await h1.daemon.launch([], { passwordFile: bed.passwordFile, args })
  await h2.daemon.launch([h1.address], { passwordFile: bed.passwordFile, args })
  const [c1, c2] = (await bed.containers('c1', 'c2')) as [Namespace, Namespace]
  const a1 = (await h1.daemon.attach(c1))[0]!
  const a2 = (await h2.daemon.attach(c2))[0]!
  await meshed([h1, h2])
  return { bed, h1, h2, c1, c2, ip1: a1.split('/')[0]!, ip2: a2.split('/')[0]!, a1, a2 }
}

t.test('containers on two hosts talk', options, async t => {
  const net = await twoHosts(t)
  const { bed, h1, h2, c1, c2, ip1, ip2 } = net

  await t.test('ping carries 64 to 60,000 bytes, in both directions', async t => {
    for (const bytes of [64, 1_000, 1_300, 1_301, 1_302, 1_400, 1_472, 8_000, 60_000]) {
      t.ok(await c1.canPing(ip2, bytes), `${bytes} bytes there`)
      t.ok(await c2.canPing(ip1, bytes), `${bytes} bytes back`)
    }
  })

  await t.test('10,000 pings in a flood are all answered', async t => {
    const { stdout } = await c1.run(['ping', '-n', '-q', '-f', '-c', '10000', ip2], { limitMs: 60_000 })
    t.match(stdout, /10000 packets transmitted, 10000 received/)
    t.comment(/rtt.*/.exec(stdout)?.[0])
  })

  await t.test('IPv6 link-local addresses answer', async t => {
    // Asked for one scope, `ip -j` shows an empty object for each address of another.
    const own = JSON.parse(await c2.must('ip', '-6', '-j', 'addr', 'show', 'dev', 'ethwe')) as {
      readonly addr_info: readonly { readonly local: string; readonly scope: string }[]
    }[]
    const local = own[0]!.addr_info.find(({ scope }) => scope === 'link')!.local
    await waitFor('an answer of the link-local address', 10_000, () => c1.canPing(`${local}%ethwe`))
    t.ok(await c1.canPing(`${local}%ethwe`, 60_000), 'also 60,000 bytes')
  })

  await t.test('IPv4 multicast is heard on the other host', async t => {
    const script = `
      const socket = require('node:dgram').createSocket({ type: 'udp4', reuseAddr: true })
      socket.on('message', text => { console.log(String(text)); process.exit(0) })
      socket.bind(5007, () => { socket.addMembership('239.1.2.3', process.argv[1]); console.log('ready') })`
    const argv = c2.argv(process.execPath, '-e', script, '--', ip2)
    const listener = spawn(argv[0]!, argv.slice(1), { stdio: ['ignore', 'pipe', 'inherit'] })
    t.teardown(() => listener.kill('SIGKILL'))
    let heard = ''
    listener.stdout.setEncoding('utf8').on('data', (text: string) => (heard += text))
    await waitFor('the listener', 10_000, () => heard.startsWith('ready'))
    const send = `
      const socket = require('node:dgram').createSocket('udp4')
      socket.send('hello all', 5007, '239.1.2.3', () => socket.close())`
    await waitFor('the message', 10_000, async () => {
      await c1.must(process.execPath, '-e', send)
      return heard.includes('hello all')
    })
    if (listener.exitCode === null) await once(listener, 'exit')
    t.equal(heard, 'ready\nhello all\n')
  })

  await t.test('100 MB over HTTP arrive with the checksum that they left with, both ways', async t => {
    for (const [from, to, address] of [
      [c2, c1, ip2],
      [c1, c2, ip1],
    ] as const) {
      const result = await download(from, to, address, DOWNLOAD_BYTES)
      t.equal(result.bytes, DOWNLOAD_BYTES)
      t.equal(result.received, result.sent)
    }
  })

  await t.test('TCP passes when the containers compute checksums and segments themselves', async t => {
    for (const container of [c1, c2]) {
      await container.must('ethtool', '-K', 'ethwe', 'tx', 'off', 'tso', 'off', 'gso', 'off')
    }
    const there = await download(c2, c1, ip2, OFFLOAD_DOWNLOAD_BYTES)
    t.equal(there.received, there.sent)
    await c1.must('ethtool', '-K', 'ethwe', 'tx', 'on', 'tso', 'on', 'gso', 'on')
    const mixed = await download(c1, c2, ip1, OFFLOAD_DOWNLOAD_BYTES)
    t.equal(mixed.received, mixed.sent)
    const { drops } = await h1.daemon.report()
    t.strictSame(drops, {}, 'and nothing was dropped')
  })

  await t.test('a second container of the same host talks to both', async t => {
    const c3 = await bed.container('c3')
    const address = (await h1.daemon.attach(c3))[0]!.split('/')[0]!
    t.ok(await c3.canPing(ip1), 'on its own host')
    t.ok(await c3.canPing(ip2), 'on the other host')
    t.ok(await c2.canPing(address))
    t.strictSame((await h1.daemon.ps()).map(one => one.id).sort(), [`netns:${c1.name}`, `netns:${c3.name}`].sort())
    await bed.remove(c3)
    const gone = await h1.daemon.detach(`netns:${c3.name}`)
    t.equal(gone.length, 1, 'a container that is gone can be detached by its name')
    t.equal((await h1.daemon.ps()).length, 1)
  })

  await t.test('a second address is added, shown, reached and taken away again', async t => {
    const printed = await h2.daemon.ipv4('attach', 'ip:10.40.1.7/24', `netns:${c2.name}`)
    t.equal(printed, '10.40.1.7/24')
    // Of another block of the subnet, which the other host hands over for it.
    await h1.daemon.attach(c1, '10.40.1.200/24')
    t.ok(await c1.canPing('10.40.1.7'))
    t.ok(await c1.canPing(ip2), 'the first address stays')
    const ipv6 = 'fd[0-9a-f:]+::a[0-9a-f]+:[0-9a-f]+/64'
    t.match(
      await h2.daemon.say('ps'),
      new RegExp(`^netns:${c2.name} [0-9a-f:]{17} \\S+ 10\\.40\\.1\\.7/24 ${ipv6} ${ipv6}$`),
    )
    t.equal(await h2.daemon.ipv4('detach', '10.40.1.7/24', `netns:${c2.name}`), '10.40.1.7/24')
    t.notOk(await c1.canPing('10.40.1.7'))
    t.ok(await c1.canPing(ip2))
    t.strictSame((await h2.daemon.ps())[0]?.cidrs, [net.a2])
  })

  await t.test('status says what there is, as text and as JSON', async t => {
    const json = Status.parse(await h1.daemon.json('status'))
    t.match(json, { encryption: 'secret', isReady: true, warnings: [], waiting: [], ipam: { state: 'ready' } })
    t.match(json.peer.nickname, 'h1')
    t.equal(json.mesh.id, (await h2.daemon.status()).mesh.id)
    t.match(json.connections, [{ direction: 'inbound', state: 'established', path: { kind: 'direct' } }])
    PsAnswer.parse({ attachments: await h1.daemon.json('ps') })
    t.match(
      await h2.daemon.say('status', 'connections'),
      /^-> 192\.0\.2\.1:6783 +established encrypted udp \S+ \w{8}\(h1\) rtt=\S+ mtu=\d+ keys=\w+$/,
    )
    t.match(await h2.daemon.say('status', 'targets'), /^192\.0\.2\.1$/)
    const peers = (await h1.daemon.say('status', 'peers')).split('\n')
    t.equal(peers.filter(line => /^\w{8}\(h[12]\)$/.test(line)).length, 2)
    t.equal(peers.filter(line => /^ {3}(->|<-) [\d.:]+ +\w{8}\(h[12]\) +established$/.test(line)).length, 2)
    t.match(await h1.daemon.say('status', 'ipam'), /^\w{8}\(h1\) +\d+ IPs \( ?\d+\.\d% of total\) \(\d active\)$/m)
    t.match(await h1.daemon.say('status'), /Encryption: enabled \(mesh secret\)/)
  })

  await t.test('detach takes the interface away and frees the address', async t => {
    t.equal(await h2.daemon.ipv4('detach', `netns:${c2.name}`), net.a2)
    t.strictSame(await c2.links(), ['lo'])
    t.notOk((await h2.links()).some(name => name.startsWith('vethwe')))
    t.equal(await h2.daemon.say('ps'), '')
    t.equal((await h2.daemon.status()).ipam.activeAddresses, 0)
    t.equal((await h2.daemon.attach(c2))[0], net.a2, 'the same container gets it again')
    // Its interface is another one: what announces that may be lost, and is asked for then.
    await waitFor('an answer', 10_000, () => c1.canPing(ip2))
  })
})

const OFFLOAD_NAMES = { 'tap-gso': 'tapGso', 'udp-gso': 'udpGso', 'udp-gro': 'udpGro', checksum: 'checksum' } as const
const ALL_OFFLOADS = Object.keys(OFFLOAD_NAMES) as (keyof typeof OFFLOAD_NAMES)[]

for (const disabled of [...ALL_OFFLOADS.map(name => [name]), ALL_OFFLOADS]) {
  const offloads = disabled.join(',')
  t.test(`TCP arrives whole without ${offloads}`, options, async t => {
    const { h1, c1, c2, ip1, ip2 } = await twoHosts(t, ['--disable-offload', offloads])
    const report = await h1.daemon.report()
    for (const name of disabled) t.equal(report.engine.offloads[OFFLOAD_NAMES[name]], false, `${name} is off`)
    t.equal(report.engine.offloads['udpGso'], !disabled.includes('udp-gso'), 'and no more than asked')
    for (const [from, to, address] of [
      [c2, c1, ip2],
      [c1, c2, ip1],
    ] as const) {
      const result = await download(from, to, address, OFFLOAD_DOWNLOAD_BYTES)
      t.equal(result.received, result.sent)
    }
    t.ok(await c1.canPing(ip2, 60_000))
  })
}
