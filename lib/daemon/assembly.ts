import { join } from 'node:path'
import type { Logger } from 'pino'
import { API_SOCKET } from '../api/mod.ts'
import { adviceText, errorText } from '../base/mod.ts'
import { wideAdvice } from '../doctor/mod.ts'
import { configuredMtu } from '../host/mod.ts'
import type { LinkSocket } from '../io/mod.ts'
import { MESH_KEY, Node } from '../node/mod.ts'
import type { AssemblyHost, AssemblySeams } from './assembly-seams.ts'
import { bridgeAddressesOf } from './bridge-addresses.ts'
import { setUpBridge } from './bridge-set-up.ts'
import type { DaemonConfig } from './config.ts'
import type { EventBook } from './event-book.ts'
import { timedGauge } from './gauge-timer.ts'
import { writeInstance } from './instance.ts'
import { LaunchRecord } from './launch-record.ts'
import { lostText } from './lost-state.ts'
import { Memory } from './memory.ts'
import { nodeConfigOf } from './node-config.ts'
import { LocalMacs } from './local-macs.ts'
import { NodeRunner } from './node-runner.ts'
import { openMetrics } from './metrics-door.ts'
import { PeerTraffic } from './peer-traffic.ts'
import { servicesOf } from './daemon-services.ts'
import { noteAsked } from './asked.ts'
import { makeReady } from './replacement.ts'
import type { Services } from './services.ts'
import { marksOf } from './trust.ts'
import { derivedSettingsOf } from './settings.ts'
import { summaryOf } from './status/summary.ts'
import { UndoStack } from './undo.ts'

export interface Surroundings {
  readonly seams: AssemblySeams
  readonly log: Pick<Logger, 'trace' | 'debug' | 'info' | 'warn' | 'error'>
  readonly events: EventBook
  /** What is done now. */
  onStep(step: string): void
  /** Called before the daemon that is to be replaced is asked to stop. */
  onTakingOver(): Promise<void>
  /** The node or the data plane cannot go on: the daemon must end. */
  onFatal(thrown: unknown): void
  /** Somebody asked for the end; `isLeaving`: for good, with all that was made on the host. */
  onEnd(isLeaving: boolean): void
}

/** A daemon that is up. */
export interface Assembly {
  readonly services: Services
  /** How it does, in a line. */
  summary(): string
  /** What the operator should read of how it came up. */
  readonly notes: readonly string[]
  /** Says goodbye and lets go of everything but what is attached; of that, too, when it leaves for good. */
  close(isLeaving: boolean): Promise<void>
}

/**
 * Puts the node, the data plane, the host, the services and the API together, each complete before the next. A failure
 * at any step is a WeaveError or a fault of ours, and leaves nothing behind that was not there before.
 */
export async function assemble(config: DaemonConfig, surroundings: Surroundings): Promise<Assembly> {
  const undo = new UndoStack()
  const unwind = () =>
    undo.unwind((what, error) =>
      surroundings.log.warn({ event: 'unwind', what, error: errorText(error) }, 'while ending'),
    )
  try {
    return await open(config, surroundings, undo, unwind)
  } catch (error) {
    await unwind()
    throw error
  }
}

async function open(
  config: DaemonConfig,
  surroundings: Surroundings,
  undo: UndoStack,
  unwind: () => Promise<void>,
): Promise<Assembly> {
  const { seams, log, onStep, onFatal, onEnd } = surroundings
  const startedAt = seams.now()
  const settings = derivedSettingsOf(config, seams.interfaces())
  const names = {
    bridge: config.bridge,
    tap: config.device,
    range: settings.range,
    mayAdoptBridge: config.adoptBridge,
  }
  if (config.mtu !== null) configuredMtu(config.mtu)
  let removal: AssemblyHost | undefined
  const onNew = (host: AssemblyHost) => (removal = host)
  const { peerAddresses } = settings
  const { isReplacing } = config
  const early = isReplacing ? await makeReady(config, { names, settings, onNew }, surroundings) : undefined
  const lock = early?.lock ?? seams.lock(config.stateDir)
  undo.push('lock', () => lock.release())
  if (early !== undefined) undo.push('cache', () => early.cache.close())
  if (early === undefined) {
    onStep('looking at the host')
    await seams.preflight(names)
  }
  // The engine holds the device: what is on the host goes after it.
  undo.push('host', () => removal?.remove())
  // Opened before anything is stored: a port in use is the likeliest failure.
  const engine = seams.openEngine(config, settings)
  undo.push('engine', () => engine.close())
  // Connections that come before the node exists are closed: their peers try again.
  let accept = (socket: LinkSocket) => socket.close('not ready')
  const { host: listenHost, port } = config
  const server = await seams.listen({ ...(listenHost !== null && { host: listenHost }), port }, socket =>
    accept(socket),
  )
  undo.push('link server', () => server.close())
  const metricsDoor = await openMetrics(settings.metrics, seams, log)
  undo.push('metrics', () => metricsDoor.close())
  onStep(early === undefined ? 'verifying the state store' : 'opening the state store')
  const loaded = early?.loaded ?? seams.loadIdentity(config.stateDir)
  const store = seams.openStore(config.stateDir, early !== undefined)
  undo.push('store', () => store.close())
  const record = new LaunchRecord(config, store.isNew, {
    isSameHost: loaded.origin === 'loaded',
    hasMesh: store.get(MESH_KEY) !== undefined,
  })
  const cache = early?.cache ?? seams.openCache(config.stateDir, store.isNew)
  if (early === undefined) undo.push('cache', () => cache.close())
  if (config.secret !== null && early === undefined) onStep('stretching the mesh secret')
  const secrets = early?.secrets ?? (await seams.secrets(config))
  if (early === undefined) onStep('setting up the bridge')
  const network = seams.networkPlace()
  writeInstance(config.stateDir, { bridge: config.bridge, device: config.device, ...(network && { network }) })
  const { identity, mac, host, mtu, underlay, isAdopted, firewall } =
    early?.setUp ?? (await setUpBridge(config, { seams, names, peerAddresses, onNew, seed: loaded.identity.seed }))
  await host.plugTap()
  const node = new Node(
    nodeConfigOf({ ...config, mesh: record.invitedTo }, settings, {
      seams,
      identity,
      secrets,
      mtu,
      plane: () => plane,
      gauge: timedGauge(() => plane),
    }),
    prefix => store.range(prefix),
    seams.now(),
  )
  const traffic = new PeerTraffic(() => plane)
  const runner = new NodeRunner(node, {
    now: seams.now,
    persist: (puts, deletes) => store.write(puts, deletes),
    // What must last has the room that is left.
    remember: (puts, deletes) => (store.fullness === undefined ? cache.write(puts, deletes) : cache.skip()),
    store,
    resolve: contact => seams.resolve(contact, config.port),
    engine: op => {
      traffic.note(op)
      plane.order(op)
    },
    forwarding: change => plane.changeTable(change),
    deliver: frame => plane.deliver(frame),
    log: line => log[line.level]({ event: line.event, ...line.fields }, line.event),
    fatal: onFatal,
  })
  undo.push('node', () => runner.stop())
  const localMacs = new LocalMacs({
    plane: () => plane,
    isPlugged: it => host.isPlugged(it),
    pass: notice => void runner.input((it, now) => it.handleNotice(notice, now)),
    nowSeconds: () => Math.floor(seams.now() / 1000),
  })
  const plane = engine.start({
    onControl: (peer, receiver, body, source) =>
      void runner.input((it, now) => it.handleControl(peer, receiver, body, source, now)),
    onMoved: (peer, _receiver, source) => void runner.input((it, now) => it.handleMoved(peer, source, now)),
    onWanted: peer => void runner.input((it, now) => it.handleWanted(peer, now)),
    onLarge: peer => void runner.input((it, now) => it.handleLarge(peer, now)),
    onSpoofed: (peer, source) => void runner.input((it, now) => it.handleSpoofed(peer, source, now)),
    onNotice: notice => localMacs.handle(notice),
    onGroupFrame: frame => void runner.input((it, now) => it.handleGroupFrame(frame, now)),
    onHanded: (peer, bundle) => void runner.input((it, now) => it.handleHanded(peer, bundle, now)),
    onFailure: message => onFatal(new Error(`a packet lane ended: ${message}`)),
  })
  undo.push('data plane', () => plane.stop())
  const launchNotices = record.keep(marksOf(secrets))
  const memory = new Memory({ cache, runner, now: seams.now, log })
  memory.start().catch(onFatal)
  begin(runner, config, record.lost)
  if (record.lost !== undefined) log.error({ event: 'state-lost' }, lostText(record.lost, config.mesh !== null))
  const { services, metrics, readers } = servicesOf(config, settings, {
    ...{ seams, log, host, mac, mtu, isAdopted, firewall, node, runner, store, memory, record, startedAt, onEnd },
    ...{ traffic, plane },
    counts: () => ({ offloads: plane.offloads(), counters: plane.counters(), refused: server.refused }),
    macs: now => plane.macs(Math.floor(now / 1000)),
    events: surroundings.events,
    onBridgeAddresses: cidrs => plane.order({ op: 'set-bridge-addresses', addresses: bridgeAddressesOf(cidrs) }),
  })
  let isLeavingForGood = false
  undo.push('services', () => services.stop(isLeavingForGood))
  onStep('looking at what is attached')
  await services.reconcile()
  accept = socket => runner.accept(socket)
  const observers = { onFault: (text: string) => log.error({ event: 'api-fault' }, text), events: surroundings.events }
  const api = await seams.serve(join(config.stateDir, API_SOCKET), services.calls, {
    ...observers,
    onAsked: (call, request, socket) => noteAsked({ call, request, asker: seams.askerOf(socket) }, log),
  })
  undo.push('api', () => api.close())
  await readers.open(services.calls, observers)
  metricsDoor.answerBy(metrics)
  // It stands: from now on only `reset` takes it off the host.
  removal = undefined
  log.info({ event: 'ready', peer: identity.peerId, nickname: config.nickname, port: config.port }, 'ready')
  return {
    services,
    summary: () => summaryOf(runner.report()),
    notes: [
      ...lock.notices,
      ...loaded.notices,
      ...store.notices,
      ...launchNotices,
      ...[wideAdvice(mtu, underlay) ?? []].flat().map(adviceText),
      ...metricsDoor.notices,
      ...readers.warnings(),
    ],
    close: isLeaving => {
      isLeavingForGood = isLeaving
      if (isLeaving) removal = host
      return unwind()
    },
  }
}

/** Joins, founds, waits for the mesh that was lost or that it was invited to, leaves it to `--ipalloc-init` who does, or goes on. */
function begin(
  runner: NodeRunner,
  { peers, ipallocInit, ephemeral, mesh }: Pick<DaemonConfig, 'peers' | 'ipallocInit' | 'ephemeral' | 'mesh'>,
  lost: LaunchRecord['lost'],
): void {
  const isFirst = !runner.report().contacts.some(contact => contact.origin === 'configured')
  runner.input((node, now) => {
    if (peers !== null) node.connect(peers, true, now)
    else if (!isFirst) return
    else if (lost !== undefined) node.connect(lost.contacts, false, now)
    else if (ipallocInit === null && mesh === null && !ephemeral) node.found(now)
  })
}
