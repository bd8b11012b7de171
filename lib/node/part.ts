import type { PeerId } from '../address/mod.ts'
import type { Millis } from '../base/mod.ts'
import type { RecordChange } from '../ledger/mod.ts'
import type { LinkMessage, RoutedMessage } from '../wire/mod.ts'
import type { NodeContext } from './context.ts'

/** A key of the state store, and what lies under it. */
export type StoreEntry = readonly [string, Uint8Array]

/** Gives the entries of the state store whose key begins with a prefix, in the order of their keys. */
export type StoreRead = (prefix: string) => Iterable<StoreEntry>

/** A message between neighbours that the link itself does not answer, by its type. */
export type PartMessage = Extract<
  LinkMessage,
  {
    type:
      | 'ledger-sync'
      | 'ledger-delta'
      | 'ledger-tree'
      | 'election'
      | 'datagrams'
      | 'datagrams-taken'
      | 'check'
      | 'checked'
  }
>

/**
 * One subject of a node. A part says what is its own (keys of the store, kinds of records, of routed messages and of
 * messages between neighbours), and is then given just that. `Parts` asserts that nothing is claimed twice.
 *
 * Everything but the name is optional. None of the calls may throw for foreign bytes: what is not understood is dropped
 * and counted (`NodeContext.drop`). Parts are called in the order in which the node lists them.
 */
export interface NodePart {
  /** Under which its report stands. */
  readonly name: string
  /** What keys of the state store begin with that are this part's alone. */
  readonly storePrefixes?: readonly string[]
  readonly recordKinds?: readonly number[]
  readonly routedKinds?: readonly number[]
  readonly messageTypes?: readonly PartMessage['type'][]
  /** Takes up what the store holds under its prefixes; once, before anything else. The ledger is restored by then. */
  restore?(entries: readonly StoreEntry[], now: Millis): void
  /** A record of one of its kinds is new or gone; own ones too. */
  handleRecord?(change: RecordChange, now: Millis): void
  /**
   * A record of one of its kinds that an earlier run knew: it is no news. Some come only after the start, in pieces.
   * Without this, `handleRecord` is called.
   */
  handleRemembered?(change: RecordChange, now: Millis): void
  /** A genuine message to this peer, of one of its kinds. */
  handleRouted?(message: RoutedMessage, now: Millis): void
  /** A message of a neighbour, of one of its types. */
  handleMessage?(from: RoutedMessage['source'], message: PartMessage, now: Millis): void
  /** A link to a neighbour is up: its ledger can be asked about. */
  neighbourUp?(peer: PeerId, now: Millis): void
  /** Graph, routes or the set of reachable peers were made anew. */
  viewChanged?(now: Millis): void
  /** This peer is about to leave the mesh that it is of, or none, for another: what belongs to the old one is void. */
  meshChanged?(now: Millis): void
  handleTimeout?(now: Millis): void
  pollTimeout?(): { readonly at: Millis; readonly reason: string } | undefined
  /** Plain data for status, metrics and diagnosis. */
  report?(now: Millis): unknown
}

/** Makes a part that needs nothing but what all parts share. */
export type PartFactory = (context: NodeContext) => NodePart
