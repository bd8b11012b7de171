import type { PeerId } from '../address/mod.ts'

/**
 * Who owns a block. Ordered lexicographically by (term, seq, owner); merging takes the greater. So merging is total,
 * commutative, associative and idempotent, and can never fail.
 *
 * - `seq` grows by one whenever the owner hands the block on, at most to CHAIN_MAX: in normal life a block has one writer.
 * - `term` (u32) grows only when a block is taken over from a peer that is gone for good.
 */
export interface Register {
  readonly term: number
  readonly seq: number
  readonly owner: PeerId
}

/** Negative when `a` is superseded by `b`, 0 when they are the same, positive otherwise. */
export function compareRegisters(a: Register, b: Register): number {
  if (a.term !== b.term) return a.term - b.term
  if (a.seq !== b.seq) return a.seq - b.seq
  return a.owner === b.owner ? 0 : a.owner < b.owner ? -1 : 1
}

export function mergeRegisters(a: Register, b: Register): Register {
  return compareRegisters(a, b) >= 0 ? a : b
}

export function equalRegisters(a: Register | undefined, b: Register | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && compareRegisters(a, b) === 0)
}
