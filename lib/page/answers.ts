import type { PeerRef, Whereabouts } from '../api/schema.ts'

export type {
  DoctorAnswer,
  EventView,
  FindingView,
  IpamMap,
  PeerRef,
  PeerView,
  Status,
  Whereabouts,
} from '../api/schema.ts'

/** What `GET /v1/containers` answers. */
export interface ContainersShown {
  readonly containers: readonly Whereabouts[]
}

/** What `GET /v1/graph` answers: the mesh as this peer sees it, and how data goes from here. */
export interface GraphShown {
  readonly peers: readonly (PeerRef & {
    readonly isSelf: boolean
    readonly isReachable: boolean
    readonly containers: number
  })[]
  /** Control links; `rttClass` as in docs/protocol.md §7.1. */
  readonly edges: readonly { readonly from: string; readonly to: string; readonly rttClass: number | null }[]
  readonly paths: readonly PathShown[]
}

export interface PathShown {
  readonly to: string
  readonly kind: string
  readonly via: string | null
  readonly rttMs: number | null
  readonly why: string
}

/** What `GET /v1/history` answers: a point each `stepSeconds`, the newest last, at `end`. */
export interface HistoryShown {
  readonly stepSeconds: number
  readonly end: string
  readonly total: RatesShown
  readonly peers: readonly (PeerRef & RatesShown & { readonly rttMs: readonly (number | null)[] })[]
}

export interface RatesShown {
  readonly inBytesPerSecond: readonly (number | null)[]
  readonly outBytesPerSecond: readonly (number | null)[]
}
