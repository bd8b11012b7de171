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
  #seq: number

  /** `seq`: above all that it wrote until now. `others`: peers that it says things of. */
  constructor(parts: {
    readonly identity: Identity
    readonly meshId: Uint8Array
    readonly others: readonly PeerId[]
    readonly seq: number
    readonly chance: Chance
  }) {
    this.#chance = parts.chance
    this.#identity = parts.identity
    this.#meshId = parts.meshId
    this.#others = parts.others
    this.#seq = parts.seq
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
