import type { Endpoint } from '../address/mod.ts'
import type { Millis } from '../base/mod.ts'

/** What comes of probing the ways to one peer. */
export interface PathFindings {
  /** An endpoint that is not the path has answered, and is to be it. */
  onProved: (endpoint: Endpoint, rttMs: Millis, now: Millis) => void
  /** Frames take the relay or the link from now on, which has answered: there is no direct way. */
  onDetour: (rttMs: Millis, now: Millis) => void
  /** The path was asked, and carries frames. */
  onTraffic: (now: Millis) => void
  /** The peer says where a probe came from. */
  onSeen: (endpoint: string) => void
  /** An answer is missing, and the relay is asked. */
  onDoubt: () => void
  /** An answer has ended the suspicion: what was lost meanwhile says nothing of the path. */
  onBack: (now: Millis) => void
  /** It has not answered for a while. */
  onSuspect: () => void
  /** It is to be given up; `isDetourReady`: for the relay or the link, which answers. */
  onLost: (why: string, now: Millis, isDetourReady: boolean) => void
}
