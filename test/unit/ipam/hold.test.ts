import t from 'tap'
import type { Hold } from '../../../lib/ipam/hold.ts'
import { SALT, cidr, drain, ipam, peer, share } from './support.ts'

const HOLD: Hold = { reason: 'the own past is in doubt', remedy: 'wait' }

t.test('while there is a hold nothing is given, and what is asked for shows why and ends with it', async t => {
  const machine = ipam()
  machine.found(SALT, 0)
  machine.setHold(HOLD, 0)
  drain(machine)
  machine.allocate({ id: 'any', container: 'a' }, 0)
  machine.claim({ id: 'very', container: 'b', cidr: cidr('10.32.1.1/20') }, 0)
  t.same(drain(machine), [])
  t.match(machine.report(), {
    state: 'waiting',
    reason: HOLD.reason,
    pending: [{ container: 'a', reason: HOLD.reason }, { container: 'b' }],
  })
  machine.handleTimeout(machine.pollTimeout()!.at)
  const error = { code: 'IPAM_WAITING', message: /within 10 s: the own past is in doubt/, remedy: 'wait' }
  t.match(drain(machine), [
    { type: 'failed', id: 'any', error },
    { type: 'failed', id: 'very', error },
  ])
})

t.test('what waited is given when the hold ends', async t => {
  const machine = ipam()
  machine.found(SALT, 0)
  machine.setHold(HOLD, 0)
  drain(machine)
  machine.allocate({ id: 'any', container: 'a' }, 0)
  machine.setHold(undefined, 100)
  t.match(drain(machine), [{ type: 'lease' }, { type: 'done', id: 'any' }])
  t.equal(machine.report().state, 'ready')
})

t.test('a container keeps what it holds', async t => {
  const machine = ipam()
  machine.found(SALT, 0)
  machine.allocate({ id: 'one', container: 'a' }, 0)
  machine.setHold(HOLD, 0)
  drain(machine)
  machine.allocate({ id: 'two', container: 'a' }, 0)
  machine.claim({ id: 'three', container: 'a', cidr: cidr('10.32.0.1/20') }, 0)
  t.match(drain(machine), [
    { type: 'done', id: 'two' },
    { type: 'done', id: 'three' },
  ])
})

t.test('nothing is handed on, not for good either, and nobody is asked', async t => {
  const [a, b] = [ipam(), ipam({ self: peer(2) })]
  a.found(SALT, 0)
  share(a, peer(1), [b], 0)
  b.setReachable(new Set([peer(1)]), 0)
  drain(b)
  b.setHold(HOLD, 0)
  b.allocate({ id: 'x', container: 'c' }, 0)
  t.same(drain(b), [], 'it does not ask')
  b.setHold(undefined, 0)
  const [asked] = drain(b)
  if (asked?.type !== 'send' || asked.message.kind !== 'ipam-request') throw new Error('asks when the hold is over')
  a.setHold(HOLD, 0)
  a.handleRequest(peer(2), asked.message, 0)
  t.equal(a.handOnAll(peer(2), 0), 0)
  t.same(drain(a), [], 'and is not answered')
  a.setHold(undefined, 0)
  a.handleRequest(peer(2), asked.message, 0)
  t.match(drain(a), [{ type: 'publish' }, { type: 'send', message: { outcome: 'granted' } }])
})

t.test('nothing is taken over while there is a hold: who the members are may not be known', async t => {
  const machine = ipam()
  machine.found(SALT, 0)
  machine.setHold(HOLD, 0)
  t.same(machine.removePeer(peer(2), false, 0), { outcome: 'held', hold: HOLD })
})
