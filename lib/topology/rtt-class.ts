import { RTT_CLASS_MAX } from './constants.ts'

/** What is shorter says more of how busy the hosts are than of the way between them. */
const RTT_CLASS_UNIT_MS = 4
/**
 * Of each edge, beside its time: what passes through a peer costs that peer, and waits there. So a way with one hop more
 * has to be shorter by more than this (16 ms), and times that a busy host stretches send nothing round by others.
 */
const HOP_COST = 4

/** The class of a round-trip time: 0 below 4 ms, then one for each doubling (1: 4–8 ms, 2: 8–16 ms, …), at most 15. */
export function rttClass(ms: number): number {
  return ms < RTT_CLASS_UNIT_MS ? 0 : Math.min(RTT_CLASS_MAX, Math.floor(Math.log2(ms / RTT_CLASS_UNIT_MS)) + 1)
}

/** What an edge of this class costs: about its upper bound, in units of 4 ms, and what a hop costs. */
export function classCost(rtt: number): number {
  return HOP_COST + (1 << Math.min(RTT_CLASS_MAX, rtt))
}

/** The class of an edge that costs so much. */
export function costClass(cost: number): number {
  return Math.log2(cost - HOP_COST)
}
