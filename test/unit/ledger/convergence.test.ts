import t from 'tap'
import { toHex, utf8 } from '../../../lib/base/mod.ts'
import type { Ledger } from '../../../lib/ledger/mod.ts'
import type { DeltaPart } from '../../../lib/wire/mod.ts'
import { fakeIdentity } from '../../support/fake-suite.ts'
import { contents, deliver, ledgerOf, MemoryStore, MESH, reconcile, writesOf } from '../../support/ledgers.ts'
import { pick, seededChance } from '../../support/seeded-chance.ts'

const LIMITS = { ownerRecordsMax: 12, recoverIntervalMs: 50 }
const STEPS = 120

/** Peers that write, gossip with loss, duplication and reorder, reconcile now and then and, if told to, lose their ends. */
class World {
  readonly chance
  readonly peers: { name: string; ledger: Ledger; store: MemoryStore; backup: MemoryStore }[]
  readonly mail: { to: number; from: number; part: DeltaPart }[] = []
  now = 0

  constructor(seed: number) {
    this.chance = seededChance(seed)
    const count = 2 + Math.floor(this.chance() * 5)
    this.peers = Array.from({ length: count }, (_, i) => {
      const name = `peer ${i}`
      return {
        name,
        ledger: ledgerOf(name, LIMITS, MESH, this.chance),
        store: new MemoryStore(),
        backup: new MemoryStore(),
      }
    })
  }

  step(mayLoseState: boolean): void {
    this.now += Math.floor(this.chance() * 20)
    const dice = this.chance()
    const at = Math.floor(this.chance() * this.peers.length)
    const peer = this.peers[at]!
    if (dice < 0.4) this.#write(peer.ledger)
    else if (dice < 0.55) this.#gossip(at, writesOf(peer.ledger, peer.name))
    else if (dice < 0.8) this.#receive()
    else if (dice < 0.9) reconcile(peer.ledger, pick(this.peers, this.chance).ledger, this.now)
    else if (dice < 0.95) peer.store.save(peer.ledger)
    else if (mayLoseState) this.#restart(at)
    peer.ledger.collect(this.now)
  }

  #write(ledger: Ledger): void {
    const key = Uint8Array.of(Math.floor(this.chance() * 14))
    if (this.chance() < 0.4) ledger.remove(1, key)
    else ledger.put(1, key, utf8(String(Math.floor(this.chance() * 1000))))
  }

  #gossip(from: number, parts: readonly DeltaPart[]): void {
    for (const part of parts)
      for (const to of this.peers.keys()) if (to !== from && this.chance() < 0.6) this.mail.push({ to, from, part })
  }

  #receive(): void {
    if (this.mail.length === 0) return
    const at = Math.floor(this.chance() * this.mail.length)
    const { to, from, part } = this.mail[at]!
    if (this.chance() < 0.8) this.mail.splice(at, 1)
    const records = deliver([part], this.peers[to]!.ledger, this.now).flatMap(({ changed }) => changed)
    if (records.length === 0) return
    // A relay may lose some of what was new: nobody takes the rest for all.
    const relay = { ...part, records: this.chance() < 0.8 ? records : records.slice(-1) }
    for (const next of this.peers.keys()) {
      if (next !== to && next !== from && this.chance() < 0.5) this.mail.push({ to: next, from: to, part: relay })
    }
  }

  /** A crash: what was not saved is lost; sometimes an old backup comes back instead. */
  #restart(at: number): void {
    const peer = this.peers[at]!
    if (this.chance() < 0.3) peer.backup = peer.store.copy()
    if (this.chance() < 0.3) peer.store = peer.backup.copy()
    peer.ledger = ledgerOf(peer.name, LIMITS, MESH, this.chance)
    const isTrusted = this.chance() < 0.5
    peer.ledger.restore(peer.store.load(), isTrusted, this.now)
  }

  settle(): void {
    for (let round = 0; round < 12; round++) {
      this.now += LIMITS.recoverIntervalMs
      for (const [i, { ledger }] of this.peers.entries()) {
        ledger.collect(this.now)
        reconcile(ledger, this.peers[(i + 1) % this.peers.length]!.ledger, this.now)
      }
    }
  }

  /** Two ledgers whose sums are equal although they differ, or the other way round. */
  lyingSum(): string | undefined {
    const views = this.peers.map(({ name, ledger }) => ({
      name,
      sum: toHex(ledger.rootSync().sums[0]!.sum),
      records: everything(ledger),
    }))
    for (const one of views)
      for (const other of views)
        if ((one.sum === other.sum) !== (one.records === other.records)) return `${one.name} and ${other.name}`
    return undefined
  }
}

/** Every record, tombstones included, as the ledger gives it to others. */
function everything(ledger: Ledger): string {
  const lines = ledger.owners().flatMap(({ owner }) => {
    const all = ledger.recordsFor({ owner, above: 0, upTo: Number.MAX_SAFE_INTEGER, tagAt: 0, held: [] })
    return (all?.records ?? []).map(({ kind, key, seq, signature }) =>
      [owner, kind, toHex(key), seq, toHex(signature)].join(),
    )
  })
  return lines.sort().join('\n')
}

t.test('any order, duplication and loss of deltas, with anti-entropy, converges', async t => {
  for (let seed = 1; seed <= 150; seed++) {
    const world = new World(seed)
    for (let step = 0; step < STEPS; step++) world.step(false)
    world.settle()
    const truth = world.peers
      .flatMap(({ name, ledger }) => contents(ledger).filter(line => line.startsWith(fakeIdentity(name).peerId)))
      .sort()
    for (const { name, ledger } of world.peers) {
      if (contents(ledger).join() !== truth.join()) t.same(contents(ledger), truth, `seed ${seed}, ${name}`)
    }
  }
  t.pass('all seeds agree')
})

t.test('crashes with lost writes and restored backups: the owners’ own view wins everywhere', async t => {
  for (let seed = 1001; seed <= 1150; seed++) {
    const world = new World(seed)
    for (let step = 0; step < STEPS; step++) world.step(true)
    world.settle()
    const truth = world.peers
      .flatMap(({ name, ledger }) => contents(ledger).filter(line => line.startsWith(fakeIdentity(name).peerId)))
      .sort()
    for (const { name, ledger } of world.peers) {
      if (contents(ledger).join() !== truth.join()) t.same(contents(ledger), truth, `seed ${seed}, ${name}`)
    }
  }
  t.pass('all seeds agree')
})

t.test('sums are equal exactly when the records are', async t => {
  for (let seed = 2001; seed <= 2030; seed++) {
    const world = new World(seed)
    for (let step = 0; step < STEPS; step++) {
      world.step(true)
      const lie = world.lyingSum()
      if (lie) t.fail(`seed ${seed}, step ${step}: ${lie}`)
    }
  }
  t.pass('every sum tells the truth')
})
