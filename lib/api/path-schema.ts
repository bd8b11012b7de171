import * as z from 'zod'

export const PeerRef = z.object({
  /** 26 base32 characters. */
  id: z.string(),
  nickname: z.string(),
})

export const PathView = z.object({
  /**
   * direct: the peer's own endpoint answers; relayed: through `via`, sealed end to end; tcp: over the control link,
   * because UDP does not get through and nobody relays; none: frames are dropped, `why` tells.
   */
  kind: z.enum(['direct', 'relayed', 'tcp', 'none']),
  endpoint: z.string().nullable(),
  via: PeerRef.nullable(),
  rttMs: z.number().nullable(),
  cipher: z.string().nullable(),
  /** Seconds since the keys in use were agreed. */
  keyAgeSeconds: z.number().nullable(),
  /** Of the daemon's own probes over this way, in the last minute; null while there were too few to say. */
  lossPercent: z.number().nullable(),
  /** The largest packet of the underlay that gets through, as found; null without a path. */
  mtu: z.number().nullable(),
  /** The largest packet of a container that goes in one datagram. */
  carries: z.number().nullable(),
  why: z.string().nullable(),
})

export type PeerRef = z.infer<typeof PeerRef>

export type PathView = z.infer<typeof PathView>
