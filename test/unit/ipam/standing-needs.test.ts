import t from 'tap'
import type { PeerId } from '../../../lib/address/mod.ts'
import { EAGER_AFTER_MS, EAGER_OWNERS, EAGER_REST_MS, EAGER_SPREAD_MS } from '../../../lib/ipam/constants.ts'
import { seededChance } from '../../support/seeded-chance.ts'
import { cidr, drain, ipam, peer, record } from './support.ts'

const FOUNDER = peer(1)
const RANGE = cidr('10.32.0.0/20')

/** When a peer asks for blocks though no container waits. The founder has given one to each of the others that are named. */
function askedAt(number: number, reached: readonly PeerId[], owners: readonly PeerId[] = []): number {
  const machine = ipam({ self: peer(number), range: RANGE, chance: seededChance(number) })
  const given = owners.map((owner, i) => ({ first: i, count: 1, owners: [FOUNDER, owner] }))
  const rest = { first: owners.length, count: 64 - owners.length, owners: [FOUNDER] }
  machine.setStatements(FOUNDER, 0, record([...given, rest], RANGE), 0)
  machine.setReachable(new Set(reached), 0)
  drain(machine)
  for (let due = machine.pollTimeout(); due !== undefined; due = machine.pollTimeout()) {
    machine.handleTimeout(due.at)
    for (const output of drain(machine))
      if (output.type === 'send' && output.message.kind === 'ipam-request' && output.message.isForLater === true)
        return due.at
  }
  return Infinity
}

const ASKERS = Array.from({ length: 60 }, (_, i) => 2 + i)
const others = (count: number) => Array.from({ length: count }, (_, i) => peer(100 + i))

t.test('first blocks are asked for after a while, by peers of a large mesh one after the other', async t => {
  for (const reached of [1, 4, 60]) {
    const times = ASKERS.map(number => askedAt(number, [FOUNDER, ...others(reached - 1)]))
    const [first, last] = [Math.min(...times), Math.max(...times)]
    const most = EAGER_AFTER_MS + reached * EAGER_SPREAD_MS
    t.ok(first >= EAGER_AFTER_MS && last < most, `${reached} reached: ${first} to ${last} ms`)
    t.ok(last - first > 0.8 * reached * EAGER_SPREAD_MS, 'all over that time')
  }
})

t.test('in no hurry where enough others that are reached own some', async t => {
  const owners = others(EAGER_OWNERS)
  const times = ASKERS.map(number => askedAt(number, owners, owners))
  const [first, last] = [Math.min(...times), Math.max(...times)]
  const most = EAGER_AFTER_MS + EAGER_OWNERS * EAGER_REST_MS
  t.ok(first >= EAGER_AFTER_MS && last < most, `${first} to ${last} ms`)
  t.ok(last - first > 0.8 * EAGER_OWNERS * EAGER_REST_MS, 'all over that time')
  const few = ASKERS.map(number => askedAt(number, owners.slice(1), owners))
  t.ok(Math.max(...few) < EAGER_AFTER_MS + EAGER_OWNERS * EAGER_SPREAD_MS, 'one of them is out of reach')
})
