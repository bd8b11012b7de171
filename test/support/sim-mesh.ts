import { formatIpv4, type Cidr, type Ipv4 } from '../../lib/address/mod.ts'
import { assert, toHex, utf8, type Chance, type Millis, type WeaveError } from '../../lib/base/mod.ts'
import { identityOf } from '../../lib/crypto/mod.ts'
import type { AddressForm } from '../../lib/ipam/mod.ts'
import type { NodeConfig, PartFactory } from '../../lib/node/mod.ts'
import type { EngineOp } from '../../lib/overlay/mod.ts'
import { FULL_MESH_PEERS } from '../../lib/topology/mod.ts'
import { DATAGRAM_HEADER_BYTES } from '../../lib/wire/mod.ts'
import type { Sealing } from './memory-session.ts'
import { SimAgreement } from './sim-agreement.ts'
import { SimClock } from './sim-clock.ts'
import { SIM_MARKER } from './sim-container.ts'
import { SimHost, type SimWatcher } from './sim-host.ts'
import { SimLog } from './sim-log.ts'
import { SimNetwork } from './sim-network.ts'
import { labelledChance, seededEntropy } from './sim-randomness.ts'
import type { SimSite } from './sim-stream.ts'
import { lightSuite, memoisedSuite, toySuite } from './sim-suite.ts'

/** How often it is looked whether what is waited for has come true, in virtual time. */
const LOOK_MS = 250
const PING_RETRY_MS = 1_000
const DROP_REASONS_MAX = 64
/** Counting what a peer holds is dear: only every so many steps. A prime, so that every host has its turn. */
const STEPS_PER_LIMIT_CHECK = 17

export interface SimMeshOptions {
  readonly seed: number
  readonly peers: number
  /** `aead` (the default) also lets the underlay be searched for clear text. */
  readonly sealing?: Sealing
  /** The mesh secret of a host, as a byte; 7 for all when undefined. */
  readonly secretOf?: (host: number) => number
  /** False: events are only counted, for measuring. */
  readonly isLogged?: boolean
  /** Where nothing is sealed: nor are there curves, which is fast. */
  readonly isToy?: boolean
  /** Whose identity a host has; its own when undefined. */
  readonly identityOf?: (host: number) => number
  readonly config?: Partial<NodeConfig>
  /** What one host has besides. */
  readonly configOf?: (host: number) => Partial<NodeConfig>
  readonly features?: readonly PartFactory[]
  /** Whether a clash may be, because an operator brought it about. None when undefined. */
  readonly isExcused?: (clash: Clash) => boolean
  readonly onRefused?: (host: SimHost, container: string, error: WeaveError) => void
}

/** A living container was given an address that another one has. */
export interface Clash {
  readonly address: Ipv4
  readonly host: SimHost
  readonly other: SimHost
}

/** A host and a life of it are one number below 2^21, which with a 32-bit index is exact. */
const LIVES_MAX = 2_000

/** What must never be. */
export class SimViolation extends Error {
  override readonly name = 'SimViolation'
}

const trueSuite = memoisedSuite()
const fastSuite = lightSuite(trueSuite)
const cheapSuite = toySuite(trueSuite)

/**
 * Whole peers on virtual time. The safety rules are checked with everything that a peer does: no address for two containers,
 * no key and counter twice, no clear text on the underlay, nothing above its limit. The same seed gives the same log.
 */
export class SimMesh implements SimWatcher {
  readonly seed: number
  readonly chance: Chance
  readonly clock = new SimClock()
  readonly network: SimNetwork
  readonly hosts: readonly SimHost[]
  readonly events: SimLog
  readonly #agreement = new SimAgreement()
  readonly #isSealed: boolean
  /** `mesh address` that living containers were told, and which: one, but for what is excused. */
  readonly #holders = new Map<string, ReadonlySet<string>>()
  readonly #options: Pick<SimMeshOptions, 'isExcused' | 'onRefused'>
  readonly #sendKeys = new Set<string>()
  /** Per host, life and remote index: the counter that was sent last. */
  readonly #counters = new Map<number, number>()
  #nextContainer = 1
  #nextPing = 1
  #steps = 0

  constructor(options: SimMeshOptions) {
    this.seed = options.seed
    this.#options = options
    this.events = new SimLog(options.isLogged ?? true)
    this.#isSealed = options.sealing !== 'none'
    const unsealed = options.isToy === true ? cheapSuite : fastSuite
    const suite = this.#isSealed ? trueSuite : unsealed
    this.chance = labelledChance(`mesh ${options.seed}`)
    this.network = new SimNetwork(this.clock, labelledChance(`network ${options.seed}`))
    this.network.onWire = (from, bytes, end) => this.#watchWire(from, bytes, end === undefined)
    this.hosts = Array.from({ length: options.peers }, (_, number) => {
      const label = `host ${number} of ${options.seed}`
      const entropy = seededEntropy(label)
      const secret = options.secretOf?.(number) ?? 7
      const host = new SimHost({
        number,
        identity: identityOf(
          suite,
          seededEntropy(`host ${options.identityOf?.(number) ?? number} of ${options.seed}`).bytes(32),
        ),
        suite,
        entropy,
        chance: labelledChance(label),
        secret: { psk: new Uint8Array(32).fill(secret), hint: new Uint8Array(4).fill(secret) },
        sealing: options.sealing ?? 'aead',
        clock: this.clock,
        network: this.network,
        watcher: this,
        get config() {
          return { ...options.config, ...options.configOf?.(number) }
        },
        ...(options.features && { features: options.features }),
      })
      this.network.add(host)
      return host
    })
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
    for (const [address, holders] of this.#holders) {
      if (!holders.has(id)) continue
      const left = new Set([...holders].filter(holder => holder !== id))
      if (left.size === 0) this.#holders.delete(address)
      else this.#holders.set(address, left)
    }
    this.log(this.host(host), `detach ${id}`)
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

  fail(text: string): never {
    throw new SimViolation(`seed ${this.seed}, ${this.clock.now} ms: ${text}`)
  }

  /** For the output of a test that failed. */
  story(lines = 60): string {
    return [`seed ${this.seed} at ${this.clock.now} ms; the last events:`, ...this.events.tail(lines)].join('\n  ')
  }

  // SimWatcher

  log(host: SimHost, text: string): void {
    this.events.write(() => `${this.clock.now} ${host.name} ${text}`)
  }

  engineOp(host: SimHost, op: EngineOp): void {
    if (op.op === 'send-control') return
    if (this.events.isOn)
      this.log(host, op.op === 'add-session' ? `add-session ${op.session.receiverIndex}` : JSON.stringify(op))
    if (op.op !== 'add-session') return
    const key = toHex(op.session.sendKey)
    if (this.#sendKeys.has(key)) this.fail(`${host.name} seals with a key that was used before`)
    this.#sendKeys.add(key)
  }

  allocated(host: SimHost, container: string, cidr: Cidr): void {
    this.log(host, `allocated ${container} ${formatIpv4(cidr.address)}`)
    const address = `${toHex(host.node.meshId!)} ${formatIpv4(cidr.address)}`
    const holders = this.#holders.get(address) ?? new Set()
    for (const holder of holders) {
      const other = this.hosts.find(({ containers }) => containers.has(holder))
      if (holder === container || other === undefined) continue
      if (this.#options.isExcused?.({ address: cidr.address, host, other }) === true) continue
      this.fail(
        `${formatIpv4(cidr.address)} is held by ${holder} on ${other.name}, and by ${container} on ${host.name}`,
      )
    }
    this.#holders.set(address, new Set([...holders, container]))
  }

  refused(host: SimHost, container: string, error: WeaveError): void {
    this.#options.onRefused?.(host, container, error)
  }

  stepped(host: SimHost): void {
    const { node } = host
    for (const container of host.containers.values()) {
      if (container.ip === undefined) continue
      if (!node.leasesOf(container.id).some(cidr => cidr.address === container.ip))
        this.fail(`${host.name} lost the lease of ${container.id} for ${formatIpv4(container.ip)}`)
    }
    if (++this.#steps % STEPS_PER_LIMIT_CHECK !== 0) return
    const count = this.hosts.length
    const limits: [string, number, number][] = [
      ['neighbours', node.neighbours.count, count],
      ['connections', node.neighbours.connections.length, 4 * count + 8],
      ['contacts', node.dialler.contacts.length, 2 * count + 8],
      ['drop reasons', node.drops.size, DROP_REASONS_MAX],
    ]
    for (const [what, value, limit] of limits)
      if (value > limit) this.fail(`${host.name} has ${value} ${what}, at most ${limit} are due`)
  }

  #watchWire(from: SimSite, bytes: Uint8Array, isDatagram: boolean): void {
    this.events.write(() => `${this.clock.now} ${from.number} ${isDatagram ? 'udp' : 'tcp'} ${bytes.length}`)
    if (isDatagram) {
      const view = new DataView(bytes.buffer, bytes.byteOffset, DATAGRAM_HEADER_BYTES)
      const key = (from.number * LIVES_MAX + from.life) * 2 ** 32 + view.getUint32(4, true)
      const counter = view.getUint32(12, true) * 2 ** 32 + view.getUint32(8, true)
      if (counter <= (this.#counters.get(key) ?? -1)) this.fail(`${from.number} sealed twice with counter ${counter}`)
      this.#counters.set(key, counter)
    }
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    if (this.#isSealed && isDatagram && buffer.includes(MARKER)) this.fail('a frame crossed the underlay in clear')
    if (this.#isSealed && !isDatagram && buffer.includes(HOST_NAME)) this.fail('a hello crossed the underlay in clear')
  }
}

const MARKER = Buffer.from(SIM_MARKER)
const HOST_NAME = Buffer.from(utf8('simulated'))
