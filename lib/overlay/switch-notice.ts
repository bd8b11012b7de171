import type { Mac } from '../address/mod.ts'

/** What a lane tells of frames that it drops, for the operator: at most once a second of each, and lane. */
export type SwitchNotice =
  /**
   * The address is in use at two places: peer indices, or MAC_LOCAL. It stays where it is kept, and frames with it from
   * the other are dropped.
   */
  | { readonly kind: 'duplicate-mac'; readonly mac: Mac; readonly keptAt: number; readonly droppedAt: number }
  /**
   * More of the peer (or MAC_LOCAL) is to be flooded than is allowed; the address is that of the last frame, which the
   * neighbour passed on (the same peer when it came from itself).
   */
  | { readonly kind: 'flood'; readonly origin: number; readonly neighbour: number; readonly mac: Mac }
  /**
   * That a broadcast began at the peer is not proved, where the neighbour passed it on
   * as its.
   */
  | { readonly kind: 'flood-origin'; readonly origin: number; readonly neighbour: number }
