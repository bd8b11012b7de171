import { endpointOf, type Endpoint, type EndpointParts, type PeerId } from '../address/mod.ts'
import type { EngineOp } from '../overlay/mod.ts'
import type { PathSizeReport } from './path-size.ts'
import { describeMappings, type SideMappings } from './reasons.ts'

/** How frames reach a remote peer. */
export type PathState =
  | { readonly kind: 'direct'; readonly endpoint: Endpoint; readonly rttMs: number }
  | { readonly kind: 'relayed'; readonly via: PeerId; readonly rttMs: number; readonly why: string }
  /** Over the control link: UDP does not get through, and nobody relays. */
  | { readonly kind: 'tcp'; readonly rttMs: number; readonly why: string }
  | { readonly kind: 'none'; readonly why: string }

export type DataPathOutput =
  | { readonly type: 'engine'; readonly op: EngineOp }
  | { readonly type: 'handshake'; readonly to: PeerId; readonly body: Uint8Array }
  /** There are new keys. */
  | { readonly type: 'established' }
  /** The path came, went or moved. */
  | { readonly type: 'changed'; readonly peer: PeerId }
  /** An answer over the direct path is missing. */
  | { readonly type: 'doubt'; readonly peer: PeerId }
  /** The remote is elsewhere now, or sees this peer elsewhere: what goes to where it was, as the link does, may be lost. */
  | { readonly type: 'roamed'; readonly peer: PeerId }
  /** It has not answered for a while, and is not given up yet. */
  | { readonly type: 'suspect'; readonly peer: PeerId }
  /** It was there, and answers no more. */
  | { readonly type: 'down'; readonly peer: PeerId }
  /** The remote has forgotten the session. */
  | { readonly type: 'ended'; readonly peer: PeerId }
  /** The remote says where it sees this peer. */
  | { readonly type: 'seen'; readonly peer: PeerId; readonly endpoint: string }
  | { readonly type: 'note'; readonly peer: PeerId; readonly text: string }

/** For `status` and `report`. */
export interface DataPathReport {
  readonly peerId: PeerId
  readonly state: PathState
  /** Of the keys that seal; undefined without a session. */
  readonly cipher: string | undefined
  readonly epochAgeMs: number | undefined
  readonly rekeys: number
  /** The address at which the remote sees this peer, by its last probe reply. */
  readonly seenAs: string | undefined
  /** Of probes in the last minute; undefined while there were too few to say. */
  readonly lossPercent: number | undefined
  /** What the path carries; undefined without a path. */
  readonly size: PathSizeReport | undefined
}

/**
 * Undefined for none, and for port 0: whoever carries a genuine datagram can write that into its header, nobody can
 * answer it.
 */
export function sourceEndpoint(source: EndpointParts | undefined): Endpoint | undefined {
  return source === undefined || source.port === 0 ? undefined : endpointOf(source.ip, source.port)
}

/** `mappings`: what the NATs on both sides do; undefined while that is not known. */
export function whyNotDirect(candidates: readonly Endpoint[], mappings?: SideMappings): string {
  if (candidates.length === 0) return 'no address of the peer is known'
  return `no answer to UDP probes of ${candidates.slice(0, 4).join(', ')}${describeMappings(mappings)}`
}
