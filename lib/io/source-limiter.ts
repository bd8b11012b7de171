import { parseIp, formatIp } from '../address/mod.ts'
import type { Millis } from '../base/mod.ts'

export interface SourceLimits {
  readonly burst: number
  readonly perSecond: number
  readonly sourcesMax: number
}

interface Bucket {
  tokens: number
  at: Millis
}

/** Token buckets, one per source: an IPv4 address, or an IPv6 /64 since one host may own that many addresses. */
export class SourceLimiter {
  readonly #limits: SourceLimits
  /** Least recently used first. */
  readonly #buckets = new Map<string, Bucket>()

  constructor(limits: SourceLimits) {
    this.#limits = limits
  }

  get size(): number {
    return this.#buckets.size
  }

  /** Takes one token of the source; false when it has none. */
  allow(address: string, now: Millis): boolean {
    const key = sourceKey(address)
    const { burst, perSecond, sourcesMax } = this.#limits
    const bucket = this.#buckets.get(key) ?? { tokens: burst, at: now }
    this.#buckets.delete(key)
    if (this.#buckets.size >= sourcesMax) {
      const oldest = this.#buckets.keys().next()
      if (!oldest.done) this.#buckets.delete(oldest.value)
    }
    bucket.tokens = Math.min(burst, bucket.tokens + (Math.max(0, now - bucket.at) * perSecond) / 1000)
    bucket.at = now
    this.#buckets.set(key, bucket)
    if (bucket.tokens < 1) return false
    bucket.tokens--
    return true
  }
}

function sourceKey(address: string): string {
  const ip = parseIp(address.replace(/%.*$/, ''))
  if (ip === undefined) return address
  return ip.length === 4 ? formatIp(ip) : Array.from(ip.subarray(0, 8)).join('.')
}
