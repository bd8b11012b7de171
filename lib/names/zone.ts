import type { PeerId } from '../address/mod.ts'
import type { NameRecord } from '../wire/mod.ts'

/** One container with its names, which may be none, as the peer tells them where it runs. */
export interface ZoneEntry extends NameRecord {
  readonly owner: PeerId
}

/**
 * All containers that the peers publish, by name and by address. What a peer published counts only while `isLive` says so of
 * it: so the names of a peer that cannot be reached are gone at once, and back at once, at no cost.
 */
export class Zone {
  readonly #isLive: (owner: PeerId) => boolean
  readonly #entries = new Map<string, ZoneEntry>()
  readonly #byName = new Map<string, Set<ZoneEntry>>()
  readonly #byAddress = new Map<string, Set<ZoneEntry>>()
  /** By each name that is only the end of longer ones. */
  readonly #beneath = new Map<string, Set<ZoneEntry>>()

  constructor(isLive: (owner: PeerId) => boolean) {
    this.#isLive = isLive
  }

  get size(): number {
    return this.#entries.size
  }

  /** Puts an entry in the place of what was under this id; undefined removes it. */
  set(id: string, entry: ZoneEntry | undefined): void {
    const before = this.#entries.get(id)
    if (before !== undefined) {
      this.#entries.delete(id)
      this.#index(before, withdraw)
    }
    if (entry === undefined) return
    this.#entries.set(id, entry)
    this.#index(entry, enter)
  }

  get(id: string): ZoneEntry | undefined {
    return this.#entries.get(id)
  }

  /** Addresses of a name that is relative to the zone, each once; undefined when there is no such name now. */
  addressesOf(name: string): { readonly address: string; readonly owner: PeerId }[] | undefined {
    const found = new Map<string, PeerId>()
    let isThere = false
    for (const { owner, addresses } of this.#byName.get(name) ?? []) {
      if (!this.#isLive(owner)) continue
      isThere = true
      for (const address of addresses) if (!found.has(address)) found.set(address, owner)
    }
    if (!isThere) return undefined
    return [...found].map(([address, owner]) => ({ address, owner }))
  }

  /** True when some name ends in `.name`: then it exists too, without anything of its own (RFC 8020). */
  isEnclosing(name: string): boolean {
    for (const { owner } of this.#beneath.get(name) ?? []) if (this.#isLive(owner)) return true
    return false
  }

  /** Names of an address in canonical form, relative to the zone, sorted. */
  namesOf(address: string): string[] {
    const names = new Set<string>()
    for (const entry of this.#byAddress.get(address) ?? [])
      if (this.#isLive(entry.owner)) for (const name of entry.names) names.add(name)
    return [...names].sort()
  }

  /** What is told of an address in canonical form, of peers that cannot be reached too. */
  at(address: string): ZoneEntry[] {
    return [...(this.#byAddress.get(address) ?? [])]
  }

  /** What is told under a name that is relative to the zone, of peers that cannot be reached too. */
  named(name: string): ZoneEntry[] {
    return [...(this.#byName.get(name) ?? [])]
  }

  /** All that is told, of peers that cannot be reached too. */
  all(): ZoneEntry[] {
    return [...this.#entries.values()]
  }

  /** What counts now. */
  live(): ZoneEntry[] {
    return [...this.#entries.values()].filter(entry => this.#isLive(entry.owner))
  }

  #index(entry: ZoneEntry, change: typeof enter): void {
    for (const address of entry.addresses) change(this.#byAddress, address, entry)
    for (const name of entry.names) {
      change(this.#byName, name, entry)
      for (let dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', dot + 1))
        change(this.#beneath, name.slice(dot + 1), entry)
    }
  }
}

function enter(index: Map<string, Set<ZoneEntry>>, key: string, entry: ZoneEntry): void {
  const set = index.get(key)
  if (set === undefined) index.set(key, new Set([entry]))
  else set.add(entry)
}

function withdraw(index: Map<string, Set<ZoneEntry>>, key: string, entry: ZoneEntry): void {
  const set = index.get(key)
  if (set?.delete(entry) === true && set.size === 0) index.delete(key)
}
