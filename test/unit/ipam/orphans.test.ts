import t from 'tap'
import type { PeerId } from '../../../lib/address/mod.ts'
import { ALL_REACHED_MS, ORPHAN_AFTER_MS } from '../../../lib/ipam/constants.ts'
import type { Ipam } from '../../../lib/ipam/ipam.ts'
import { FOUNDER, cidr, drain, ipam, peer, record } from './support.ts'

const RANGE = cidr('10.32.0.0/24')
const [ONE, TWO, AWAY] = [peer(1), peer(2), peer(3)].sort() as [PeerId, PeerId, PeerId]

/** Two peers that know who owns the first two of four blocks: the second. `members` besides them cannot be reached. */
function knowing(members: readonly PeerId[] = []): { one: Ipam; two: Ipam } {
  const [one, two] = [ipam({ self: ONE, range: RANGE }), ipam({ self: TWO, range: RANGE })]
  const stated = record(
    [{ first: 0, count: 2, owners: [FOUNDER, TWO].filter((id, at, all) => all[at - 1] !== id) }],
    RANGE,
  )
  for (const [machine, other] of [
    [one, TWO],
    [two, ONE],
  ] as const) {
    machine.setStatements(TWO, 0, stated, 0)
    machine.setReachable(new Set([other]), 0, new Set([ONE, TWO, ...members]))
    drain(machine)
  }
  return { one, two }
}

function published(machine: Ipam, now: number) {
  machine.handleTimeout(now)
  return drain(machine).flatMap(output => (output.type === 'takeover' && output.kind === 'takeover' ? [output] : []))
}

t.test(
  'blocks of nobody are taken over when all members have been reached for a while, by the vote of the others',
  async t => {
    const { one, two } = knowing()
    t.same(published(one, ORPHAN_AFTER_MS - 1), [])
    t.same(published(two, ORPHAN_AFTER_MS), [], 'by the member with the least id')
    const [takeover] = published(one, ORPHAN_AFTER_MS)
    t.match(takeover, { kind: 'takeover' })
    t.same(one.ownBlocks(), [])
    two.setTakeover(ONE, takeover!.key, takeover!.value, ORPHAN_AFTER_MS)
    const acks = drain(two).find(output => output.type === 'takeover' && output.kind === 'acks')
    one.setAcks(TWO, (acks as { value: Uint8Array }).value, ORPHAN_AFTER_MS)
    t.same(one.ownBlocks(), [2, 3])
  },
)

t.test('while one member cannot be reached, they may be its', async t => {
  const { one, two } = knowing([AWAY])
  t.same(published(one, 10 * ORPHAN_AFTER_MS), [])
  const other = knowing().one
  const [takeover] = published(other, ORPHAN_AFTER_MS)
  two.setTakeover(ONE, takeover!.key, takeover!.value, 10 * ORPHAN_AFTER_MS)
  t.same(
    drain(two).filter(output => output.type === 'takeover' && output.kind === 'acks'),
    [],
    'nor does another one agree',
  )
  two.setReachable(new Set([ONE, AWAY]), 10 * ORPHAN_AFTER_MS, new Set([ONE, TWO, AWAY]))
  two.handleTimeout(10 * ORPHAN_AFTER_MS + ALL_REACHED_MS)
  t.equal(drain(two).filter(output => output.type === 'takeover' && output.kind === 'acks').length, 1)
})
