import { soonest, type Millis } from '../base/mod.ts'
import type { IpamParts } from './ipam-wiring.ts'

/**
 * When address management wants to be woken next, and for what. `workedAt`: when it last looked at everything;
 * `isHeld`: nothing is returned then.
 */
export function nextTimeout(
  parts: IpamParts,
  workedAt: Millis,
  isHeld: boolean,
): { at: Millis; reason: string } | undefined {
  const { allocator, seeker, leases, map, succession, borrower, standing, reclaims } = parts
  const timeouts: readonly { readonly at: Millis | undefined; readonly reason: string }[] = [
    { at: allocator.nextDeadline(), reason: 'ipam deadline' },
    { at: seeker.nextTimeout(), reason: 'ipam answer' },
    { at: leases.nextExpiry(), reason: 'ipam rest' },
    { at: map.nextTimeout(), reason: 'ipam proof' },
    { at: succession.nextTimeout(workedAt), reason: 'ipam takeover' },
    { at: isHeld ? undefined : borrower.nextTimeout(), reason: 'ipam return' },
    { at: standing.nextTimeout(), reason: 'ipam adoption' },
    { at: reclaims.nextTimeout(), reason: 'ipam reclaim' },
  ]
  return soonest(timeouts.map(({ at, reason }) => (at === undefined ? undefined : { at, reason })))
}
