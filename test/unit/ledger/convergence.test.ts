import t from 'tap'
import { toHex, utf8 } from '../../../lib/base/mod.ts'
import type { PeerId } from '../../../lib/address/mod.ts'
import type { Ledger } from '../../../lib/ledger/mod.ts'
import type { LedgerDelta } from '../../../lib/wire/ledger-message.ts'
import { fakeIdentity } from '../../support/fake-suite.ts'
import { contents, deliver, ledgerOf, MemoryStore, MESH, reconcile } from '../../support/ledgers.ts'
import { pick, seededChance } from '../../support/seeded-chance.ts'

const LIMITS = { ownerRecordsMax: 12, recoverIntervalMs: 50 }
const STEPS = 120

interface Written {
  readonly seq: number
  readonly key: string
}

/** Peers that write, gossip with loss, duplication and reorder, reconcile now and then and, if told to, lose their ends. */
class World {
  readonly chance
  readonly peers: { name: string; ledger: Ledger; store: MemoryStore; backup: MemoryStore }[]
  readonly mail: { to: number; from: number; delta: LedgerDelta }[] = []
  readonly history = new Map<PeerId, Written[]>()
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
    else if (dice < 0.55) this.#gossip(at, peer.ledger.takeOwnDeltas())
    else if (dice < 0.8) this.#receive()
    else if (dice < 0.9) reconcile(peer.ledger, pick(this.peers, this.chance).ledger, this.now, 2000)
    else if (dice < 0.95) peer.store.save(peer.ledger)
    else if (mayLoseState) this.#restart(at)
    peer.ledger.collect(this.now)
  }

  #write(ledger: Ledger): void {
    const key = Uint8Array.of(Math.floor(this.chance() * 14))
    if (this.chance() < 0.4) ledger.remove(1, key)
    else ledger.put(1, key, utf8(String(Math.floor(this.chance() * 1000))))
  }

  #gossip(from: number, deltas: readonly LedgerDelta[]): void {
    for (const delta of deltas) {
      for (const record of delta.records) {
        const list = this.history.get(record.owner) ?? []
        list.push({ seq: record.seq, key: `${record.kind}/${toHex(record.key)}` })
        this.history.set(record.owner, list)
      }
      for (const to of this.peers.keys()) {
        if (to !== from && this.chance() < 0.6) this.mail.push({ to, from, delta })
      }
    }
  }

  #receive(): void {
    if (this.mail.length === 0) return
    const at = Math.floor(this.chance() * this.mail.length)
    const { to, from, delta } = this.mail[at]!
    if (this.chance() < 0.8) this.mail.splice(at, 1)
    const relay = deliver([delta], this.peers[to]!.ledger, this.now)[0]?.relay
    if (!relay) return
    for (const next of this.peers.keys()) {
      if (next !== to && next !== from && this.chance() < 0.5) this.mail.push({ to: next, from: to, delta: relay })
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

  /** Every write up to a mark is held, or something newer under its key, or a floor above it. */
  brokenClaim(): string | undefined {
    for (const { name, ledger, store } of this.peers) {
      store.save(ledger)
      const { records } = store.load()
      for (const { owner, mark } of ledger.owners()) {
        const held = records.get(owner) ?? []
        const newest = new Map(held.map(record => [`${record.kind}/${toHex(record.key)}`, record.seq]))
        const floor = newest.get('0/') ?? 0
        for (const { seq, key } of this.history.get(owner) ?? []) {
          if (seq > mark || seq < floor || (newest.get(key) ?? 0) >= seq) continue
          return `${name} claims ${owner} up to ${mark} without ${key} at ${seq}`
        }
      }
    }
    return undefined
  }
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

t.test('digests never claim what is not held', async t => {
  for (let seed = 2001; seed <= 2030; seed++) {
    const world = new World(seed)
    for (let step = 0; step < STEPS; step++) {
      world.step(false)
      const broken = world.brokenClaim()
      if (broken) t.fail(`seed ${seed}, step ${step}: ${broken}`)
    }
  }
  t.pass('every claim holds')
})
