import { isDrop, toHex, utf8, type Chance } from '../../lib/base/mod.ts'
import {
  Ledger,
  readStore,
  storeEntries,
  type LedgerLimits,
  type StoredLedger,
  type DeltaOutcome,
} from '../../lib/ledger/mod.ts'
import {
  decodeLedgerDelta,
  decodeLedgerDigest,
  encodeLedgerDelta,
  encodeLedgerDigest,
  type LedgerDelta,
} from '../../lib/wire/ledger-message.ts'
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

/** A key-value store in memory, behind the real codec. */
export class MemoryStore {
  entries = new Map<string, Uint8Array>()

  save(ledger: Ledger): void {
    for (const { key, value } of storeEntries(ledger.takeChanges())) {
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
    const stored = readStore([...this.entries].map(([key, value]) => ({ key, value })))
    if (isDrop(stored)) throw new Error(stored.reason)
    return stored
  }
}

/** Passes a delta through its codec. */
export function overWire(delta: LedgerDelta): LedgerDelta {
  const decoded = decodeLedgerDelta(encodeLedgerDelta(delta))
  if (isDrop(decoded)) throw new Error(decoded.reason)
  return decoded
}

export function deliver(deltas: readonly LedgerDelta[], to: Ledger, now = 0): DeltaOutcome[] {
  return deltas.map(delta => to.handleDelta(overWire(delta), now))
}

/** One exchange as on a new link: a digest, the answer, and the answer to that. Returns how many deltas went over. */
export function reconcile(from: Ledger, to: Ledger, now = 0, budgetBytes = 1 << 20): number {
  let count = 0
  for (const digest of from.digest(true)) {
    const { deltas, digests } = to.handleDigest(digestOverWire(digest), budgetBytes)
    count += deltas.length
    deliver(deltas, from, now)
    for (const answer of digests) {
      const back = from.handleDigest(digestOverWire(answer), budgetBytes).deltas
      count += back.length
      deliver(back, to, now)
    }
  }
  return count
}

function digestOverWire(digest: Parameters<typeof encodeLedgerDigest>[0]) {
  const decoded = decodeLedgerDigest(encodeLedgerDigest(digest))
  if (isDrop(decoded)) throw new Error(decoded.reason)
  return decoded
}

/** All live records as sorted lines: equal for ledgers that agree. */
export function contents(ledger: Ledger, kinds: readonly number[] = [0, 1, 2, 3, 4, 5, 200]): string[] {
  return kinds
    .flatMap(kind =>
      ledger.records(kind).map(({ owner, key, value, seq }) => `${owner} ${kind} ${toHex(key)} ${seq} ${toHex(value)}`),
    )
    .sort()
}
