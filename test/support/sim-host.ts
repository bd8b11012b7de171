import {
  parseCidr,
  parseEndpoint,
  type Cidr,
  type Endpoint,
  type EndpointParts,
  type PeerId,
} from '../../lib/address/mod.ts'
import { Beat, ByteReader, assert } from '../../lib/base/mod.ts'
import type { Chance, Entropy, Millis, WeaveError } from '../../lib/base/mod.ts'
import type { CryptoSuite, Identity } from '../../lib/crypto/mod.ts'
import { groupOutputs } from '../../lib/daemon/output-group.ts'
import { LEASE_HOLDER, type AddressForm, type Lease } from '../../lib/ipam/mod.ts'
import { Node, type NodeConfig, type NodeOutput, type PartFactory, type Persist } from '../../lib/node/mod.ts'
import { MAC_LOCAL, type EngineOp, type SwitchNotice } from '../../lib/overlay/mod.ts'
import type { LinkSecret } from '../../lib/peer/mod.ts'
import { MemoryEngine } from './memory-engine.ts'
import { MemoryPlane } from './memory-plane.ts'
import type { Sealing } from './memory-session.ts'
import { SimAlarm } from './sim-alarm.ts'
import { checkInSim } from './sim-check.ts'
import type { SimClock } from './sim-clock.ts'
import { SimContainer } from './sim-container.ts'
import type { SimDisk } from './sim-disk.ts'
import { SimGauge } from './sim-gauge.ts'
import { SIM_PORT, endpointAt } from './sim-network.ts'
import type { SimEnd, SimSite, SimUnderlay } from './sim-stream.ts'

const [RESOLVE_MS, PIECE_ENTRIES, MAC_SLOTS] = [3, 3, 256] as const
const RANGE: Cidr = parseCidr('10.32.0.0/16')!

/** What a host reports to the mesh that it is part of. */
export interface SimWatcher {
  log(host: SimHost, text: string): void
  /** After everything that a node did. */
  stepped(host: SimHost): void
  engineOp(host: SimHost, op: EngineOp): void
  /** The container was given its address. */
  allocated(host: SimHost, container: string, cidr: Cidr): void
  refused?(host: SimHost, container: string, error: WeaveError): void
}

export interface SimHostOptions {
  readonly number: number
  readonly identity: Identity
  readonly suite: CryptoSuite
  readonly entropy: Entropy
  readonly chance: Chance
  readonly secret: LinkSecret
  readonly sealing: Sealing
  readonly clock: SimClock
  readonly network: SimUnderlay
  readonly watcher: SimWatcher
  readonly config?: Partial<NodeConfig>
  /** Parts of the node; those of the daemon when undefined. */
  readonly features?: readonly PartFactory[]
}

/** One host: a daemon that can die at any moment, and a store and containers that outlive it. */
export class SimHost implements SimSite {
  readonly number: number
  readonly name: string
  readonly identity: Identity
  readonly store = new Map<string, Uint8Array>()
  /** Keys of it that may be lost. */
  readonly #cached = new Set<string>()
  readonly containers = new Map<string, SimContainer>()
  life = 0
  /** The process ends after so many more outputs. */
  outputsToLive: number | undefined
  /** How far the clock of this host is ahead of that of the simulation. */
  aheadMs = 0
  /** Sees each message that the node sends to a neighbour. */
  onSend: ((to: PeerId, message: Uint8Array) => void) | undefined
  /** The power fails behind so many more writes to the store. */
  writesToLive: number | undefined
  /** To the store, so far. */
  writes = 0
  /** What one input makes durable is one write, as in the daemon; else each part of it is, and a crash may come between. */
  isGrouped = false
  /** What is plugged in and cannot be accounted for, as the next start finds it. */
  strays: readonly string[] = []
  readonly #options: SimHostOptions
  readonly #ends = new Map<number, SimEnd>()
  readonly #dials = new Set<number>()
  readonly #requests = new Map<string, string>()
  readonly #alarm: SimAlarm
  #node: Node | undefined
  readonly #gauge = new SimGauge(this)
  #plane: MemoryPlane | undefined
  #lanes: ((node: Node, now: Millis) => void)[] = []
  /** What waits for a process that is stopped. */
  #stalled: (() => void)[] | undefined
  #isPumping = false
  #isRunning = false
  #nextRequest = 1

  constructor(options: SimHostOptions) {
    this.#options = options
    this.number = options.number
    this.name = `host${options.number}`
    this.identity = options.identity
    this.#alarm = new SimAlarm({
      clock: options.clock,
      name: this.name,
      poll: () => (this.#stalled === undefined ? this.#gauge.sooner(this.#node?.pollTimeout()) : undefined),
      wake: () => {
        this.#gauge.tick()
        this.input((node, now) => node.handleTimeout(now))
        this.#pump()
      },
    })
  }

  get isUp(): boolean {
    return this.#node !== undefined
  }

  get now(): Millis {
    return this.#options.clock.now + this.aheadMs
  }

  get node(): Node {
    assert(this.#node !== undefined, `${this.name} is down`)
    return this.#node
  }

  get plane(): MemoryPlane {
    return this.#plane!
  }

  get engine(): MemoryEngine {
    return this.plane.engine
  }

  /** Launches the daemon on what the store holds; `peers` as on the command line, undefined: go on, or found. */
  launch(peers?: readonly number[], doesFound = peers === undefined): void {
    assert(!this.isUp, `${this.name} is up`)
    const { identity, suite, entropy, chance, secret, network, watcher, sealing } = this.#options
    this.life++
    const engine = new MemoryEngine({
      onDatagram: (bytes, to) => network.datagram(this, bytes, to),
      sealing,
      rowsMax: 32,
    })
    this.#plane = new MemoryPlane(
      engine,
      {
        onControl: (peer, receiver, body, source) =>
          this.#lanes.push((node, now) => node.handleControl(peer, receiver, body, source, now)),
        onMoved: (peer, _receiver, source) => this.#lanes.push((node, now) => node.handleMoved(peer, source, now)),
        onWanted: peer => this.#lanes.push((node, now) => node.handleWanted(peer, now)),
        onLarge: peer => this.#lanes.push((node, now) => node.handleLarge(peer, now)),
        onSpoofed: (peer, source) => this.#lanes.push((node, now) => node.handleSpoofed(peer, source, now)),
        onNotice: notice => this.#handleNotice(notice),
        onGroupFrame: frame => this.#lanes.push((node, now) => node.handleGroupFrame(frame, now)),
        onHanded: (peer, bundle) => this.#lanes.push((node, now) => node.handleHanded(peer, bundle, now)),
      },
      { macSlots: MAC_SLOTS },
    )
    const config: NodeConfig = {
      identity,
      suite,
      entropy,
      chance,
      beat: new Beat(chance),
      incarnation: entropy.bytes(8),
      nickname: this.name,
      software: 'simulated',
      port: SIM_PORT,
      secrets: [secret],
      hasAes: this.number % 3 !== 0,
      range: RANGE,
      defaultSubnet: RANGE,
      blockPrefix: 26,
      isDiscovering: true,
      linksMax: 0,
      advertised: [endpointAt(this.number)],
      underlayBytes: 1500,
      sessionTotals: receiverIndex => this.plane.sessionTotals(receiverIndex),
      ...this.#gauge.config,
      ...this.#options.config,
    }
    watcher.log(this, `launch ${this.life}`)
    this.#node = this.#makeNode(config)
    this.input((node, now) => node.handlePlugged(this.#lost(node), this.strays, now))
    this.#remember()
    this.input((node, now) => {
      if (peers !== undefined) node.connect(peers.map(endpointAt), true, now)
      else if (doesFound && config.election === undefined && node.dialler.configured.length === 0) node.found(now)
    })
    this.#reconcile()
  }

  /** What may be lost comes behind the start, in pieces that are smaller than what one owner has. */
  #remember(): void {
    const entries = this.#read('').filter(([key]) => this.#cached.has(key))
    for (let at = 0; at < entries.length; at += PIECE_ENTRIES)
      this.input((node, now) => node.handleRemembered(entries.slice(at, at + PIECE_ENTRIES), now))
    this.input((node, now) => node.handleRemembered([], now))
  }

  #read(prefix: string): (readonly [string, Uint8Array])[] {
    return [...this.store].filter(([key]) => key.startsWith(prefix)).sort(([a], [b]) => (a < b ? -1 : 1))
  }

  /** A copy of all that the disk holds, as a backup or a cloned machine has it. */
  copyDisk(): SimDisk {
    return { store: new Map(this.store), cached: new Set(this.#cached) }
  }

  /** Puts such a copy in place of what the disk holds; none: an empty disk. The identity is kept elsewhere. */
  replaceDisk(disk?: SimDisk): void {
    assert(!this.isUp, `${this.name} is up`)
    this.store.clear()
    this.#cached.clear()
    for (const [key, value] of disk?.store ?? []) this.store.set(key, value)
    for (const key of disk?.cached ?? []) this.#cached.add(key)
  }

  /** What was written to be there sooner after a start, and need not be there, is lost. */
  loseCache(): void {
    assert(!this.isUp, `${this.name} is up`)
    for (const key of this.#cached) this.store.delete(key)
    this.#cached.clear()
  }

  /** The clock of this host goes on by so much at once, as that of one that slept. */
  jump(byMs: Millis): void {
    this.aheadMs += byMs
    this.input((node, now) => node.handleTimeout(now))
  }

  /** The process stops for so long, as by SIGSTOP: what comes meanwhile waits for it. */
  stall(forMs: Millis): void {
    const { life } = this
    this.#stalled = []
    this.#options.clock.after(forMs, () => {
      const waiting = this.#stalled ?? []
      this.#stalled = undefined
      if (this.life !== life || !this.isUp) return
      // Timers come first, as in a process that goes on.
      this.input((node, now) => node.handleTimeout(now))
      for (const go of waiting) go()
      this.#pump()
    })
  }

  /** True when it has to wait until the process goes on. */
  #mustWait(go: () => void): boolean {
    this.#stalled?.push(go)
    return this.#stalled !== undefined
  }

  /** The process ends without a word. `isSilent`: so does the kernel. */
  crash(isSilent: boolean): void {
    if (!this.isUp) return
    this.#options.watcher.log(this, isSilent ? 'power loss' : 'killed')
    this.#node = undefined
    this.outputsToLive = undefined
    this.writesToLive = undefined
    this.#lanes = []
    this.#alarm.cancel()
    this.#ends.clear()
    this.#dials.clear()
    // Attaching failed: the container that waited for its address never ran.
    for (const container of this.#requests.values()) this.containers.delete(container)
    this.#requests.clear()
    this.#options.network.endOf(this, isSilent)
  }

  /** Gives the node an input and carries out what it asks for, in order, as the daemon does. */
  input<T>(give: (node: Node, now: Millis) => T): T | undefined {
    const node = this.#node
    if (node === undefined) return undefined
    assert(!this.#isRunning, 'the node is not re-entrant')
    this.#isRunning = true
    try {
      const result = give(node, this.now)
      for (const output of this.#outputsOf(node)) {
        this.#carryOut(output)
        if (output.type === 'persist' && output.isCache !== true) this.#countWrite()
        const isCut = this.writesToLive !== undefined && this.writesToLive <= 0
        if (isCut || (this.outputsToLive !== undefined && --this.outputsToLive <= 0)) {
          this.#isRunning = false
          this.crash(isCut)
          return undefined
        }
      }
      return result
    } finally {
      this.#isRunning = false
      if (this.#node === node) {
        if (this.engine.hasHanded) this.#pumpSoon()
        this.#alarm.arm()
        this.#options.watcher.stepped(this)
      }
    }
  }

  #outputsOf(node: Node): readonly NodeOutput[] {
    const outputs: NodeOutput[] = []
    for (let output = node.pollOutput(); output !== undefined; output = node.pollOutput()) outputs.push(output)
    return this.isGrouped ? groupOutputs(outputs) : outputs
  }

  #countWrite(): void {
    this.writes++
    if (this.writesToLive !== undefined) this.writesToLive--
  }

  attach(id: string, form: AddressForm = { type: 'default' }): void {
    assert(this.isUp, `${this.name} is down`)
    const mac = 0x0200_0000_0000 + new ByteReader(this.#options.entropy.bytes(4)).u32()
    const container = new SimContainer(id, mac, frame => this.sendFrame(frame, container))
    this.containers.set(id, container)
    const request = `r${this.#nextRequest++}`
    this.#requests.set(request, id)
    this.input((node, now) => node.requestAddress(request, id, form, now))
  }

  /** The container ends; its lease too, at the latest when the daemon is back. */
  detach(id: string): void {
    if (!this.containers.delete(id)) return
    this.input((node, now) => node.freeAddresses(id, undefined, now))
  }

  /** As `LocalMacs` of the daemon does. */
  #handleNotice(notice: SwitchNotice): void {
    const isHere = (wanted: number) => [...this.containers.values()].some(({ mac }) => mac === wanted)
    if (notice.kind === 'duplicate-mac' && notice.keptAt === MAC_LOCAL && !isHere(notice.mac))
      this.plane.forgetMac(notice.mac)
    else this.#lanes.push((node, now) => node.handleNotice(notice, now))
  }

  isWaiting(container: string): boolean {
    return [...this.#requests.values()].includes(container)
  }

  handleAccepted(end: SimEnd, from: Endpoint): void {
    if (this.#mustWait(() => this.handleAccepted(end, from))) return
    const connection = this.input((node, now) => {
      const number = node.handleAccepted(from, now)
      end.connection = number
      this.#ends.set(number, end)
      return number
    })
    if (connection === undefined) this.#options.network.close(end)
  }

  handleStreamBytes(end: SimEnd, bytes: Uint8Array): void {
    if (this.#mustWait(() => this.handleStreamBytes(end, bytes))) return
    if (this.#ends.get(end.connection) !== end) return
    this.input((node, now) => node.handleBytes(end.connection, bytes, now))
    this.#pump()
  }

  handleStreamClosed(end: SimEnd): void {
    if (this.#mustWait(() => this.handleStreamClosed(end))) return
    if (this.#ends.get(end.connection) !== end) return
    this.#ends.delete(end.connection)
    this.input((node, now) => node.handleClosed(end.connection, now))
  }

  handleStreamBacklog(end: SimEnd, isBehind: boolean): void {
    if (this.#mustWait(() => this.handleStreamBacklog(end, isBehind))) return
    if (this.#ends.get(end.connection) !== end) return
    this.input((node, now) => node.handleBacklog(end.connection, isBehind, now))
  }

  handleDatagram(bytes: Uint8Array, from: EndpointParts): void {
    if (this.#mustWait(() => this.handleDatagram(bytes, from))) return
    this.#plane?.engine.receiveDatagram(bytes, from)
    this.#pump()
  }

  #carryOut(output: NodeOutput): void {
    const { network, clock, watcher } = this.#options
    switch (output.type) {
      case 'persist':
        this.#persist(output)
        return watcher.log(this, `persist ${output.puts.length}/${output.deletes.length}`)
      case 'resolve':
        return this.#resolve(output.contact)
      case 'dial':
        return this.#dial(output.connection, output.endpoint)
      case 'write': {
        const end = this.#ends.get(output.connection)
        if (end !== undefined) network.send(end, output.bytes)
        return
      }
      case 'close': {
        const end = this.#ends.get(output.connection)
        this.#ends.delete(output.connection)
        this.#dials.delete(output.connection)
        if (end !== undefined) network.close(end)
        return watcher.log(this, `close ${output.connection}`)
      }
      case 'established':
        return
      case 'check':
        return checkInSim(output.check, { host: this, clock, network })
      case 'engine':
        watcher.engineOp(this, output.op)
        return this.plane.order(output.op)
      case 'deliver':
        return this.plane.deliver(output.frame)
      case 'forwarding':
        return this.plane.changeTable(output.change)
      case 'allocated': {
        const id = this.#requests.get(output.id)
        this.#requests.delete(output.id)
        const container = id === undefined ? undefined : this.containers.get(id)
        if (container === undefined || output.cidrs[0] === undefined) return
        container.ip = output.cidrs[0].address
        return watcher.allocated(this, container.id, output.cidrs[0])
      }
      case 'refused': {
        const id = this.#requests.get(output.id)
        this.#requests.delete(output.id)
        if (id !== undefined) this.containers.delete(id)
        if (id !== undefined) watcher.refused?.(this, id, output.error)
        return watcher.log(this, `refused ${id ?? '?'}: ${output.error.code} ${output.error.message}`)
      }
      case 'log':
        return watcher.log(this, `${clock.now} ${output.line.event} ${JSON.stringify(output.line.fields)}`)
    }
  }

  /** The node on what the store holds. */
  #makeNode(config: NodeConfig): Node {
    const { features } = this.#options
    const isDurable = ([key]: readonly [string, Uint8Array]) => !this.#cached.has(key)
    const node = new Node(config, prefix => this.#read(prefix).filter(isDurable), this.now, features)
    const { neighbours } = node
    const send = neighbours.send.bind(neighbours)
    neighbours.send = (to, message, now) => {
      this.onSend?.(to, message)
      return send(to, message, now)
    }
    return node
  }

  /** What the node writes outlives the process. */
  #persist({ puts, deletes, isCache }: Pick<Persist, 'puts' | 'deletes' | 'isCache'>): void {
    for (const [key, value] of puts) {
      this.store.set(key, value.slice())
      if (isCache === true) this.#cached.add(key)
    }
    for (const key of deletes) this.store.delete(key)
  }

  #resolve(contact: string): void {
    const { life } = this
    this.#options.clock.after(RESOLVE_MS, () => {
      if (this.life !== life) return
      const endpoint = parseEndpoint(contact, SIM_PORT)
      this.input((node, now) => node.handleResolved(contact, endpoint === undefined ? 'no such name' : [endpoint], now))
    })
  }

  #dial(connection: number, endpoint: Endpoint): void {
    const { network, watcher } = this.#options
    const { life } = this
    this.#dials.add(connection)
    watcher.log(this, `dial ${connection} ${endpoint}`)
    const done = (result: SimEnd | string): void => {
      if (this.#mustWait(() => done(result))) return
      const isWanted = this.isUp && this.life === life && this.#dials.delete(connection)
      if (typeof result === 'string') {
        if (isWanted) this.input((node, now) => node.handleDialFailed(connection, result, now))
        return
      }
      if (!isWanted) return network.close(result)
      result.connection = connection
      this.#ends.set(connection, result)
      this.input((node, now) => node.handleDialled(connection, endpoint, now))
    }
    network.dial(this, endpoint, done)
  }

  /** What the lanes and their queues do, until they are empty. */
  #pump(): void {
    if (this.#isPumping || this.#plane === undefined || this.#stalled !== undefined) return
    this.#isPumping = true
    for (;;) {
      if (!this.isUp) break
      const didSwitch = this.#plane.pump(this.now)
      const calls = this.#lanes
      this.#lanes = []
      for (const call of calls) this.input(call)
      const frames = this.engine.takeTap()
      for (const frame of frames) for (const container of this.containers.values()) container.handleFrame(frame)
      if (!didSwitch && calls.length === 0 && frames.length === 0) break
    }
    this.#isPumping = false
  }

  /** The host's bridge: every port but the one that it came from sees the frame. */
  sendFrame(frame: Uint8Array, from?: SimContainer): void {
    for (const container of this.containers.values()) if (container !== from) container.handleFrame(frame)
    this.#plane?.engine.pushTap(frame)
    this.#pumpSoon()
  }

  /** What comes while the lanes run they see themselves: they look again. */
  #pumpSoon(): void {
    if (!this.#isPumping && this.isUp) this.#options.clock.after(0, () => this.isUp && this.#pump())
  }

  /** Leases of containers that are gone, or never came to be, end. */
  #reconcile(): void {
    const leases = this.#node?.addresses.ipam.leases(LEASE_HOLDER.attachment) ?? []
    for (const { container } of leases)
      if (!this.containers.has(container)) this.input((node, now) => node.freeAddresses(container, undefined, now))
  }

  /** What containers have that the store knows nothing of. */
  #lost(node: Node): Lease[] {
    return [...this.containers.values()].flatMap(({ id: container, ip }) => {
      if (ip === undefined || node.leasesOf(container).some(({ address }) => address === ip)) return []
      const { defaultSubnet } = node.config
      return [{ container, holder: LEASE_HOLDER.attachment, address: ip, prefix: defaultSubnet.prefix }]
    })
  }
}
