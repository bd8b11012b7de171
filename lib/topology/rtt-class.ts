import { RTT_CLASS_MAX } from './constants.ts'

/** The class of a round-trip time: 0 below 1 ms, then one for each doubling (1: 1–2 ms, 2: 2–4 ms, …), at most 15. */
export function rttClass(ms: number): number {
  return ms < 1 ? 0 : Math.min(RTT_CLASS_MAX, Math.floor(Math.log2(ms)) + 1)
}

/** What an edge of this class costs: about its upper bound in milliseconds, so that sums compare as times do. Never 0. */
export function classCost(rtt: number): number {
  return 1 << Math.min(RTT_CLASS_MAX, rtt)
}
