import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import type { Logger } from 'pino'
import {
  endpointOf,
  formatMac,
  hasHostBits,
  localMac,
  parseCidr,
  parseEndpoint,
  shortPeerId,
  parseIp,
  subnetOf,
  formatCidr,
  type Cidr,
  type Endpoint,
} from '../address/mod.ts'
import { ApiServer, type ApiHandlers, type AttachOrder, type Attachment } from '../api/mod.ts'
import { WeaveError, errorText, type LogLine } from '../base/mod.ts'
import { identityOf } from '../crypto/mod.ts'
import { DockerClient } from '../docker/mod.ts'
import { HostNetwork, configuredMtu, preflight, showLink } from '../host/mod.ts'
import {
  ChildProcessRunner,
  PSK_BYTES,
  PSK_HINT_BYTES,
  LanePlane,
  NativeEngine,
  StateStore,
  acquireStateLock,
  listen,
  loadIdentity,
  monotonicMillis,
  systemEntropy,
  nodeSuite,
  parsePeerName,
  pskHint,
  resolvePeer,
  stretchSecret,
  type LinkServer,
  type StateLock,
} from '../io/mod.ts'
import { BLOCK_PREFIX_DEFAULT } from '../ipam/mod.ts'
import { Node, type NodeConfig } from '../node/mod.ts'
import type { DataPlane } from '../overlay/mod.ts'
import type { LinkSecret } from '../peer/mod.ts'
import { OVERHEAD_IPV6_BYTES, OVERHEAD_RELAY_BYTES } from '../wire/mod.ts'
import { Attachments } from './attachments.ts'
import type { DaemonConfig } from './config.ts'
import { NODE_PREFIXES, RECONCILE_INTERVAL_MS } from './constants.ts'
import { NodeRunner } from './node-runner.ts'
import { explained, reportOf, statusOf, type DaemonFacts } from './status.ts'
import { writeInstance } from './instance.ts'
import { hasAesInstructions } from './processor.ts'
import { SOFTWARE_VERSION } from './version.ts'

const suite = nodeSuite()

const OPEN_MESH_WARNING =
  'no mesh secret was given: traffic is encrypted and peers are authenticated by their keys, but any stranger who reaches ' +
  'this port may join; launch all peers with --password-file to close the mesh (see `weave-ts keygen`)'

/**
 * One running daemon: puts the node, the packet engine, the host and the API together, in an order in which a failure at
 * any step leaves nothing behind that was not there before.
 */
export class Daemon implements ApiHandlers {
  readonly #config: DaemonConfig
  readonly #log: Logger
  readonly #startedAt = monotonicMillis()
  readonly #undo: (() => Promise<void> | void)[] = []
  readonly #onEnd: (status: number) => void
  #runner!: NodeRunner
  #host!: HostNetwork
  #engine!: NativeEngine
  #plane!: DataPlane
  #attachments!: Attachments
  #store!: StateStore
  #facts!: DaemonFacts
  #firewallWarnings: readonly string[] = []
  /** Connections refused before the node heard of them: too many from one source, or too many strangers. */
  #refused: LinkServer['refused'] = { strangers: 0, rate: 0 }
  #reconcileTimer: NodeJS.Timeout | undefined
  #starting: Promise<void> = Promise.resolve()
  #isEnding = false
  #isLeaving = false
  #hasMadeBridge = false

  constructor(config: DaemonConfig, log: Logger, onEnd: (status: number) => void) {
    this.#config = config
    this.#log = log
    this.#onEnd = onEnd
  }

  /**
   * Comes up and returns what the operator should read; or fails with a WeaveError after it has taken back what it did to
   * the host. `onStep` is told what is done now.
   */
  async start(onStep: (step: string) => void): Promise<readonly string[]> {
    const starting = this.#start(onStep)
    this.#starting = starting.then(
      () => undefined,
      () => undefined,
    )
    try {
      return await starting
    } catch (error) {
      await this.#unwind()
      if (this.#hasMadeBridge) await this.#removeFromHost()
      throw error
    }
  }

  async #start(onStep: (step: string) => void): Promise<readonly string[]> {
    const config = this.#config
    const { range, defaultSubnet } = rangeOf(config)
    for (const peer of config.peers ?? []) parsePeerName(peer, config.port)
    const advertised = advertisedEndpoints(config)
    const lock: StateLock = acquireStateLock(config.stateDir)
    this.#undo.push(() => lock.release())
    onStep('looking at the host')
    const runner = new ChildProcessRunner()
    await preflight(runner, config.bridge, range)
    if (config.mtu !== null) configuredMtu(config.mtu)
    // Opened before anything is stored: a port in use is the likeliest failure.
    this.#openEngine()
    const server = await this.#listen()
    onStep('verifying the state store')
    const loaded = loadIdentity(config.stateDir, { entropy: systemEntropy })
    this.#store = StateStore.open(config.stateDir)
    this.#undo.push(() => this.#store.close())
    const identity = identityOf(suite, loaded.identity.seed)
    const mac = localMac(suite.hash(new TextEncoder().encode(`weave-ts bridge ${identity.peerId}`), 6))
    this.#host = new HostNetwork({
      runner,
      containers: DockerClient.fromEnvironment(process.env),
      mac,
      range,
      bridge: config.bridge,
      tap: config.device,
      ...(config.mtu !== null && { mtu: config.mtu }),
    })
    if (config.secret !== null) onStep('stretching the mesh secret')
    const secrets = await linkSecrets(config)
    onStep('setting up the bridge')
    writeInstance(config.stateDir, { bridge: config.bridge, device: config.device })
    this.#hasMadeBridge = (await showLink(runner, config.bridge)) === undefined
    const { mtu, firewall } = await this.#host.prepareBridge(await this.#literalPeers())
    await this.#host.plugTap()
    this.#facts = {
      version: SOFTWARE_VERSION,
      stateDir: config.stateDir,
      startedAt: this.#startedAt,
      hasSecret: config.secret !== null,
      bridge: config.bridge,
      device: config.device,
      mtu,
      mac: formatMac(mac),
      warnings: [...config.warnings, ...(config.secret === null ? [OPEN_MESH_WARNING] : [])],
    }
    this.#firewallWarnings = firewall.warnings
    this.#makeNode({
      identity,
      suite,
      entropy: systemEntropy,
      chance: Math.random,
      incarnation: systemEntropy.bytes(8),
      nickname: config.nickname,
      software: SOFTWARE_VERSION,
      port: config.port,
      secrets,
      hasAes: hasAesInstructions(),
      range,
      defaultSubnet,
      blockPrefix: Math.max(BLOCK_PREFIX_DEFAULT, range.prefix),
      isDiscovering: config.discovery,
      linksMax: config.connLimit,
      advertised,
      underlayBytes: mtu + OVERHEAD_IPV6_BYTES + OVERHEAD_RELAY_BYTES,
      sessionTotals: receiverIndex => this.#plane.sessionTotals(receiverIndex),
    })
    this.#startLanes()
    this.#runner.start()
    this.#begin()
    this.#attachments = new Attachments({ host: this.#host, runner: this.#runner, store: this.#store })
    onStep('looking at what is attached')
    await this.#reconcile()
    this.#undo.push(() => clearTimeout(this.#reconcileTimer))
    server.accept = socket => this.#runner.accept(socket)
    const api = new ApiServer(join(config.stateDir, 'api.sock'), this, text =>
      this.#log.error({ event: 'api-fault' }, text),
    )
    await api.listen()
    this.#undo.push(() => api.close())
    this.#log.info({ event: 'ready', peer: identity.peerId, nickname: config.nickname, port: config.port }, 'ready')
    return [...loaded.notices, ...this.#store.notices]
  }

  /** Ends: says goodbye, stops the lanes, lets go of everything but what is attached. */
  async shutdown(status: number): Promise<void> {
    if (this.#isEnding) return
    this.#isEnding = true
    // A signal may come while the start is under way: what it is about to make could not be taken back yet.
    await this.#starting
    await this.#unwind()
    if (this.#isLeaving) await this.#removeFromHost()
    this.#log.info({ event: 'stopped', status }, 'stopped')
    this.#onEnd(status)
  }

  status() {
    return statusOf(this.#runner.node, this.#currentFacts(), monotonicMillis())
  }

  report() {
    const now = monotonicMillis()
    const engine = {
      offloads: this.#plane.offloads(),
      counters: this.#plane.counters(),
      macs: this.#plane.macs(Math.floor(now / 1000)),
    }
    const report = reportOf(this.#runner.node, this.#currentFacts(), engine, now)
    const refused = Object.entries(this.#refused).filter(([, count]) => count > 0)
    for (const [reason, count] of refused) report.drops[`link-refused-${reason}`] = count
    return report
  }

  connect(targets: readonly string[], replace: boolean): string[] {
    for (const target of targets) parsePeerName(target, this.#config.port)
    const list = this.#runner.input((node, now) => node.connect(targets, replace, now))
    if (list === undefined)
      throw new WeaveError('BAD_PEER', 'too many targets', 'forget some that are no longer needed')
    return list
  }

  forget(targets: readonly string[]): string[] {
    return this.#runner.input((node, now) => node.forgetTargets(targets, now)) ?? []
  }

  attach(order: AttachOrder, signal: AbortSignal): Promise<string[]> {
    const { target, addresses, multicastRoute } = order
    return this.#attachments
      .attach(target, addresses, { multicastRoute, signal })
      .catch((error: unknown) => Promise.reject(explained(error, this.#runner.node)))
  }

  detach(target: string, addresses: readonly string[]): Promise<string[]> {
    return this.#attachments.detach(target, addresses)
  }

  ps(): Promise<Attachment[]> {
    return this.#attachments.list()
  }

  finish(): void {
    void this.shutdown(0)
  }

  async leave(): Promise<string[]> {
    const notes = this.#handOn()
    // The packet engine holds the device: what is on the host goes once the engine is closed.
    this.#isLeaving = true
    return notes
  }

  /** Hands the address blocks on to a peer that can be reached. */
  #handOn(): string[] {
    const owned = this.#runner.node.addresses
      .report()
      .perPeer.find(owner => owner.peer === this.#runner.node.config.identity.peerId)
    const outcome = this.#runner.input((node, now) => node.leave(now))
    if (outcome !== undefined) return [`${outcome.blocks} address blocks were handed to ${shortPeerId(outcome.heir)}`]
    if (owned === undefined || owned.blocks === 0 || this.#runner.node.view.peers.next().done === true) return []
    return [`no peer could be reached: ${owned.blocks} address blocks stay with this peer, which is gone`]
  }

  #currentFacts(): DaemonFacts {
    return { ...this.#facts, warnings: [...this.#facts.warnings, ...this.#firewallWarnings] }
  }

  #openEngine(): void {
    const { host, port, device, disableOffloads } = this.#config
    const ip = host === null ? undefined : parseIp(host)
    if (host !== null && ip === undefined)
      throw new WeaveError('CONFIG_INVALID', `--host ${host} is not an IP address`, 'give an address of this host')
    const isOn = (name: DaemonConfig['disableOffloads'][number]) => !disableOffloads.includes(name)
    this.#engine = new NativeEngine({
      tapName: device,
      udp: { ...(ip !== undefined && { ip }), port },
      offloads: {
        tapGso: isOn('tap-gso'),
        udpGso: isOn('udp-gso'),
        udpGro: isOn('udp-gro'),
        checksum: isOn('checksum'),
      },
    })
    this.#undo.push(() => this.#engine.close())
  }

  /** Connections that come before the node exists are closed: their peers try again. */
  async #listen(): Promise<{ accept: (socket: Parameters<NodeRunner['accept']>[0]) => void }> {
    const gate: { accept: (socket: Parameters<NodeRunner['accept']>[0]) => void } = {
      accept: socket => socket.close('not ready'),
    }
    const { host, port } = this.#config
    const server: LinkServer = await listen({ ...(host !== null && { host }), port }, socket => gate.accept(socket))
    this.#refused = server.refused
    this.#undo.push(() => server.close())
    return gate
  }

  #makeNode(config: NodeConfig): void {
    const stored = NODE_PREFIXES.flatMap(prefix => this.#store.range(prefix))
    const node = new Node(config, stored, monotonicMillis())
    this.#runner = new NodeRunner(node, {
      now: monotonicMillis,
      persist: (puts, deletes) => this.#store.write(puts, deletes),
      resolve: target => resolvePeer(target, this.#config.port),
      engine: op => this.#plane.order(op),
      forwarding: table => this.#plane.setTable(table),
      log: line => this.#write(line),
      fatal: thrown => this.#fatal(thrown),
    })
    this.#undo.push(() => this.#runner.stop())
  }

  #startLanes(): void {
    this.#plane = new LanePlane(
      this.#engine,
      {
        onControl: (peer, receiver, body, source) =>
          this.#runner.input((node, now) => node.handleControl(peer, receiver, body, source, now)),
        onMoved: (peer, _receiver, source) => this.#runner.input((node, now) => node.handleMoved(peer, source, now)),
        onWanted: peer => this.#runner.input((node, now) => node.handleWanted(peer, now)),
        onFailure: message => this.#fatal(new Error(`a packet lane ended: ${message}`)),
      },
      {
        shape: this.#config.lanes === 1 ? 'single' : 'split',
        duplicateSeed: Buffer.from(systemEntropy.bytes(4)).readUInt32LE(0),
      },
    )
    this.#undo.push(() => this.#plane.stop())
  }

  /** Joins, founds, or goes on. */
  #begin(): void {
    const { peers } = this.#config
    this.#runner.input((node, now) => {
      if (peers !== null) node.connect(peers, true, now)
      else if (node.dialler.configured.length === 0) node.found(now)
    })
  }

  async #reconcile(): Promise<void> {
    try {
      const mended = await this.#host.mend(this.#attachments.targetIds)
      if (mended.length > 0)
        this.#log.warn({ event: 'host-mended', what: mended.join(', ') }, 'was removed by somebody, and is put back')
      const gone = await this.#attachments.reconcile()
      for (const id of gone)
        this.#log.info({ event: 'attachment-gone', id }, 'its interface is gone; its addresses rest')
      const firewall = await this.#host.reconcileFirewall()
      this.#firewallWarnings = firewall.warnings
    } catch (error) {
      this.#log.warn({ event: 'reconcile', error: errorText(error) }, 'the host could not be looked at')
    }
    if (!this.#isEnding) this.#reconcileTimer = setTimeout(() => void this.#reconcile(), RECONCILE_INTERVAL_MS)
  }

  /** Addresses among the peers named: the routes to them tell which MTU the underlay has. */
  async #literalPeers(): Promise<string[]> {
    const hosts = (this.#config.peers ?? []).map(peer => parsePeerName(peer, this.#config.port).host)
    return hosts.filter(host => parseIp(host) !== undefined)
  }

  #write(line: LogLine): void {
    this.#log[line.level]({ event: line.event, ...line.fields }, line.event)
  }

  #fatal(thrown: unknown): void {
    this.#log.fatal({ event: 'fatal', error: thrown instanceof Error ? thrown.stack : String(thrown) }, 'cannot go on')
    void this.shutdown(thrown instanceof WeaveError ? thrown.exitStatus : 70)
  }

  async #removeFromHost(): Promise<void> {
    try {
      await this.#host.remove()
    } catch (error) {
      this.#log.error({ event: 'remove', error: errorText(error) }, 'not everything could be removed from the host')
    }
  }

  async #unwind(): Promise<void> {
    for (let undo = this.#undo.pop(); undo !== undefined; undo = this.#undo.pop()) {
      try {
        await undo()
      } catch (error) {
        this.#log.warn({ event: 'unwind', error: errorText(error) }, 'while ending')
      }
    }
  }
}

/** The secret to dial with first; an open mesh has zeros. */
async function linkSecrets(config: DaemonConfig): Promise<LinkSecret[]> {
  if (config.secret === null) return [{ psk: new Uint8Array(PSK_BYTES), hint: new Uint8Array(PSK_HINT_BYTES) }]
  const texts = [config.secret, ...(config.otherSecret === null ? [] : [config.otherSecret])]
  const psks = await Promise.all(texts.map(stretchSecret))
  return psks.map(psk => ({ psk, hint: pskHint(psk) }))
}

function rangeOf(config: DaemonConfig): { range: Cidr; defaultSubnet: Cidr } {
  const range = cidrOption('--ipalloc-range', config.ipallocRange)
  const subnet = config.ipallocDefaultSubnet
  return { range, defaultSubnet: subnet === null ? range : cidrOption('--ipalloc-default-subnet', subnet) }
}

function cidrOption(name: string, text: string): Cidr {
  const cidr = parseCidr(text)
  if (cidr === undefined)
    throw new WeaveError('CONFIG_INVALID', `${name} ${text} is not a CIDR`, 'write it as in 10.32.0.0/12')
  if (hasHostBits(cidr))
    throw new WeaveError('CONFIG_INVALID', `${name} ${text} has host bits set`, `write ${formatCidr(subnetOf(cidr))}`)
  return cidr
}

/** What the operator advertises, else the addresses of this host's interfaces. */
function advertisedEndpoints(config: DaemonConfig): Endpoint[] {
  if (config.advertise.length > 0)
    return config.advertise.map(text => {
      const endpoint = parseEndpoint(text, config.port)
      if (endpoint !== undefined) return endpoint
      throw new WeaveError('CONFIG_INVALID', `--advertise ${text} is not an address`, 'write IP or IP:PORT')
    })
  if (config.host !== null) return [parseEndpoint(config.host, config.port)].filter(endpoint => endpoint !== undefined)
  return Object.entries(networkInterfaces())
    .filter(([name]) => name !== config.bridge && name !== config.device && !name.startsWith('docker'))
    .flatMap(([, addresses]) => addresses ?? [])
    .filter(address => !address.internal && !address.address.startsWith('fe80:'))
    .flatMap(address => {
      const ip = parseIp(address.address)
      return ip === undefined ? [] : [endpointOf(ip, config.port)]
    })
    .slice(0, 16)
}
