import type { PeerId } from '../address/mod.ts'
import { ByteWriter } from '../base/mod.ts'
import type { CryptoSuite } from '../crypto/mod.ts'
import { ELECTORATE_BYTES } from '../wire/mod.ts'

/** How it is decided who founds (`launch --ipalloc-init`). */
export type ElectionPlan =
  | { readonly type: 'consensus'; readonly size: number }
  /** PeerIds or nicknames: these alone vote. */
  | { readonly type: 'seed'; readonly names: readonly string[] }
  | { readonly type: 'observer' }

/** Who is asked whether it has a vote. */
export interface Elector {
  readonly peerId: PeerId
  readonly nickname: string
}

const ELECTORATE_HASH_BYTES = 32

/** Who has a vote, and how many are enough. */
export class Electorate {
  readonly plan: ElectionPlan
  /** 16 bytes; differs where the plan does. */
  readonly id: Uint8Array

  constructor(plan: ElectionPlan, suite: Pick<CryptoSuite, 'hash'>) {
    this.plan = plan
    const writer = new ByteWriter().text('weave-ts electorate 1').text(plan.type)
    if (plan.type === 'consensus') writer.u16(plan.size)
    if (plan.type === 'seed') for (const name of this.#names) writer.text(name)
    this.id = suite.hash(writer.finish(), ELECTORATE_HASH_BYTES).slice(0, ELECTORATE_BYTES)
  }

  /** As it was given: the number of `consensus`, or of the seeds that are named. */
  get size(): number {
    return this.plan.type === 'consensus' ? this.plan.size : this.#names.length
  }

  get #names(): string[] {
    return this.plan.type === 'seed' ? [...new Set(this.plan.names)].sort() : []
  }

  /** As on the command line. */
  get text(): string {
    if (this.plan.type === 'consensus') return `consensus=${this.plan.size}`
    return this.plan.type === 'seed' ? `seed=${this.#names.join(',')}` : 'observer'
  }

  hasVote(elector: Elector): boolean {
    if (this.plan.type === 'consensus') return true
    return this.#nameOf(elector) !== undefined
  }

  /** Those of `all` that are counted, and those that go by one name: of these none is. */
  sort(all: readonly Elector[]): { readonly counted: Elector[]; readonly ambiguous: Elector[] } {
    if (this.plan.type !== 'seed') return { counted: [...all], ambiguous: [] }
    const byName = new Map<string, Elector[]>()
    for (const elector of all) {
      const name = this.#nameOf(elector)
      if (name !== undefined) byName.set(name, [...(byName.get(name) ?? []), elector])
    }
    const groups = [...byName.values()]
    return {
      counted: groups.filter(group => group.length === 1).flat(),
      ambiguous: groups.filter(group => group.length > 1).flat(),
    }
  }

  /** A majority; where more take part than were said to, of all of them. */
  quorum(counted: number): number {
    const all = this.plan.type === 'consensus' ? Math.max(this.plan.size, counted) : this.#names.length
    return Math.floor(all / 2) + 1
  }

  #nameOf({ peerId, nickname }: Elector): string | undefined {
    return this.#names.find(name => name === peerId) ?? this.#names.find(name => name === nickname)
  }
}
