import { isDrop, toHex, type Millis } from '../base/mod.ts'
import type { Hold } from '../ipam/mod.ts'
import { decodePeerInfo } from '../topology/mod.ts'
import { RECORD_KIND, type LedgerRecord } from '../wire/mod.ts'
import { DOUBLE_LASTS_MS, DOUBLE_MET_LASTS_MS } from './constants.ts'

/** What is known of another process that has this peer's identity. */
interface DoubleFacts {
  /** As that process calls its host; undefined while unknown. */
  readonly nickname: string | undefined
  /** Where it was met, or says that it can be reached. */
  readonly endpoints: readonly string[]
  /** 16 hex characters; undefined while unknown. */
  readonly incarnation: string | undefined
}

/** That, with what it means and what to do. */
export interface DoubleReport extends DoubleFacts {
  readonly text: string
  readonly remedy: string
}

/**
 * Another process with this peer's identity: a state directory or a machine was copied. It is met on a link, or by what
 * it writes to the ledger in this peer's name, through whatever peers; and as long as it lives it answers what this peer
 * writes, so it is over when nothing is heard of it for a while.
 */
export class Double {
  #known: DoubleFacts | undefined
  #until: Millis | undefined

  get report(): DoubleReport | undefined {
    return this.#known && { ...this.#known, text: describe(this.#known), remedy: DOUBLE_REMEDY }
  }

  get until(): Millis | undefined {
    return this.#until
  }

  /** It proved on a link that it has the identity. True when that was news. */
  handleMet(nickname: string, endpoint: string, incarnation: Uint8Array, now: Millis): boolean {
    return this.#note({ nickname, endpoints: [endpoint], incarnation: toHex(incarnation) }, now, DOUBLE_MET_LASTS_MS)
  }

  /** Genuine records in this peer's name that this process did not write. True when that was news. */
  handleRecords(records: readonly LedgerRecord[], ownIncarnation: Uint8Array, now: Millis): boolean {
    let found: DoubleFacts = this.#known ?? { nickname: undefined, endpoints: [], incarnation: undefined }
    for (const { kind, value, isTombstone } of records) {
      if (kind !== RECORD_KIND.peer || isTombstone) continue
      const info = decodePeerInfo(value)
      if (isDrop(info) || info.incarnation === toHex(ownIncarnation)) continue
      found = { nickname: info.nickname, endpoints: info.endpoints, incarnation: info.incarnation }
    }
    return this.#note(found, now, DOUBLE_LASTS_MS)
  }

  /** True when nothing was heard of it for so long that it is over. */
  handleTimeout(now: Millis): boolean {
    if (this.#until === undefined || now < this.#until) return false
    this.#known = undefined
    this.#until = undefined
    return true
  }

  /** While it lasts. */
  get hold(): Hold | undefined {
    if (this.#known === undefined) return undefined
    return { reason: `${describe(this.#known)}: the addresses of both are in doubt`, remedy: DOUBLE_REMEDY }
  }

  #note(double: DoubleFacts, now: Millis, lastsMs: Millis): boolean {
    const isNews = this.#known === undefined
    this.#known = double
    this.#until = Math.max(this.#until ?? 0, now + lastsMs)
    return isNews
  }
}

const DOUBLE_REMEDY =
  'a state directory or a machine was copied: on the copy run `weave-ts reset` (nothing is handed on by it meanwhile) ' +
  'and launch it anew; this peer goes on by itself half a minute after the last sign of it, after 200 s when both have ' +
  'met on a link: a `reset` before that hands nothing on either'

function describe({ nickname, endpoints, incarnation }: DoubleFacts): string {
  const where = endpoints.length === 0 ? '' : ` at ${endpoints.slice(0, 3).join(', ')}`
  const which = incarnation === undefined ? '' : ` (incarnation ${incarnation})`
  return `another process has the identity of this peer, on ${nickname ?? 'an unknown host'}${where}${which}`
}
