import { isDrop, toHex, utf8, type Chance } from '../../lib/base/mod.ts'
import {
  Ledger,
  StoreReader,
  storeEntries,
  type LedgerIdentity,
  type LedgerLimits,
  type MergeOutcome,
  type StoredLedger,
} from '../../lib/ledger/mod.ts'
import {
  decodeLedgerDelta,
  decodeLedgerSync,
  encodeLedgerDelta,
  encodeLedgerSync,
  LEDGER_MESSAGE_BYTES_MAX,
  packDeltas,
  recordSignedBytes,
  type DeltaPart,
  type LedgerDelta,
  type LedgerRecord,
  type LedgerSync,
} from '../../lib/wire/mod.ts'
import { fakeIdentity, fakeSuite } from './fake-suite.ts'
import { seededChance } from './seeded-chance.ts'

export const MESH = utf8('mesh-sixteen-byt')

export function ledgerOf(
  name: string,
  limits: Partial<LedgerLimits> = {},
  meshId = MESH,
  chance: Chance = seededChance(1),
): Ledger {
  return new Ledger({ suite: fakeSuite, identity: fakeIdentity(name), meshId, limits, chance })
}

/** A record that `identity` signs, whatever a ledger would say to it. */
export function signedRecord(
  identity: LedgerIdentity,
  seq: number,
  fields: Partial<Pick<LedgerRecord, 'kind' | 'key' | 'value' | 'isTombstone'>> = {},
): LedgerRecord {
  const draft = {
    owner: identity.peerId,
    kind: 1,
    key: utf8(String(seq)),
    seq,
    isTombstone: false,
    value: new Uint8Array(0),
    ...fields,
  }
  return { ...draft, signature: identity.sign(recordSignedBytes(MESH, draft)) }
}

export function partOf(identity: LedgerIdentity, records: readonly LedgerRecord[]): DeltaPart {
  return { owner: identity.peerId, signingPublic: identity.signingPublic, records }
}

/** What the ledger of that name wrote since the last call, as parts. */
export function writesOf(ledger: Ledger, name: string): DeltaPart[] {
  const records = ledger.takeOwnWrites()
  return records.length === 0 ? [] : [partOf(fakeIdentity(name), records)]
}

/** Reads a whole store at once. */
export function readStore(entries: Iterable<{ readonly key: string; readonly value: Uint8Array }>): {
  readonly ledger: StoredLedger
  readonly unreadableKeys: readonly string[]
} {
  const reader = new StoreReader()
  const unreadableKeys: string[] = []
  for (const { key, value } of entries) if (!reader.take(key, value)) unreadableKeys.push(key)
  return { ledger: reader.rest(), unreadableKeys }
}

/** A key-value store in memory, behind the real codec. */
export class MemoryStore {
  entries = new Map<string, Uint8Array>()

  save(ledger: Ledger): void {
    for (const { key, value: valueOf } of storeEntries(ledger.takeChanges())) {
      const value = valueOf()
      if (value) this.entries.set(key, value)
      else this.entries.delete(key)
    }
  }

  copy(): MemoryStore {
    const store = new MemoryStore()
    store.entries = new Map(this.entries)
    return store
  }

  load(): StoredLedger {
    const { ledger, unreadableKeys } = readStore([...this.entries].map(([key, value]) => ({ key, value })))
    if (unreadableKeys.length > 0) throw new Error(`${unreadableKeys.length} unreadable entries`)
    return ledger
  }
}

/** Passes a delta through its codec. */
export function overWire(delta: LedgerDelta): LedgerDelta {
  const decoded = decodeLedgerDelta(encodeLedgerDelta(delta))
  if (isDrop(decoded)) throw new Error(decoded.reason)
  return decoded
}

export function syncOverWire(sync: LedgerSync): LedgerSync {
  const bytes = encodeLedgerSync(sync)
  if (bytes.length > LEDGER_MESSAGE_BYTES_MAX) throw new Error(`a sync of ${bytes.length} bytes`)
  const decoded = decodeLedgerSync(bytes)
  if (isDrop(decoded)) throw new Error(decoded.reason)
  return decoded
}

/** Sends parts as messages. Returns the outcome for each part of each message. */
export function deliver(parts: readonly DeltaPart[], to: Ledger, now = 0): MergeOutcome[] {
  return packDeltas(parts, true, LEDGER_MESSAGE_BYTES_MAX)
    .map(overWire)
    .flatMap(delta => delta.parts.map(part => to.merge(part, now)))
}

export interface Exchange {
  /** Syncs that went over, both ways. */
  syncs: number
  /** Records that went over, both ways. */
  records: number
  bytes: number
}

/** One round of reconciliation as between two nodes, begun by `from`: until nobody says anything more. */
export function reconcile(from: Ledger, to: Ledger, now = 0): Exchange {
  const exchange = { syncs: 0, records: 0, bytes: 0 }
  let said: LedgerSync | undefined = from.rootSync()
  let [speaker, listener] = [from, to]
  while (said !== undefined) {
    const sync = syncOverWire(said)
    exchange.syncs++
    exchange.bytes += encodeLedgerSync(sync).length
    if (exchange.syncs > 20) throw new Error('a reconciliation does not end')
    for (const want of sync.wants) {
      const wanted = listener.recordsFor(want)
      if (wanted === undefined) continue
      exchange.records += wanted.records.length
      deliver([{ owner: want.owner, ...wanted }], speaker, now)
    }
    said = listener.answer(sync)
    ;[speaker, listener] = [listener, speaker]
  }
  return exchange
}

/** All live records as sorted lines: equal for ledgers that agree. */
export function contents(ledger: Ledger, kinds: readonly number[] = [0, 1, 2, 3, 4, 5, 200]): string[] {
  return kinds
    .flatMap(kind =>
      ledger.records(kind).map(({ owner, key, value, seq }) => `${owner} ${kind} ${toHex(key)} ${seq} ${toHex(value)}`),
    )
    .sort()
}
