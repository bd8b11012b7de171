import type { EndpointParts, Ipv4 } from '../address/mod.ts'
import type { ForwardingChange, FrameTally, SwitchNotice, SwitchRules } from '../overlay/mod.ts'

/** What a lane's worker is started with. */
export interface LaneStart {
  readonly engineId: number
  readonly laneNumber: number
  /** READY bits: what this lane reads. */
  readonly mask: number
  readonly macTable: SharedArrayBuffer
  readonly rules: SwitchRules
  /** Memory of a ReportBacklog. */
  readonly backlog: SharedArrayBuffer
}

export type LaneOrder =
  | { readonly kind: 'change'; readonly change: ForwardingChange }
  /** Forget the peer's addresses: from the batch on that follows this, none of its datagrams is opened any more. */
  | { readonly kind: 'forget'; readonly peerIndex: number }
  /** Hand a frame to the own bridge. */
  | { readonly kind: 'deliver'; readonly frame: Uint8Array }
  /** Begin or end a sample of what passes; of the end comes a report. */
  | { readonly kind: 'sample'; readonly id: number }
  | { readonly kind: 'end-sample'; readonly id: number }
  /** Count test datagrams with this token into this memory; undefined: no more. */
  | { readonly kind: 'count'; readonly into?: { readonly token: Uint8Array; readonly memory: SharedArrayBuffer } }
  | { readonly kind: 'stop' }

export type LaneReport =
  | {
      readonly kind: 'control'
      readonly peerIndex: number
      readonly receiverIndex: number
      readonly body: Uint8Array
      readonly source: EndpointParts | undefined
    }
  | {
      readonly kind: 'moved'
      readonly peerIndex: number
      readonly receiverIndex: number
      readonly source: EndpointParts
    }
  | { readonly kind: 'wanted'; readonly peerIndex: number }
  | { readonly kind: 'large'; readonly peerIndex: number }
  | { readonly kind: 'spoofed'; readonly peerIndex: number; readonly sourceIpv4: Ipv4 }
  | { readonly kind: 'notice'; readonly notice: SwitchNotice }
  | { readonly kind: 'group-frame'; readonly frame: Uint8Array | undefined }
  /** Datagrams wait to be taken for links. */
  | { readonly kind: 'handed' }
  /** What an `end-sample` asked for. */
  | { readonly kind: 'sampled'; readonly id: number; readonly tally: FrameTally }
  | { readonly kind: 'failure'; readonly message: string }
