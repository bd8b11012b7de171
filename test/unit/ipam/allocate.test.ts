import t from 'tap'
import type { Ipam } from '../../../lib/ipam/ipam.ts'
import type { LeaseHolder } from '../../../lib/ipam/lease-holder.ts'
import { SALT, cidr, drain, drainAll, ip, ipam, peer, unstarted } from './support.ts'

function founded(options: Parameters<typeof ipam>[0] = {}): Ipam {
  const machine = ipam(options)
  machine.found(SALT, 0)
  drain(machine)
  return machine
}

/** Allocates or claims, and gives what came out of it at once: addresses, an error, or nothing yet. */
function ask(machine: Ipam, container: string, form: string | undefined, now = 0) {
  const id = `${container} ${form} ${now}`
  if (form === undefined) machine.allocate({ id, container }, now)
  else if (form.startsWith('net:')) machine.allocate({ id, container, subnet: cidr(form.slice(4)) }, now)
  else machine.claim({ id, container, cidr: cidr(form) }, now)
  const end = drain(machine).find(output => output.type === 'done' || output.type === 'failed')
  if (end?.type === 'failed') return end.error
  return end?.type === 'done' ? end.cidrs : undefined
}

t.test('a founder publishes every segment, and founds only once', async t => {
  const machine = ipam({ range: cidr('10.32.0.0/12') })
  t.equal(machine.isReady, false)
  t.equal(machine.found(SALT, 0), true)
  const outputs = drain(machine)
  t.equal(outputs.length, 64)
  t.ok(outputs.every(output => output.type === 'publish' && output.value !== undefined && output.value.length < 64))
  t.equal(machine.found(SALT, 0), false)
  t.equal(drain(machine).length, 0)
  t.match(machine.report(), { state: 'ready', perPeer: [{ peer: peer(1), blocks: 16384, addresses: 2 ** 20 }] })
})

t.test('the lowest free address is given, never the first or last of the subnet', async t => {
  const machine = founded()
  t.same(ask(machine, 'a', undefined), [cidr('10.32.0.1/20')])
  t.same(ask(machine, 'b', undefined), [cidr('10.32.0.2/20')])
  t.same(ask(machine, 'a', 'net:10.32.1.0/30'), [cidr('10.32.1.1/30')])
  t.same(ask(machine, 'b', 'net:10.32.1.0/30'), [cidr('10.32.1.2/30')])
  t.match(ask(machine, 'c', 'net:10.32.1.0/30'), { code: 'RANGE_FULL', message: /10\.32\.1\.0\/30/ })
})

t.test('a lease is persisted before it is acknowledged', async t => {
  const machine = founded()
  machine.allocate({ id: 'x', container: 'a' }, 0)
  t.same(
    drain(machine).map(output => output.type),
    ['lease', 'done'],
  )
})

t.test('the same container gets the same address in the same subnet', async t => {
  const machine = founded()
  t.same(ask(machine, 'a', undefined), ask(machine, 'a', undefined))
  ask(machine, 'a', 'net:10.32.3.0/24')
  t.equal(machine.lookup('a').length, 2)
  t.same(ask(machine, 'a', 'net:10.32.3.0/24'), [cidr('10.32.3.1/24')])
})

t.test('what looks like the address of a network or of broadcast is given last', async t => {
  const machine = founded({ range: cidr('10.32.0.0/23') })
  const given = new Set<number>()
  for (let count = 1; count <= 510; count++) {
    const [one] = ask(machine, `c${count}`, undefined) as readonly { address: number }[]
    given.add(one!.address)
    if (count === 508) t.notOk(given.has(ip('10.32.0.255')) || given.has(ip('10.32.1.0')))
  }
  t.ok(given.has(ip('10.32.0.255')) && given.has(ip('10.32.1.0')))
  t.match(ask(machine, 'one more', undefined), { code: 'RANGE_FULL', message: /all of its 510 addresses/ })
})

t.test('what rests and what is remembered outlives a restart', async t => {
  const machine = founded()
  const kept = new Map<string, Uint8Array>()
  const keep = () => {
    for (const output of drainAll(machine))
      if (output.type === 'keep' && output.value !== undefined) kept.set(output.key, output.value)
      else if (output.type === 'keep') kept.delete(output.key)
  }
  machine.allocate({ id: 'x', container: 'a' }, 0)
  machine.allocate({ id: 'y', container: 'b' }, 0)
  machine.free('a', undefined, 0)
  machine.handleTimeout(30_000)
  machine.free('b', undefined, 30_000)
  keep()
  const back = unstarted()
  for (const [key, value] of kept) t.ok(back.restoreKept(key, value, 0))
  t.notOk(back.restoreKept('freed/10.32.0.9', new Uint8Array(2), 0))
  t.notOk(back.restoreKept('else', new Uint8Array(2), 0))
  back.start(0)
  back.found(SALT, 0)
  drain(back)
  t.same(ask(back, 'b', undefined), [cidr('10.32.0.2/20')], 'the same again')
  back.free('b', undefined, 0)
  t.same(ask(back, 'c', undefined), [cidr('10.32.0.1/20')], 'its rest was over')
  t.same(ask(back, 'd', undefined), [cidr('10.32.0.3/20')], 'what rested before rests')
  t.same(ask(back, 'a', undefined), [cidr('10.32.0.4/20')], 'taken by another')
})

t.test('a freed address rests for others, and waits for its own container', async t => {
  const machine = founded()
  ask(machine, 'a', undefined)
  t.equal(machine.free('a', undefined, 1000).length, 1)
  t.match(drain(machine), [{ type: 'unlease', lease: { container: 'a' } }])
  t.same(ask(machine, 'b', undefined, 2000), [cidr('10.32.0.2/20')], 'it rests')
  t.same(ask(machine, 'a', undefined, 3000), [cidr('10.32.0.1/20')], 'within the rest')
  machine.free('a', undefined, 4000)
  t.same(ask(machine, 'c', undefined, 33_999), [cidr('10.32.0.3/20')], 'it still rests')
  t.same(ask(machine, 'd', undefined, 34_000), [cidr('10.32.0.1/20')], 'the rest is over')
  machine.free('b', undefined, 34_000)
  t.same(ask(machine, 'b', undefined, 100_000), [cidr('10.32.0.2/20')], 'long after the rest')
  t.not(ask(machine, 'a', undefined, 100_000), [cidr('10.32.0.1/20')], 'taken by another meanwhile')
})

t.test('one address of a container can be freed alone', async t => {
  const machine = founded()
  ask(machine, 'a', undefined)
  ask(machine, 'a', '10.32.2.2/24')
  machine.free('a', ip('10.32.0.1'), 0)
  t.same(machine.lookup('a'), [{ container: 'a', holder: 'attachment', ...cidr('10.32.2.2/24') }])
  t.equal(machine.free('a', ip('10.32.0.1'), 0).length, 0, 'again is nothing')
  t.equal(machine.free('nobody', undefined, 0).length, 0)
})

t.test('a request waits for a rest that ends in time, and does not spin meanwhile', async t => {
  const machine = founded()
  ask(machine, 'a', 'net:10.32.1.0/30')
  ask(machine, 'b', 'net:10.32.1.0/30')
  machine.free('a', undefined, 0)
  t.match(ask(machine, 'c', 'net:10.32.1.0/30', 10_000), {
    code: 'RANGE_FULL',
    message: /all of its 2 addresses are taken, 1 of them resting here after use, for 30 s at most/,
    remedy: /--timeout 35/,
  })
  t.equal(ask(machine, 'c', 'net:10.32.1.0/30', 25_000), undefined)
  t.same(machine.pollTimeout(), { at: 30_000, reason: 'ipam rest' })
  machine.handleTimeout(30_000)
  t.match(drain(machine), [{ type: 'lease' }, { type: 'done', cidrs: [cidr('10.32.1.1/30')] }])
})

t.test('a claim gives that very address, or says who holds it', async t => {
  const machine = founded()
  t.same(ask(machine, 'a', '10.32.1.7/24'), [cidr('10.32.1.7/24')])
  t.same(ask(machine, 'a', '10.32.1.7/24'), [cidr('10.32.1.7/24')], 'again')
  t.match(ask(machine, 'b', '10.32.1.7/24'), { code: 'ADDRESS_TAKEN', message: /10\.32\.1\.7.*for b.*by a/ })
  t.match(ask(machine, 'b', '10.32.1.255/24'), { code: 'ADDRESS_RESERVED' })
  t.same(ask(machine, 'b', '10.99.1.1/24'), [cidr('10.99.1.1/24')], 'outside the range')
  t.match(ask(machine, 'c', '10.99.1.1/24'), { code: 'ADDRESS_TAKEN', message: /by b/ })
  machine.free('b', undefined, 0)
  t.match(ask(machine, 'b', 'net:10.99.1.0/24'), { code: 'ADDRESS_OUTSIDE_RANGE' })
  machine.free('a', undefined, 5)
  t.same(ask(machine, 'b', '10.32.1.7/24', 6), [cidr('10.32.1.7/24')], 'the word of the user ends a rest')
})

t.test('a claim with another prefix replaces the lease', async t => {
  const machine = founded()
  ask(machine, 'a', '10.32.1.7/24')
  t.same(ask(machine, 'a', '10.32.1.7/20'), [cidr('10.32.1.7/20')])
  t.same(machine.lookup('a'), [{ container: 'a', holder: 'attachment', ...cidr('10.32.1.7/20') }])
})

t.test('a range smaller than a block is one block', async t => {
  const machine = founded({ range: cidr('10.9.0.0/29') })
  t.equal(machine.space.blockCount, 1)
  for (let host = 1; host <= 6; host++) t.same(ask(machine, `c${host}`, undefined), [cidr(`10.9.0.${host}/29`)])
  const full = ask(machine, 'c7', undefined)
  t.match(full, { code: 'RANGE_FULL', remedy: /^detach what is no longer needed \(/ }, 'there is no other subnet')
})

t.test('the default subnet is where containers go that ask for nothing', async t => {
  const machine = founded({ defaultSubnet: cidr('10.32.2.0/24') })
  t.same(ask(machine, 'a', undefined), [cidr('10.32.2.1/24')])
  t.equal(machine.report().ownFree, 253)
  t.throws(() => ipam({ defaultSubnet: cidr('10.64.0.0/24') }), { code: 'ADDRESS_OUTSIDE_RANGE' })
})

t.test('ranges and block sizes that cannot work are refused', async t => {
  t.throws(() => ipam({ range: cidr('10.32.0.1/12') }), { code: 'CONFIG_INVALID', remedy: /10\.32\.0\.0\/12/ })
  t.throws(() => ipam({ range: cidr('10.32.0.0/31') }), { code: 'CONFIG_INVALID' })
  t.throws(() => ipam({ blockPrefix: 31 }), { code: 'CONFIG_INVALID' })
  t.throws(() => ipam({ range: cidr('0.0.0.0/0') }), { code: 'CONFIG_INVALID', message: /at most 262144/ })
})

t.test('before any owner is known a request waits, says so, and ends', async t => {
  const machine = ipam()
  t.equal(ask(machine, 'a', undefined), undefined)
  t.match(machine.report(), {
    state: 'waiting',
    reason: /not joined/,
    pending: [{ container: 'a', reason: /not joined/ }],
  })
  t.same(machine.pollTimeout(), { at: 10_000, reason: 'ipam deadline' })
  machine.handleTimeout(10_000)
  t.match(drain(machine), [
    { type: 'failed', error: { code: 'IPAM_WAITING', message: /within 10 s: no peer that holds/ } },
  ])
  t.equal(machine.pollTimeout(), undefined)
})

t.test('founding satisfies what waited', async t => {
  const machine = ipam()
  ask(machine, 'a', undefined)
  machine.found(SALT, 5)
  t.match(drain(machine).slice(-2), [{ type: 'lease' }, { type: 'done', cidrs: [cidr('10.32.0.1/20')] }])
})

t.test('a cancelled request has no output, and a freed container fails', async t => {
  const machine = ipam()
  machine.allocate({ id: 'x', container: 'a' }, 0)
  machine.allocate({ id: 'y', container: 'b' }, 0)
  machine.cancel('x', 1)
  machine.free('b', undefined, 2)
  t.match(drain(machine), [{ type: 'failed', id: 'y', error: { code: 'IPAM_WAITING', message: /^b was detached/ } }])
  t.equal(machine.pollTimeout(), undefined)
})

t.test('requests that wait are bounded', async t => {
  const machine = ipam()
  for (let i = 0; i < 1024; i++) t.equal(ask(machine, `c${i}`, undefined), undefined)
  t.match(ask(machine, 'one more', undefined), { code: 'IPAM_WAITING', message: /1024/ })
})

t.test('restored leases are kept and not given again', async t => {
  const machine = unstarted()
  t.equal(machine.restoreLease({ container: 'a', holder: 'attachment', ...cidr('10.32.0.1/20') }), true)
  t.equal(machine.restoreLease({ container: 'b', holder: 'attachment', ...cidr('10.32.0.1/20') }), false, 'of another')
  t.match(machine.report(), { disputed: [{ container: 'a', cidr: '10.32.0.1/20' }] })
  machine.start(0)
  machine.found(SALT, 0)
  drain(machine)
  t.match(machine.report(), { disputed: [] })
  t.same(ask(machine, 'b', undefined), [cidr('10.32.0.2/20')])
  t.same(ask(machine, 'a', undefined), [cidr('10.32.0.1/20')])
})

t.test('one name with two holders is two: each has its own address, and gives back that one', async t => {
  const machine = ipam()
  machine.found(SALT, 0)
  drain(machine)
  const asked = (holder: LeaseHolder, claim?: string) => {
    if (claim === undefined) machine.allocate({ id: holder, container: 'c', holder }, 0)
    else machine.claim({ id: holder, container: 'c', holder, cidr: cidr(claim) }, 0)
    return drain(machine).find(output => output.type === 'done' || output.type === 'failed')
  }
  t.match(asked('attachment'), { type: 'done', cidrs: [cidr('10.32.0.1/20')] })
  t.match(asked('docker'), { type: 'done', cidrs: [cidr('10.32.0.2/20')] })
  t.match(asked('docker'), { type: 'done', cidrs: [cidr('10.32.0.2/20')] }, 'the same again')
  t.match(asked('exposure', '10.32.0.1/20'), { type: 'failed', error: { message: /held by c \(attachment\)/ } })
  t.same(
    machine.leases('docker').map(({ container, holder }) => [container, holder]),
    [['c', 'docker']],
  )
  t.equal(machine.leases().length, 2)
  t.same(machine.leases('exposure'), [])
  t.equal(machine.free('c', undefined, 0).length, 1, 'an attachment unless told otherwise')
  t.same(
    machine.leases().map(({ holder }) => holder),
    ['docker'],
  )
  t.match(machine.report().leases, [{ container: 'c', holder: 'docker', cidr: '10.32.0.2/20' }])
  t.match(asked('docker'), { type: 'done', cidrs: [cidr('10.32.0.2/20')] })
  t.equal(machine.free('c', undefined, 0, 'docker').length, 1)
  t.match(asked('exposure'), { type: 'done', cidrs: [cidr('10.32.0.3/20')] }, 'what rests is for who had it')
  t.match(asked('docker'), { type: 'done', cidrs: [cidr('10.32.0.2/20')] })
})
