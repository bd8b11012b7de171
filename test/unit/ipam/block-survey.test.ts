import fc from 'fast-check'
import t from 'tap'
import { parseCidr, parseIpv4, type PeerId } from '../../../lib/address/mod.ts'
import { BlockSpace } from '../../../lib/ipam/block-space.ts'
import { LEASE_HOLDER } from '../../../lib/ipam/mod.ts'
import { surveyBlocks } from '../../../lib/ipam/block-survey.ts'
import { LeaseTable } from '../../../lib/ipam/lease-table.ts'
import { peerNumber } from '../../support/graphs.ts'

const space = new BlockSpace(parseCidr('10.32.0.0/24')!, 28)
/** Nothing is lent. */
const TAKEN = { has: () => false, isAnyIn: () => false }
const A = peerNumber(1)
const B = peerNumber(2)
const lease = (address: string) => ({
  ...{ address: parseIpv4(address)!, prefix: 24, container: address },
  holder: LEASE_HOLDER.attachment,
})

t.test('blocks of one owner are one run, with what is leased, resting and barred in it', t => {
  const leases = new LeaseTable(space, TAKEN)
  for (const address of ['10.32.0.1', '10.32.0.17', '10.32.0.250']) leases.put(lease(address))
  leases.remove(leases.at(parseIpv4('10.32.0.17')!)!, 0)
  leases.bar([15])
  const ownerOf = (block: number) => (block < 3 ? A : block < 8 ? B : block < 9 ? undefined : A)
  t.strictSame(surveyBlocks({ space, ownerOf }, leases), [
    { first: 0, last: 2, owner: A, leased: 1, resting: 1, barred: 0 },
    { first: 3, last: 7, owner: B, leased: 0, resting: 0, barred: 0 },
    { first: 8, last: 8, owner: undefined, leased: 0, resting: 0, barred: 0 },
    { first: 9, last: 15, owner: A, leased: 1, resting: 0, barred: 1 },
  ])
  t.end()
})

t.test('runs cover the range once, whoever owns what', t => {
  const owners = fc.array(fc.constantFrom<PeerId | undefined>(A, B, undefined), { minLength: 16, maxLength: 16 })
  fc.assert(
    fc.property(owners, all => {
      const runs = surveyBlocks({ space, ownerOf: block => all[block] }, new LeaseTable(space, TAKEN))
      const blocks = runs.flatMap(({ first, last, owner }) =>
        Array.from({ length: last - first + 1 }, (_, i) => ({ block: first + i, owner })),
      )
      t.strictSame(
        blocks,
        all.map((owner, block) => ({ block, owner })),
      )
      return runs.every(({ owner }, i) => i === 0 || runs[i - 1]!.owner !== owner)
    }),
    { numRuns: 50 },
  )
  t.end()
})
