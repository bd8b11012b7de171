import type { Endpoint, PeerId } from '../address/mod.ts'
import type { Millis } from '../base/mod.ts'
import type { LinkDownReason } from '../peer/mod.ts'
import type { Hello, LinkMessage } from '../wire/mod.ts'

/** A control link that is up. */
export interface Neighbour {
  readonly connection: number
  readonly peerId: PeerId
  readonly exchangePublic: Uint8Array
  readonly hello: Hello
  readonly isOutbound: boolean
  /** The far end of the TCP connection. */
  readonly endpoint: Endpoint
  readonly upAt: Millis
  readonly rttMs: number | undefined
  /** It takes less than is sent to it: what it can learn later had better wait. */
  readonly isBehind: boolean
}

/** A connection of any state, for `status connections`. */
export interface ConnectionState {
  readonly connection: number
  readonly endpoint: Endpoint
  readonly isOutbound: boolean
  readonly peerId: PeerId | undefined
}

/** A connection on which the other side has proved who it is. */
export interface ProvedLink {
  readonly connection: number
  readonly isOutbound: boolean
  /** What this side had said of itself when the connection began. */
  readonly sent: Hello
}

/** What to do with a peer that proved who it is. */
export type Admission =
  { readonly admitted: true } | { readonly admitted: false; readonly code: number; readonly text: string }

export type NeighboursOutput =
  | { readonly type: 'write'; readonly connection: number; readonly bytes: Uint8Array }
  | { readonly type: 'close'; readonly connection: number }
  | { readonly type: 'up'; readonly neighbour: Neighbour }
  | {
      readonly type: 'down'
      readonly neighbour: Neighbour
      /** When anything came over it last. */
      readonly heardAt: Millis
      readonly error: string
      /** Of the far side's goodbye, 0 without one. */
      readonly code: number
    }
  | { readonly type: 'message'; readonly from: PeerId; readonly message: LinkMessage }
  | { readonly type: 'drop'; readonly reason: string }
  | { readonly type: 'ourself'; readonly connection: number }
  /** Another process has this peer's identity. */
  | { readonly type: 'double'; readonly endpoint: Endpoint; readonly hello: Hello }
  | {
      readonly type: 'ended'
      readonly connection: number
      /** Who it led to, where that was proved. */
      readonly peerId: PeerId | undefined
      readonly isOutbound: boolean
      readonly endpoint: Endpoint
      readonly reason: LinkDownReason | 'goodbye'
      readonly code: number
      readonly error: string
    }
