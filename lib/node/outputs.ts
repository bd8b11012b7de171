import type { Endpoint } from '../address/mod.ts'
import type { Cidr } from '../address/mod.ts'
import type { LogLine, WeaveError } from '../base/mod.ts'
import type { EngineOp, ForwardingChange } from '../overlay/mod.ts'
import type { NeighbourCheck } from './checks.ts'

/** One durable write: all of it or nothing, on disk before any output that follows is carried out. */
export interface Persist {
  readonly type: 'persist'
  readonly puts: readonly (readonly [string, Uint8Array])[]
  readonly deletes: readonly string[]
  /** True for what could be learnt from others again: it may be lost, and no order with other outputs is kept. */
  readonly isCache?: boolean
}

/** What the node asks of its surroundings, to be carried out in order. */
export type NodeOutput =
  | Persist
  | { readonly type: 'resolve'; readonly contact: string }
  | { readonly type: 'dial'; readonly connection: number; readonly endpoint: Endpoint }
  | { readonly type: 'write'; readonly connection: number; readonly bytes: Uint8Array }
  /** Hand over what was written, then close. */
  | { readonly type: 'close'; readonly connection: number }
  /** The connection proved who it is: it no longer counts among the strangers. */
  | { readonly type: 'established'; readonly connection: number }
  | { readonly type: 'engine'; readonly op: EngineOp }
  | { readonly type: 'forwarding'; readonly change: ForwardingChange }
  /** An Ethernet frame for everybody on the own bridge. */
  | { readonly type: 'deliver'; readonly frame: Uint8Array }
  /** Look at this for a neighbour that asks, and tell by `handleChecked`. */
  | { readonly type: 'check'; readonly check: NeighbourCheck }
  /** The end of an address request. */
  | { readonly type: 'allocated'; readonly id: string; readonly cidrs: readonly Cidr[] }
  | { readonly type: 'refused'; readonly id: string; readonly error: WeaveError }
  | { readonly type: 'log'; readonly line: LogLine }
