import { parseIp, formatIp } from '../address/mod.ts'
import { TokenBucket, type Millis } from '../base/mod.ts'

export interface SourceLimits {
  readonly burst: number
  readonly perSecond: number
  readonly sourcesMax: number
}

/** Token buckets, one per source: an IPv4 address, or an IPv6 /64 since one host may own that many addresses. */
export class SourceLimiter {
  readonly #limits: SourceLimits
  /** Least recently used first. */
  readonly #buckets = new Map<string, TokenBucket>()

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
    const bucket = this.#buckets.get(key) ?? new TokenBucket(burst, perSecond)
    this.#buckets.delete(key)
    if (this.#buckets.size >= sourcesMax) {
      const oldest = this.#buckets.keys().next()
      if (!oldest.done) this.#buckets.delete(oldest.value)
    }
    this.#buckets.set(key, bucket)
    return bucket.take(1, now)
  }
}

function sourceKey(address: string): string {
  const ip = parseIp(address.replace(/%.*$/, ''))
  if (ip === undefined) return address
  return ip.length === 4 ? formatIp(ip) : Array.from(ip.subarray(0, 8)).join('.')
}
