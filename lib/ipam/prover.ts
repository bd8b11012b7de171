import type { PeerId } from '../address/mod.ts'
import { BoundedMap, equalBytes } from '../base/mod.ts'
import { peerIdOf, type CryptoSuite } from '../crypto/mod.ts'
import type { BlocksRecord, GrantEntry, RootEntry, TitleRef } from './blocks-record.ts'
import { ROOT_REF } from './blocks-record.ts'
import { CHAIN_MAX, GIVER_KEYS_MAX, PROVED_MAX } from './constants.ts'
import { meshIdOf, type Founding } from './founding.ts'
import { equalRegisters } from './register.ts'
import { grantSignedBytes, type FoundingTitle, type GrantScope, type Stretch, type Title } from './title.ts'
import type { TakeoverRoots } from './takeover-roots.ts'

/** What became of a record's titles. */
export interface Proof {
  /** The title that a run refers to; undefined when it is not proved. */
  titleOf(ref: TitleRef): Title | undefined
  /** `later`: more must be known, or may be verified, before all can be judged. `false`: something in it is untrue. */
  readonly isProved: boolean | 'later'
  /** Takeovers that must be known first. */
  readonly waitsFor: readonly string[]
}

/** Says which titles are true: every grant signed by whoever had the title before, back to a root. */
export class Prover {
  readonly #suite: Pick<CryptoSuite, 'hash' | 'verify'>
  readonly #scope: () => GrantScope
  readonly #blockCount: number
  readonly #takeovers: TakeoverRoots
  /** By signature. Titles of one register may have several proofs; the first stays. */
  readonly #proved = new BoundedMap<string, Extract<Title, { type: 'grant' }>>(PROVED_MAX)
  /** Keys whose peers are known, for hashing one costs a quarter of a signature, and few peers give most of all. */
  readonly #keys = new BoundedMap<PeerId, Uint8Array>(GIVER_KEYS_MAX)
  #founding: FoundingTitle | undefined

  constructor(given: {
    readonly suite: Pick<CryptoSuite, 'hash' | 'verify'>
    readonly scope: () => GrantScope
    readonly blockCount: number
    readonly takeovers: TakeoverRoots
  }) {
    this.#suite = given.suite
    this.#scope = given.scope
    this.#blockCount = given.blockCount
    this.#takeovers = given.takeovers
  }

  /** Forgets what was proved of another mesh. */
  clear(): void {
    this.#proved.clear()
    this.#keys.clear()
    this.#founding = undefined
  }

  /** The title that all others come from; undefined when this is not the founding of the mesh. */
  foundingTitle(founding: Founding): FoundingTitle | undefined {
    const known = this.#founding
    if (known !== undefined) return isSameFounding(known.founding, founding) ? known : undefined
    if (!equalBytes(meshIdOf(this.#suite, founding), this.#scope().meshId)) return undefined
    this.#founding = { type: 'founding', term: 0, seq: 0, owner: founding.founder, founding }
    return this.#founding
  }

  /** Remembers a title that this peer made. */
  keep(title: Title): void {
    if (title.type === 'grant') this.#proved.set(nameOf(title.signature), title)
  }

  /** `mayVerify` is asked before each signature that was not verified before. */
  prove(record: BlocksRecord, mayVerify: () => boolean): Proof {
    let isProved: Proof['isProved'] = true
    const roots = record.roots.map(root => this.#root(root))
    const waitsFor = record.roots.flatMap((root, at) =>
      root.type === 'takeover' && roots[at] === 'later' ? [root.takeover] : [],
    )
    if (roots.includes('later')) isProved = 'later'
    if (roots.includes(undefined)) isProved = false
    const grants: (Title | 'later' | undefined)[] = []
    const at = (ref: TitleRef) => (ref < ROOT_REF ? grants[ref] : roots[ref - ROOT_REF])
    for (const entry of record.grants) {
      const parent = at(entry.parent)
      // One untrue grant makes the others cost nothing.
      const title = isProved === false ? undefined : this.#grant(entry, parent, mayVerify)
      if (title === undefined) isProved = false
      else if (title === 'later' && isProved !== false) isProved = 'later'
      grants.push(title)
    }
    const titleOf = (ref: TitleRef) => {
      const title = at(ref)
      return title === 'later' ? undefined : title
    }
    return { titleOf, isProved, waitsFor }
  }

  #root(root: RootEntry): Title | 'later' | undefined {
    if (root.type === 'founding') return this.foundingTitle(root.founding)
    const title = this.#takeovers.titleOf(root.takeover)
    return title ?? 'later'
  }

  #grant(
    entry: GrantEntry,
    parent: Title | 'later' | undefined,
    mayVerify: () => boolean,
  ): Title | 'later' | undefined {
    if (parent === undefined || parent === 'later') return parent
    if (parent.seq >= CHAIN_MAX || !this.covers(parent, entry)) return undefined
    const { first, count, to: owner, giverKey, signature } = entry
    const register = { term: parent.term, seq: parent.seq + 1, owner }
    const known = this.#proved.get(nameOf(signature))
    if (known !== undefined) {
      const isSame =
        known.first === first &&
        known.count === count &&
        equalRegisters(known, register) &&
        equalBytes(known.giverKey, giverKey) &&
        equalRegisters(known.parent, parent) &&
        equalBytes(known.signature, signature)
      if (isSame) return known
    }
    if (!this.#isOf(giverKey, parent.owner)) return undefined
    if (!mayVerify()) return 'later'
    const message = grantSignedBytes(this.#scope(), { ...register, first, count })
    if (!this.#suite.verify(giverKey, message, signature)) return undefined
    const title = { type: 'grant', ...register, first, count, parent, giverKey, signature } as const
    this.keep(title)
    return title
  }

  /** True when the title is one of all these blocks. */
  covers(title: Title, { first, count }: Stretch): boolean {
    if (count === 0 || first + count > this.#blockCount) return false
    if (title.type === 'founding') return true
    if (title.type === 'takeover') return this.#takeovers.covers(title.takeover, { first, count })
    return first >= title.first && first + count <= title.first + title.count
  }

  #isOf(giverKey: Uint8Array, owner: PeerId): boolean {
    const known = this.#keys.get(owner)
    if (known !== undefined && equalBytes(known, giverKey)) return true
    if (peerIdOf(this.#suite, giverKey) !== owner) return false
    this.#keys.set(owner, giverKey.slice())
    return true
  }
}

function isSameFounding(a: Founding, b: Founding): boolean {
  return a.founder === b.founder && equalBytes(a.salt, b.salt)
}

function nameOf(signature: Uint8Array): string {
  return String.fromCharCode(...signature)
}
