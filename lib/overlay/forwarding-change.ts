import type { Mac } from '../address/mod.ts'
import type { BlockOwners, ForwardingTable } from './forwarding.ts'

/**
 * What makes one table of another: a lane is told this and not the whole, of which in a mesh of hundreds nearly all
 * stays. Absent is what stays.
 */
export interface ForwardingChange {
  readonly adjacent?: SetChange
  readonly reachable?: SetChange
  /** Peers that listen to other groups now, with these; undefined: they get all. */
  readonly listening?: readonly (readonly [number, readonly Mac[] | undefined])[]
  readonly owners?: OwnersChange
  /** All else as it is now. */
  readonly rest?: Partial<Rest>
}

interface SetChange {
  readonly added: readonly number[]
  readonly removed: readonly number[]
}

type Rest = Omit<ForwardingTable, 'adjacent' | 'reachable' | 'listening' | 'owners'>

type OwnersChange =
  | { readonly kind: 'all'; readonly owners: BlockOwners | undefined }
  | {
      readonly kind: 'some'
      /** Blocks, each followed by its owner. */
      readonly blocks: Int32Array
      readonly lent?: Pick<BlockOwners, 'lentAddresses' | 'lentTo'>
    }

/** Of a lane that was told nothing yet: it knows nobody. */
export const BLANK_TABLE: ForwardingTable = {
  selfIndex: -1,
  tree: new Int32Array(0),
  adjacent: [],
  reachable: [],
  owners: undefined,
}

/** Undefined when there is none. `reachable` and `adjacent` are sets: their order is no change. */
export function changeBetween(
  before: ForwardingTable = BLANK_TABLE,
  now: ForwardingTable,
): ForwardingChange | undefined {
  const adjacent = setChange(before.adjacent, now.adjacent)
  const reachable = setChange(before.reachable, now.reachable)
  const listening = listeningChange(before.listening, now.listening)
  const owners = ownersChange(before.owners, now.owners)
  const rest = restChange(before, now)
  if (adjacent ?? reachable ?? listening ?? owners ?? rest) {
    return {
      ...(adjacent && { adjacent }),
      ...(reachable && { reachable }),
      ...(listening && { listening }),
      ...(owners && { owners }),
      ...(rest && { rest }),
    }
  }
  return undefined
}

/**
 * The table that a change makes of the one before, which is used up: the owners of blocks are changed in place, for all of
 * them are many times what changes.
 */
export function changedTable(before: ForwardingTable = BLANK_TABLE, change: ForwardingChange): ForwardingTable {
  const { adjacent, reachable, listening, owners, rest } = change
  const table = { ...before, ...rest }
  if (adjacent !== undefined) table.adjacent = changedSet(before.adjacent, adjacent)
  if (reachable !== undefined) table.reachable = changedSet(before.reachable, reachable)
  if (listening !== undefined) {
    const held = new Map(before.listening)
    for (const [peer, groups] of listening)
      if (groups === undefined) held.delete(peer)
      else held.set(peer, groups)
    table.listening = [...held]
  }
  if (owners !== undefined) table.owners = changedOwners(before.owners, owners)
  return table
}

function changedSet(before: readonly number[], change: SetChange): number[] {
  const gone = new Set(change.removed)
  return [...before.filter(peer => !gone.has(peer)), ...change.added]
}

function listeningChange(
  before: ForwardingTable['listening'] = [],
  now: ForwardingTable['listening'] = [],
): ForwardingChange['listening'] {
  const held = new Map(before)
  const found: [number, readonly Mac[] | undefined][] = []
  for (const [peer, groups] of now) {
    const had = held.get(peer)
    held.delete(peer)
    if (had === undefined || !isSame(had, groups)) found.push([peer, groups])
  }
  for (const peer of held.keys()) found.push([peer, undefined])
  return found.length === 0 ? undefined : found
}

function setChange(before: readonly number[], now: readonly number[]): SetChange | undefined {
  if (isSame(before, now)) return undefined
  const [had, has] = [new Set(before), new Set(now)]
  const added = now.filter(one => !had.has(one))
  const removed = before.filter(one => !has.has(one))
  return added.length + removed.length === 0 ? undefined : { added, removed }
}

function ownersChange(before: BlockOwners | undefined, now: BlockOwners | undefined): OwnersChange | undefined {
  if (before === now) return undefined
  const isAlike =
    before?.first === now?.first &&
    before?.blockSize === now?.blockSize &&
    before?.ownerOf.length === now?.ownerOf.length
  if (before === undefined || now === undefined || !isAlike) return { kind: 'all', owners: now }
  const blocks: number[] = []
  for (let block = 0; block < now.ownerOf.length; block++) {
    const owner = now.ownerOf[block]!
    if (owner !== before.ownerOf[block]) blocks.push(block, owner)
  }
  const isLentAlike = isSame(before.lentAddresses, now.lentAddresses) && isSame(before.lentTo, now.lentTo)
  if (blocks.length === 0 && isLentAlike) return undefined
  if (blocks.length >= now.ownerOf.length) return { kind: 'all', owners: now }
  const { lentAddresses, lentTo } = now
  return { kind: 'some', blocks: Int32Array.from(blocks), ...(!isLentAlike && { lent: { lentAddresses, lentTo } }) }
}

function changedOwners(before: BlockOwners | undefined, change: OwnersChange): BlockOwners | undefined {
  if (change.kind === 'all' || before === undefined) return change.kind === 'all' ? change.owners : undefined
  const { ownerOf } = before
  for (let at = 0; at < change.blocks.length; at += 2) ownerOf[change.blocks[at]!] = change.blocks[at + 1]!
  return { ...before, ...change.lent }
}

function restChange(before: ForwardingTable, now: ForwardingTable): Partial<Rest> | undefined {
  const names = new Set([...Object.keys(before), ...Object.keys(now)] as (keyof ForwardingTable)[])
  for (const name of ['adjacent', 'reachable', 'listening', 'owners'] as const) names.delete(name)
  const differing = [...names].filter(name => !isSame(before[name], now[name]))
  return differing.length === 0 ? undefined : Object.fromEntries(differing.map(name => [name, now[name]]))
}

/** Of plain data: numbers, lists of them, and so on. */
function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (ArrayBuffer.isView(a) || Array.isArray(a)) {
    const [one, other] = [a, b] as unknown as [ArrayLike<unknown>, ArrayLike<unknown>]
    if (one.length !== other.length) return false
    for (let at = 0; at < one.length; at++) if (!isSame(one[at], other[at])) return false
    return true
  }
  const [one, other] = [a, b] as [Record<string, unknown>, Record<string, unknown>]
  const keys = Object.keys(one)
  return keys.length === Object.keys(other).length && keys.every(key => isSame(one[key], other[key]))
}
