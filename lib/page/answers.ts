import type { z } from 'zod'
import type { ContainersAnswer, GraphAnswer, HistoryAnswer } from '../api/schema.ts'

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

export type ContainersShown = z.infer<typeof ContainersAnswer>
export type GraphShown = z.infer<typeof GraphAnswer>
export type PathShown = GraphShown['paths'][number]
export type HistoryShown = z.infer<typeof HistoryAnswer>
