import type { Cidr, Ipv4, PeerId } from '../address/mod.ts'
import type { WeaveError } from '../base/mod.ts'
import type { IpamMessage } from '../wire/mod.ts'
import type { Page } from './blocks-record.ts'
import type { Lease } from './lease-table.ts'
import type { TakeoverPublish } from './own-takeovers.ts'

/**
 * What the address manager wants done, to be carried out in order: what comes first must be persistent before what
 * follows is sent or acknowledged. The records that one input publishes belong into one transaction of the store: a
 * founding that was cut in half would leave blocks without an owner.
 */
export type IpamOutput =
  /** Put this peer's record of kind `blocks` for a page into the ledger; undefined: remove it. */
  | { readonly type: 'publish'; readonly page: Page; readonly value: Uint8Array | undefined }
  /** Put this peer's record of kind `takeover` or `acks` into the ledger; undefined: remove it. */
  | ({ readonly type: 'takeover' } & TakeoverPublish)
  /** Put this peer's record of kind `assigned` for a strip into the ledger; undefined: remove it. */
  | { readonly type: 'assign'; readonly strip: Ipv4; readonly value: Uint8Array | undefined }
  /** Persist under a key of `KEPT`, for `restoreKept`; undefined: delete. */
  | { readonly type: 'keep'; readonly key: string; readonly value: Uint8Array | undefined }
  | { readonly type: 'send'; readonly to: PeerId; readonly message: IpamMessage }
  /** Persist the lease, in place of one of the same address. */
  | { readonly type: 'lease'; readonly lease: Lease }
  | { readonly type: 'unlease'; readonly lease: Lease }
  /** The end of a request: one of these for each id, unless it was cancelled. */
  | { readonly type: 'done'; readonly id: string; readonly cidrs: readonly Cidr[] }
  | { readonly type: 'failed'; readonly id: string; readonly error: WeaveError }
