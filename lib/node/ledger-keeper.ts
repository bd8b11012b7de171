import type { PeerId } from '../address/mod.ts'
import { equalBytes, type Millis } from '../base/mod.ts'
import {
  StoreReader,
  storeEntries,
  type LedgerChanges,
  type LedgerStoreEntry,
  type RecordChange,
} from '../ledger/mod.ts'
import { COLLECT_INTERVAL_MS, FOREIGN_PERSIST_DELAY_MS } from './constants.ts'
import type { NodeContext } from './context.ts'
import type { Gossip } from './gossip.ts'
import type { NodePart, StoreEntry } from './part.ts'

const PREFIX = 'ledger/'
/** Beside the records of others: which mesh they are of. */
const LEDGER_MESH_KEY = `${PREFIX}mesh`
/** Before the owner in a key of `storeEntries`. */
const TAG_CHARACTERS = 1

/**
 * Keeps the ledger in the store. What this peer writes is durable before it is told to anybody; what others wrote is
 * gathered for a moment, because the mesh has it anyhow.
 */
export class LedgerKeeper implements NodePart {
  readonly name = 'ledger'
  readonly storePrefixes = [PREFIX]
  readonly #context: NodeContext
  readonly #gossip: Gossip
  readonly #reader = new StoreReader()
  #isOfThisMesh = false
  #leftOut = 0
  #pendingChanges: RecordChange[] = []
  #foreign = new Map<string, LedgerStoreEntry['value']>()
  #foreignAt: Millis | undefined
  #collectAt: Millis = 0

  constructor(context: NodeContext, gossip: Gossip) {
    this.#context = context
    this.#gossip = gossip
  }

  /** Takes up what the store holds; what cannot be read is said so, deleted, and comes back from the mesh. */
  restore(entries: readonly StoreEntry[], now: Millis): void {
    this.#read(entries, now)
    // Also when there is nothing: the ledger then goes on above whatever an earlier run may have said.
    this.#collectAt = now + COLLECT_INTERVAL_MS
    this.#leftOut += this.#context.ledger.restore(this.#reader.rest(), true, now, true)
    this.#tellLeftOut(now)
  }

  /**
   * Takes up a piece of what an earlier run learnt of others; none: that was all. Returns the owners whose records are
   * now
   * held: an owner comes as a whole, once the piece behind it is there.
   */
  remember(entries: readonly StoreEntry[], now: Millis): readonly PeerId[] {
    this.#read(entries, now)
    const isEnd = entries.length === 0
    const stored = isEnd ? this.#reader.rest() : this.#reader.whole()
    this.#leftOut += this.#context.ledger.restoreForeign(stored, true, now)
    this.#context.ledger.sumUp()
    if (isEnd) this.#tellLeftOut(now)
    return [...stored.records.keys()]
  }

  /** Makes what was written durable, sends it to the neighbours, and returns what changed since the last call. */
  take(now: Millis): readonly RecordChange[] {
    this.flush(now)
    const changes = this.#pendingChanges
    this.#pendingChanges = []
    return changes
  }

  flush(now: Millis): void {
    const changes = this.#context.ledger.takeChanges()
    if (changes.records.length > 0 || changes.owners.length > 0) this.#persist(changes, now)
    this.#pendingChanges.push(...changes.records)
    this.#gossip.flush(now)
  }

  /** Writes what waits. */
  persistForeign(): void {
    this.#foreignAt = undefined
    if (this.#foreign.size === 0) return
    this.#emit(
      [...this.#foreign].map(([key, value]) => ({ key, value: value() })),
      true,
    )
    this.#foreign = new Map()
  }

  handleTimeout(now: Millis): void {
    if (now >= this.#collectAt) this.#collect(now)
    if (this.#foreignAt !== undefined && now >= this.#foreignAt) this.persistForeign()
  }

  pollTimeout(): { at: Millis; reason: string } {
    return this.#foreignAt !== undefined && this.#foreignAt <= this.#collectAt
      ? { at: this.#foreignAt, reason: 'store ledger' }
      : { at: this.#collectAt, reason: 'collect' }
  }

  /** Owners that nobody has reached for long go, and with them what is known of the peers. */
  #collect(now: Millis): void {
    this.#collectAt = this.#context.config.beat.resting(now + COLLECT_INTERVAL_MS)
    const { ledger, neighbours, view } = this.#context
    for (const owner of ledger.collect(now)) if (neighbours.neighbour(owner) === undefined) view.forget(owner, now)
  }

  #persist(changes: LedgerChanges, now: Millis): void {
    const self = this.#context.config.identity.peerId
    const isOwn = (change: { owner: string }) => change.owner === self
    const split = (wantOwn: boolean): LedgerChanges => ({
      records: changes.records.filter(change => isOwn(change) === wantOwn),
      owners: changes.owners.filter(change => isOwn(change) === wantOwn),
    })
    const own = storeEntries(split(true)).map(({ key, value }) => ({ key, value: value() }))
    this.#emit(own, false)
    for (const { key, value } of storeEntries(split(false))) this.#foreign.set(key, value)
    if (this.#foreign.size > 0) this.#foreignAt ??= now + FOREIGN_PERSIST_DELAY_MS
  }

  /** In the order of the keys: so which mesh they are of comes first. */
  #read(entries: readonly StoreEntry[], now: Millis): void {
    const unreadable: string[] = []
    const strange: string[] = []
    for (const [key, value] of entries) {
      const name = key.slice(PREFIX.length)
      if (key === LEDGER_MESH_KEY) this.#isOfThisMesh = equalBytes(value, this.#context.ledger.meshId)
      else if (!this.#isOfThisMesh && !this.#isOwn(name)) strange.push(name)
      else if (!this.#reader.take(name, value)) unreadable.push(name)
    }
    // Once the store says that it is of this mesh, all that is in it will be believed.
    this.#emit(
      strange.map(key => ({ key, value: undefined })),
      true,
    )
    if (unreadable.length === 0) return
    const text = 'entries of the stored ledger are damaged: the mesh has what others wrote'
    this.#context.log('error', 'ledger-unreadable', { entries: unreadable.length, text }, now)
    for (const isCache of [false, true]) {
      const gone = unreadable.filter(key => this.#isOwn(key) !== isCache)
      this.#emit(
        gone.map(key => ({ key, value: undefined })),
        isCache,
      )
    }
  }

  #tellLeftOut(now: Millis): void {
    if (this.#leftOut > 0) this.#context.log('warn', 'ledger-skipped', { records: this.#leftOut }, now)
    this.#leftOut = 0
  }

  #isOwn(key: string): boolean {
    return key.startsWith(this.#context.config.identity.peerId, TAG_CHARACTERS)
  }

  /** What others wrote may be lost (`isCache`): the mesh has it. */
  #emit(entries: readonly { key: string; value: Uint8Array | undefined }[], isCache: boolean): void {
    if (entries.length === 0) return
    // What is deleted may leave records of another mesh behind: those must not be taken for this one's.
    const isTold = isCache && entries.some(({ value }) => value !== undefined)
    const puts: [string, Uint8Array][] = isTold ? [[LEDGER_MESH_KEY, this.#context.ledger.meshId]] : []
    const deletes: string[] = []
    for (const { key, value } of entries) {
      if (value === undefined) deletes.push(PREFIX + key)
      else puts.push([PREFIX + key, value])
    }
    this.#context.emit({ type: 'persist', puts, deletes, ...(isCache && { isCache }) })
  }
}
