import type { PeerId } from '../../lib/address/mod.ts'
import { concatBytes, utf8, type Chance } from '../../lib/base/mod.ts'
import type { Identity } from '../../lib/crypto/mod.ts'
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
} from '../../lib/wire/mod.ts'

const KINDS = [...Object.values(RECORD_KIND), 77, 255]

/** Says what is genuine by its signature, and nonsense. */
export class BadMember {
  readonly #chance: Chance
  readonly #identity: Identity
  readonly #meshId: Uint8Array
  readonly #others: readonly PeerId[]
  readonly #ownSeq: () => number
  #seq: number

  /**
   * `seq`: above all that it wrote until now. `ownSeq`: what its daemon, if it runs one, has come to meanwhile. `others`: peers
   * that it says things of.
   */
  constructor(parts: {
    readonly identity: Identity
    readonly meshId: Uint8Array
    readonly others: readonly PeerId[]
    readonly seq: number
    readonly ownSeq?: () => number
    readonly chance: Chance
  }) {
    this.#chance = parts.chance
    this.#identity = parts.identity
    this.#meshId = parts.meshId
    this.#others = parts.others
    this.#seq = parts.seq
    this.#ownSeq = parts.ownSeq ?? (() => 0)
  }

  /** One encoded link message. `doesForge`: some of its records have false signatures. */
  message(doesForge = false): Uint8Array {
    const kinds = [
      () => this.#delta(doesForge),
      () => this.#delta(doesForge),
      () => this.#sync(),
      () => this.#routed(),
      () => this.#noise(),
    ]
    const chosen = this.#below(kinds.length)
    const bytes = kinds[chosen]!()
    if (chosen < 2 && !doesForge) return bytes
    return this.#chance() < 0.15 ? this.#mutated(bytes) : bytes
  }

  #delta(doesForge: boolean): Uint8Array {
    const parts: DeltaPart[] = []
    for (let i = 0; i <= this.#below(2); i++) {
      const records = Array.from({ length: 1 + this.#below(3) }, () => this.#record(doesForge && this.#chance() < 0.5))
      const { peerId: owner, signingPublic } = this.#identity
      parts.push({ owner, signingPublic: this.#chance() < 0.7 ? signingPublic : undefined, records })
    }
    const bytes = encodeLedger('ledger-delta', encodeLedgerDelta({ isPushed: this.#chance() < 0.5, parts }))
    // With more behind, or cut short: no signature is verified then.
    if (!doesForge && this.#chance() < 0.1) return concatBytes(bytes, this.#bytes(1 + this.#below(9)))
    return !doesForge && this.#chance() < 0.1 ? bytes.slice(0, 1 + this.#below(30)) : bytes
  }

  #record(isForged: boolean): LedgerRecord {
    const isTombstone = this.#chance() < 0.1
    // Its daemon goes above what it meets of its own: what is not above that has lost before it is looked at.
    this.#seq = Math.max(this.#seq, this.#ownSeq()) + (this.#chance() < 0.05 ? 0 : 1 + this.#below(3))
    const draft = {
      owner: this.#identity.peerId,
      kind: KINDS[this.#below(KINDS.length)]!,
      key: this.#chance() < 0.5 ? new Uint8Array(0) : this.#bytes(this.#below(20)),
      seq: this.#seq,
      isTombstone,
      value: isTombstone ? new Uint8Array(0) : this.#value(),
    }
    const signature = isForged ? this.#bytes(64) : this.#identity.sign(recordSignedBytes(this.#meshId, draft))
    return { ...draft, signature }
  }

  #value(): Uint8Array {
    const dice = this.#chance()
    if (dice < 0.3) return this.#bytes(this.#below(300))
    if (dice < 0.6) return concatBytes(Uint8Array.of(this.#below(4), 0), this.#bytes(this.#below(60)))
    return concatBytes(this.#bytes(8), utf8('x'.repeat(this.#below(80))), this.#bytes(4))
  }

  #sync(): Uint8Array {
    const owner = this.#chance() < 0.5 ? this.#identity.peerId : this.#others[this.#below(this.#others.length)]!
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
    const destination = this.#others[this.#below(this.#others.length)]!
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
