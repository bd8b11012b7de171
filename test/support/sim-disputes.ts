import type { Ipv4 } from '../../lib/address/mod.ts'
import { isDrop, toHex, type Millis } from '../../lib/base/mod.ts'
import { readTakeover } from '../../lib/ipam/takeover-record.ts'
import { RECORD_KIND } from '../../lib/wire/mod.ts'
import type { SimHost } from './sim-host.ts'
import type { Clash, SimMesh } from './sim-mesh.ts'

/** Whoever has an address that became another's has so long to tell that one, when both are connected. */
const TELL_MS = 20_000

/** Which addresses two containers may have: those of blocks that were taken over from somebody. */
export class SimDisputes {
  readonly #mesh: SimMesh
  readonly #seen = new Set<string>()
  readonly #taken = new Set<number>()
  /** Per pair of hosts when they were apart, or one of them down, for the last time. */
  readonly #apartAt = new Map<string, Millis>()
  readonly #isLent = 'assigned' in RECORD_KIND
  /** A store of the past was taken up where nobody could say so. */
  isPastAlone = false
  count = 0

  constructor(mesh: SimMesh) {
    this.#mesh = mesh
  }

  /** To be called when something may have changed: who reaches whom, and what is taken over. */
  look(): void {
    for (const host of this.#mesh.hosts) if (host.isUp && host.node.meshId !== undefined) this.#readTakeovers(host)
    const groups = this.#mesh.components()
    const groupOf = new Map(groups.flatMap((group, at) => group.map(host => [host, at] as const)))
    for (const one of this.#mesh.hosts)
      for (const two of this.#mesh.hosts) {
        if (one.number >= two.number || (groupOf.has(one) && groupOf.get(one) === groupOf.get(two))) continue
        this.#apartAt.set(`${one.number} ${two.number}`, this.#mesh.clock.now)
      }
  }

  isExcused({ address, host, other }: Clash): boolean {
    this.look()
    this.count++
    const { space } = host.node.addresses.ipam
    if (this.isPastAlone) return true
    if (!this.#taken.has(space.blockOf(address))) return false
    if (!this.#isLent) return true
    const [one, two] = [host.number, other.number].sort((a, b) => a - b)
    const apartAt = this.#apartAt.get(`${one} ${two}`) ?? -Infinity
    return this.#mesh.clock.now - apartAt < TELL_MS
  }

  /** Containers that have one address, and none of whose hosts says that it is disputed. */
  hidden(): string[] {
    const byAddress = new Map<Ipv4, { host: SimHost; id: string }[]>()
    for (const host of this.#mesh.hosts)
      for (const { id, ip } of host.isUp ? host.containers.values() : []) {
        if (ip === undefined) continue
        byAddress.set(ip, [...(byAddress.get(ip) ?? []), { host, id }])
      }
    const hidden: string[] = []
    for (const [ip, all] of byAddress) {
      const shown = all.filter(({ host, id }) =>
        host.node.addresses.ipam.report().disputed.some(({ container }) => container === id),
      )
      if (all.length - shown.length > 1) hidden.push(`${ip.toString(16)} of ${all.map(({ id }) => id).join(' and ')}`)
    }
    return hidden
  }

  #readTakeovers(host: SimHost): void {
    const { node } = host
    const { suite } = node.config
    const { space } = node.addresses.ipam
    const scope = { meshId: node.ledger.meshId, range: space.range, blockPrefix: space.blockPrefix }
    for (const { key, value } of node.ledger.records(RECORD_KIND.takeover)) {
      const name = toHex(key)
      if (this.#seen.has(name)) continue
      this.#seen.add(name)
      const takeover = readTakeover(suite, scope, space.blockCount, key, value)
      if (isDrop(takeover) || takeover.author === takeover.victim) continue
      for (const { first, count } of takeover.runs)
        for (let block = first; block < first + count; block++) this.#taken.add(block)
    }
  }
}
