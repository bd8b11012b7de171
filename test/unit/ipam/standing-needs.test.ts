import t from 'tap'
import type { PeerId } from '../../../lib/address/mod.ts'
import { EAGER_AFTER_MS, EAGER_OWNERS, EAGER_SPREAD_MS } from '../../../lib/ipam/constants.ts'
import { seededChance } from '../../support/seeded-chance.ts'
import { cidr, drain, ipam, peer, record } from './support.ts'

const OWNER = peer(1)
const RANGE = cidr('10.32.0.0/20')

/** When a peer that reaches so many others asks the owner of all blocks for some, though no container waits. */
function askedAt(number: number, reached: number): number {
  const machine = ipam({ self: peer(number), range: RANGE, chance: seededChance(number) })
  machine.setStatements(OWNER, 0, record([{ first: 0, count: 64, owners: [OWNER] }], RANGE), 0)
  const others = [OWNER, ...Array.from({ length: reached - 1 }, (_, i) => peer(100 + i))]
  machine.setReachable(new Set(others), 0)
  drain(machine)
  for (let due = machine.pollTimeout(); due !== undefined; due = machine.pollTimeout()) {
    machine.handleTimeout(due.at)
    const [output] = drain(machine)
    if (output?.type === 'send' && output.message.kind === 'ipam-request' && output.message.isForLater === true)
      return due.at
  }
  return Infinity
}

t.test('first blocks are asked for after a while, by peers of a large mesh one after the other', async t => {
  for (const reached of [1, 4, 60]) {
    const times = Array.from({ length: 60 }, (_, i) => askedAt(2 + i, reached))
    const [first, last] = [Math.min(...times), Math.max(...times)]
    const most = EAGER_AFTER_MS + reached * EAGER_SPREAD_MS
    t.ok(first >= EAGER_AFTER_MS && last < most, `${reached} reached: ${first} to ${last} ms`)
    t.ok(last - first > 0.8 * reached * EAGER_SPREAD_MS, 'all over that time')
  }
})

t.test('not while enough others that are reached own some; when too few are left they are', async t => {
  const machine = ipam({ self: peer(2), range: RANGE, chance: seededChance(2) })
  const owners = Array.from({ length: EAGER_OWNERS }, (_, i) => peer(100 + i))
  // The founder has given each of them a block.
  const runs = owners.map((owner, i) => ({ first: i, count: 1, owners: [OWNER, owner] }))
  const rest = { first: EAGER_OWNERS, count: 64 - EAGER_OWNERS, owners: [OWNER] }
  machine.setStatements(OWNER, 0, record([...runs, rest], RANGE), 0)
  const isAsking = (reachable: readonly PeerId[], from: number, to: number) => {
    machine.setReachable(new Set(reachable), from)
    drain(machine)
    for (let due = machine.pollTimeout(); due !== undefined && due.at < to; due = machine.pollTimeout()) {
      machine.handleTimeout(due.at)
      if (drain(machine).some(({ type }) => type === 'send')) return true
    }
    return false
  }
  t.notOk(isAsking(owners, 0, 600_000))
  t.ok(isAsking(owners.slice(1), 600_000, 600_000 + EAGER_AFTER_MS + EAGER_OWNERS * EAGER_SPREAD_MS + 1))
})
