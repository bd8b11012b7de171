import * as z from 'zod'
import { PathView, PeerRef } from './path-schema.ts'

/** `seconds`: how long frames are looked at. `limit`: pairs that are told, the busiest first. */
export const TopRequest = z.object({
  seconds: z.number().min(0.1).max(60).default(2),
  limit: z.number().int().min(1).max(1_000).default(20),
})
const TalkEnd = z.object({
  /** Of IP; of Ethernet where a frame carries no IP packet. */
  address: z.string(),
  /** Which container has it, by what it is called, and on which peer; null where nobody tells of it. */
  container: z.string().nullable(),
  names: z.array(z.string()),
  peer: PeerRef.nullable(),
})
const TalkView = z.object({
  source: TalkEnd,
  destination: TalkEnd,
  /** `out`: from this host to others. */
  direction: z.enum(['in', 'out']),
  bytesPerSecond: z.number(),
  framesPerSecond: z.number(),
})
/** The busiest first, by bytes. */
export const TopAnswer = z.object({
  /** For how long was looked. */
  seconds: z.number(),
  /** How many frames were looked at: all else is reckoned from them. */
  framesSeen: z.number().int(),
  talks: z.array(TalkView),
  /** How many pairs are not told, and what they have together. */
  others: z.object({ pairs: z.number().int(), bytesPerSecond: z.number(), framesPerSecond: z.number() }),
})
/** `rate`: bits of UDP payload in a second. `to`: from this host to the peer. `underlay`: past the session, in the clear. */
export const PerfRequest = z.object({
  peer: z.string().min(1).max(256),
  way: z.enum(['overlay', 'underlay']).default('overlay'),
  direction: z.enum(['to', 'from']).default('to'),
  rate: z.number().int().min(1_000).max(100_000_000_000).default(100_000_000),
  seconds: z.number().min(0.1).max(60).default(3),
})
/** Of pings over the data path; null: none was answered. */
const PerfPings = z.object({
  sent: z.number().int(),
  answered: z.number().int(),
  rttMs: z.object({ min: z.number(), average: z.number(), max: z.number() }).nullable(),
})
/** What one measurement came to. Bits are those of UDP payload. */
export const PerfAnswer = PerfRequest.extend({
  /** When it began. */
  time: z.string(),
  peer: PeerRef,
  /** How data goes to the peer; null: it has no session. */
  path: PathView.nullable(),
  datagramBytes: z.number().int(),
  sent: z.number().int(),
  received: z.number().int(),
  /** Null when nothing was sent. */
  lossPercent: z.number().nullable(),
  reordered: z.number().int(),
  /** RFC 3550, from one burst to the next. */
  jitterMs: z.number(),
  sentBitsPerSecond: z.number(),
  receivedBitsPerSecond: z.number(),
  /** Before it, and while it went on. */
  idle: PerfPings,
  loaded: PerfPings,
  /** What arrived, until so many seconds after it began. */
  series: z.array(z.object({ seconds: z.number(), receivedBitsPerSecond: z.number() })),
})
/** `peer`: of this one only. */
export const PerfHistoryRequest = z.object({ peer: z.string().min(1).max(256).optional() })
/** The oldest first. */
export const PerfHistoryAnswer = z.object({ measurements: z.array(PerfAnswer) })

export type PerfAnswer = z.infer<typeof PerfAnswer>
export type PerfPings = z.infer<typeof PerfPings>
export type TopAnswer = z.infer<typeof TopAnswer>
export type TalkEnd = z.infer<typeof TalkEnd>
