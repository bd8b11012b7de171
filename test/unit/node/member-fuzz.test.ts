/**
 * A member gone bad: what it signs is genuine, what it says is nonsense. It has a link and the mesh secret, and sends
 * everything that a link can carry.
 */
import t from 'tap'
import { concatBytes, utf8, type Chance, type Millis } from '../../../lib/base/mod.ts'
import type { Identity } from '../../../lib/crypto/mod.ts'
import {
  LINK_MESSAGE_KIND,
  RECORD_KIND,
  encodeLedger,
  encodeLedgerDelta,
  encodeLedgerSync,
  encodeRouted,
  recordSignedBytes,
  routedSigningInput,
  type DeltaPart,
  type LedgerRecord,
} from '../../../lib/wire/mod.ts'
import type { SimHost } from '../../support/sim-host.ts'
import { SimMesh } from '../../support/sim-mesh.ts'
import { seededChance } from '../../support/seeded-chance.ts'

const INPUTS = 10_000
const PER_ROUND = 50
const KINDS = [...Object.values(RECORD_KIND), 77, 255]

class Member {
  readonly #chance: Chance
  readonly #identity: Identity
  readonly #meshId: Uint8Array
  readonly #others: readonly SimHost[]
  #seq: number

  constructor(host: SimHost, others: readonly SimHost[], seed: number) {
    this.#chance = seededChance(seed)
    this.#identity = host.identity
    this.#meshId = host.node.meshId!
    this.#others = others
    this.#seq = host.node.ledger.ownSeq + 1_000_000
  }

  /** One encoded link message. */
  message(): Uint8Array {
    const kinds = [
      () => this.#delta(),
      () => this.#delta(),
      () => this.#sync(),
      () => this.#routed(),
      () => this.#noise(),
    ]
    const bytes = kinds[this.#below(kinds.length)]!()
    return this.#chance() < 0.15 ? this.#mutated(bytes) : bytes
  }

  #delta(): Uint8Array {
    const parts: DeltaPart[] = []
    for (let i = 0; i <= this.#below(2); i++) {
      const records = Array.from({ length: 1 + this.#below(3) }, () => this.#record())
      const { peerId: owner, signingPublic } = this.#identity
      parts.push({ owner, signingPublic: this.#chance() < 0.7 ? signingPublic : undefined, records })
    }
    return encodeLedger('ledger-delta', encodeLedgerDelta({ isPushed: this.#chance() < 0.5, parts }))
  }

  #record(): LedgerRecord {
    const isTombstone = this.#chance() < 0.1
    this.#seq += this.#below(4)
    const draft = {
      owner: this.#identity.peerId,
      kind: KINDS[this.#below(KINDS.length)]!,
      key: this.#chance() < 0.5 ? new Uint8Array(0) : this.#bytes(this.#below(20)),
      seq: this.#seq,
      isTombstone,
      value: isTombstone ? new Uint8Array(0) : this.#value(),
    }
    return { ...draft, signature: this.#identity.sign(recordSignedBytes(this.#meshId, draft)) }
  }

  #value(): Uint8Array {
    const dice = this.#chance()
    if (dice < 0.3) return this.#bytes(this.#below(300))
    if (dice < 0.6) return concatBytes(Uint8Array.of(this.#below(4), 0), this.#bytes(this.#below(60)))
    return concatBytes(this.#bytes(8), utf8('x'.repeat(this.#below(80))), this.#bytes(4))
  }

  #sync(): Uint8Array {
    const owner =
      this.#chance() < 0.5 ? this.#identity.peerId : this.#others[this.#below(this.#others.length)]!.identity.peerId
    const above = this.#chance() < 0.5 ? 0 : this.#below(2 ** 31)
    return encodeLedger(
      'ledger-sync',
      encodeLedgerSync({
        sums: this.#chance() < 0.5 ? [] : [{ prefix: '', sum: this.#bytes(16) }],
        lists: [],
        wants: [{ owner, above, upTo: Number.MAX_SAFE_INTEGER, tagAt: this.#below(16), held: [] }],
      }),
    )
  }

  #routed(): Uint8Array {
    const destination = this.#others[this.#below(this.#others.length)]!.identity.peerId
    const routedKind = this.#below(6)
    const unsigned = { routedKind, source: this.#identity.peerId, destination, body: this.#bytes(this.#below(200)) }
    const signature = this.#identity.sign(routedSigningInput(this.#meshId, unsigned))
    return encodeRouted({ ...unsigned, signature, hopLimit: this.#below(256) })
  }

  #noise(): Uint8Array {
    // Not the goodbye: by that the member would end its own link.
    const kinds = Object.values(LINK_MESSAGE_KIND).filter(kind => kind !== LINK_MESSAGE_KIND.goodbye)
    const kind = this.#chance() < 0.8 ? kinds[this.#below(kinds.length)]! : 8 + this.#below(247)
    return concatBytes(Uint8Array.of(kind), this.#bytes(this.#below(400)))
  }

  #mutated(bytes: Uint8Array): Uint8Array {
    const copy = bytes.slice(0, this.#chance() < 0.3 ? 1 + this.#below(bytes.length) : bytes.length)
    for (let i = 0; i < 1 + this.#below(4); i++) copy[1 + this.#below(copy.length - 1)] = this.#below(256)
    return copy
  }

  #bytes(count: number): Uint8Array {
    return Uint8Array.from({ length: count }, () => this.#below(256))
  }

  #below(limit: number): number {
    return Math.floor(this.#chance() * Math.max(1, limit))
  }
}

t.test('10,000 inputs of a member, genuine and nonsense, cost no honest link, no throw and no peace', t => {
  const mesh = new SimMesh({ seed: 9, peers: 4, sealing: 'none' })
  mesh.launchAll(50)
  mesh.run(10_000)
  const [a, b, c, bad] = mesh.hosts as [SimHost, SimHost, SimHost, SimHost]
  const honest = [a, b, c]
  for (const host of honest) mesh.attach(host.number)
  mesh.run(3_000)
  const connections = () =>
    honest.map(host => host.node.neighbours.neighbours.map(({ connection }) => connection).join())
  const before = connections()
  const member = new Member(bad, honest, 4)
  let slowestMs = 0
  for (let sent = 0; sent < INPUTS; sent += PER_ROUND) {
    bad.input((node, now: Millis) => {
      for (let i = 0; i < PER_ROUND; i++) {
        const message = member.message()
        node.neighbours.send(honest[sent % 3]!.identity.peerId, message, now)
      }
    })
    const begun = performance.now()
    mesh.run(200)
    slowestMs = Math.max(slowestMs, performance.now() - begun)
  }
  t.comment(`the slowest 200 ms of four peers took ${slowestMs.toFixed(0)} ms`)
  mesh.run(20_000)
  t.same(connections(), before, 'every link of the honest ones is the one that it was')
  t.same(mesh.unanswered(10_000), [], 'their containers talk')
  const drops = honest.flatMap(host => [...host.node.drops.keys()])
  t.ok(new Set(drops).size > 5, `dropped for ${new Set(drops).size} reasons`)
  const agreed = () => new Set(honest.map(host => host.node.ledger.rootSync().sums[0]?.sum.join())).size === 1
  t.type(mesh.until(agreed, 60_000), 'number', 'and they agree about what it said')
  t.end()
})
