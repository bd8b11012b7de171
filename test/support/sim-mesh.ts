import { formatIpv4, type Ipv4 } from '../../lib/address/mod.ts'
import { assert, type Chance, type Millis } from '../../lib/base/mod.ts'
import type { AddressForm } from '../../lib/ipam/mod.ts'
import { FULL_MESH_PEERS } from '../../lib/topology/mod.ts'
import { SimAgreement } from './sim-agreement.ts'
import { hostMaker, type SimMeshOptions } from './sim-host-maker.ts'
import type { SimHost } from './sim-host.ts'
import { SimNetwork } from './sim-network.ts'
import { labelledChance } from './sim-randomness.ts'
import { SimRules } from './sim-rules.ts'

export type { SimMeshOptions } from './sim-host-maker.ts'
export type { Clash } from './sim-rules.ts'

/** How often it is looked whether what is waited for has come true, in virtual time. */
const LOOK_MS = 250
const PING_RETRY_MS = 1_000

/** Whole peers on virtual time, watched by the rules with everything that they do. The same seed gives the same log. */
export class SimMesh extends SimRules {
  readonly chance: Chance
  readonly network: SimNetwork
  readonly hosts: readonly SimHost[]
  readonly #agreement = new SimAgreement()
  #nextContainer = 1
  #nextPing = 1

  constructor(options: SimMeshOptions) {
    super(options)
    this.chance = labelledChance(`mesh ${options.seed}`)
    this.network = new SimNetwork(this.clock, labelledChance(`network ${options.seed}`))
    this.network.onWire = (from, bytes, end) => this.sent(from, bytes, end === undefined)
    const make = hostMaker(options, { clock: this.clock, network: this.network, watcher: this })
    this.hosts = Array.from({ length: options.peers }, (_, number) => make(number))
    for (const host of this.hosts) this.network.add(host)
  }

  host(number: number): SimHost {
    const host = this.hosts[number]
    assert(host !== undefined, `there is no host ${number}`)
    return host
  }

  /** The first founds; the others join it, `gapMs` apart. */
  launchAll(gapMs: number): void {
    this.hosts.forEach((host, number) =>
      this.clock.after(number * gapMs, () => host.launch(number === 0 ? undefined : [0])),
    )
    this.run(gapMs * this.hosts.length)
  }

  run(forMs: number): void {
    this.clock.runTo(this.clock.now + forMs)
  }

  /** Lets time pass until it is so, and looks every `lookMs`. Returns how much did; undefined when it never came true. */
  until(isSo: () => boolean, limitMs: number, lookMs = LOOK_MS): Millis | undefined {
    const begun = this.clock.now
    while (this.clock.now - begun <= limitMs) {
      if (isSo()) return this.clock.now - begun
      this.run(lookMs)
    }
    return undefined
  }

  /** Attaches a new container; its name. */
  attach(host: number, form?: AddressForm): string {
    const id = `c${this.#nextContainer++}`
    this.host(host).attach(id, form)
    return id
  }

  detach(host: number, id: string): void {
    this.detached(this.host(host), id)
    this.host(host).detach(id)
  }

  /**
   * Groups of hosts that have a way to each other, over others if need be; a way in one direction carries no link. Down hosts
   * are in none.
   */
  components(): SimHost[][] {
    const left = new Set(this.hosts.filter(host => host.isUp))
    const groups: SimHost[][] = []
    for (const first of left) {
      const group = [first]
      left.delete(first)
      for (const at of group)
        for (const other of [...left])
          if (this.#canLink(at.number, other.number) && left.delete(other)) group.push(other)
      groups.push(group)
    }
    return groups
  }

  #canLink(one: number, other: number): boolean {
    return this.network.canReach(one, other) && this.network.canReach(other, one)
  }

  /** What the hosts of each component do not agree on yet, at most so much of it; empty when they agree on everything. */
  disagreements(most?: number): string[] {
    return this.#agreement.disagreements(this.components(), most)
  }

  /** Whether all hosts of each component agree on everything. */
  agrees(): boolean {
    return this.disagreements(1).length === 0
  }

  /**
   * Pairs of a component that have no data path, or none without a relay where there is a way: all pairs in a small mesh,
   * neighbours beyond that.
   */
  pathsMissing(): string[] {
    const found: string[] = []
    for (const group of this.components())
      for (const host of group)
        for (const other of group) {
          if (other === host) continue
          const isNeighbour = host.node.neighbours.neighbour(other.identity.peerId) !== undefined
          if (group.length > FULL_MESH_PEERS && !isNeighbour) continue
          const kind = host.node.paths.path(other.identity.peerId)?.state.kind ?? 'none'
          const isDetour = kind === 'relayed' || kind === 'tcp'
          if (kind === 'none' || (isDetour && this.network.canReach(host.number, other.number)))
            found.push(`${host.name} → ${other.name}: ${kind}`)
        }
    return found
  }

  /** Sends an echo request between all pairs of containers of a component; the pairs that have no answer within the time. */
  unanswered(limitMs: number): string[] {
    const pings: { from: SimHost; container: string; to: Ipv4; number: number }[] = []
    for (const group of this.components()) {
      const all = group.flatMap(host => [...host.containers.values()].map(container => ({ host, container })))
      for (const { host, container } of all)
        for (const { container: target } of all)
          if (target !== container && target.ip !== undefined && container.ip !== undefined)
            pings.push({ from: host, container: container.id, to: target.ip, number: this.#nextPing++ })
    }
    for (const { from, container, to, number } of pings) {
      from.containers.get(container)!.ping(to, number)
      this.run(1)
    }
    const isOpen = ({ from, container, number }: (typeof pings)[number]) =>
      from.containers.get(container)?.isAnswered(number) !== true
    const begun = this.clock.now
    for (let open = pings; ;) {
      this.run(PING_RETRY_MS)
      open = open.filter(isOpen)
      if (open.length === 0 || this.clock.now - begun >= limitMs)
        return open.map(({ from, container, to }) => `${from.name}/${container} → ${formatIpv4(to)}`)
      for (const { from, container, number } of open) from.containers.get(container)?.retry(number)
    }
  }

  /** For the output of a test that failed. */
  story(lines = 60): string {
    return [`seed ${this.seed} at ${this.clock.now} ms; the last events:`, ...this.events.tail(lines)].join('\n  ')
  }
}
