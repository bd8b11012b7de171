import type { PeerId } from '../address/mod.ts'
import { TokenBucket, type Millis } from '../base/mod.ts'
import type { LedgerWant } from '../wire/mod.ts'
import {
  ANSWER_BURST_BYTES,
  ANSWER_BYTES_PER_SECOND,
  FORGERIES_PER_SECOND,
  FORGERY_BURST,
  MERGES_PER_SECOND,
  MERGE_BURST,
  OUTBOX_RECORDS_MAX,
  SYNC_BURST_BYTES,
  SYNC_BYTES_PER_SECOND,
  UNBELIEVED_FIRST_MS,
  UNBELIEVED_LAST_MS,
  WANTS_PER_NEIGHBOUR_MAX,
} from './constants.ts'

/** Where a record stands in the ledger. */
export interface RecordPlace {
  readonly owner: PeerId
  readonly kind: number
  readonly key: Uint8Array
}

/**
 * What gossip knows of one neighbour: whether new records are pushed to it, what waits to be pushed and what it asked
 * for, and how much of its asking and telling is still welcome. Everything in it is bounded.
 */
export class GossipLink {
  readonly peerId: PeerId
  /** New records are pushed over this link, by both sides: it is an edge of the tree. */
  isEager = false
  /** Over which link the newest record of this neighbour itself was pushed here: it stands on that side of the tree. */
  cameOver: PeerId | undefined
  /** Pushes in a row that told nothing new. */
  duplicates = 0
  /** More waits in the socket than it takes: nothing is pushed or answered, and it is asked for nothing. */
  isBehind = false
  /** Something was not pushed to it: its ledger is to be compared when it can take more. */
  isStale = false
  /** What it sent was news that had not been pushed: look again soon whether that was all. */
  compareAt: Millis | undefined
  /** Not before then is the next slice of an answer due. */
  answerAt: Millis = 0
  /** Bytes of the answers that it asked for. */
  readonly answers: TokenBucket
  /** Bytes of comparisons that it sends. */
  readonly syncs: TokenBucket
  /** Records that it sends, each of which may cost a signature check. */
  readonly merges: TokenBucket
  /** False signatures that it sends. */
  readonly forgeries: TokenBucket
  /** It sent more of them than may be: nothing more is taken of it. */
  isForger = false
  #unbelievedUntil: Millis = 0
  #unbelievedMs: Millis = 0
  #outbox = new Map<string, RecordPlace>()
  readonly #wants = new Map<string, LedgerWant>()

  constructor(peerId: PeerId) {
    this.peerId = peerId
    this.answers = new TokenBucket(ANSWER_BURST_BYTES, ANSWER_BYTES_PER_SECOND)
    this.syncs = new TokenBucket(SYNC_BURST_BYTES, SYNC_BYTES_PER_SECOND)
    this.merges = new TokenBucket(MERGE_BURST, MERGES_PER_SECOND)
    this.forgeries = new TokenBucket(FORGERY_BURST, FORGERIES_PER_SECOND)
  }

  get hasWants(): boolean {
    return this.#wants.size > 0
  }

  /** It is asked for nothing until then. */
  get unbelievedUntil(): Millis {
    return this.#unbelievedUntil
  }

  /** It said that it had records, was asked for them, and sent none in time. */
  leftUnanswered(now: Millis): void {
    this.#unbelievedMs = Math.min(Math.max(2 * this.#unbelievedMs, UNBELIEVED_FIRST_MS), UNBELIEVED_LAST_MS)
    this.#unbelievedUntil = now + this.#unbelievedMs
  }

  /** What it was asked for was news. */
  answeredWell(): void {
    this.#unbelievedMs = 0
    this.#unbelievedUntil = 0
  }

  /** Takes note of a record to push; of several versions of one only the newest will be sent. */
  push(name: string, place: RecordPlace): void {
    if (this.#outbox.size < OUTBOX_RECORDS_MAX || this.#outbox.has(name)) this.#outbox.set(name, place)
    else this.isStale = true
  }

  takeOutbox(): readonly RecordPlace[] {
    if (this.#outbox.size === 0) return []
    const places = [...this.#outbox.values()]
    this.#outbox = new Map()
    return places
  }

  /** Takes note of what it asks for: the newest request about a range of an owner replaces the one before. */
  want(want: LedgerWant): void {
    const name = nameOf(want)
    if (this.#wants.size < WANTS_PER_NEIGHBOUR_MAX || this.#wants.has(name)) this.#wants.set(name, want)
  }

  nextWant(): LedgerWant | undefined {
    return this.#wants.values().next().value
  }

  /** The request is answered up to a seq; undefined: as a whole. */
  answered(want: LedgerWant, upTo: number | undefined): void {
    if (upTo === undefined) this.#wants.delete(nameOf(want))
    else this.#wants.set(nameOf(want), { ...want, above: upTo, held: want.held.filter(({ seq }) => seq > upTo) })
  }

  clear(): void {
    this.#outbox = new Map()
    this.#wants.clear()
  }
}

/** Ranges of one owner do not overlap; the end stays while the beginning is answered. */
function nameOf(want: LedgerWant): string {
  return `${want.owner}/${want.upTo}`
}
