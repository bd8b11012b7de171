import { join } from 'node:path'
import type { Logger } from 'pino'
import { formatCidr, formatMac, type Mac } from '../address/mod.ts'
import { SOFTWARE_VERSION } from '../api/mod.ts'
import { errorText, type Millis } from '../base/mod.ts'
import { kernelHasIpv6, NetnsResolvConfs } from '../host/mod.ts'
import type { StateStore } from '../io/mod.ts'
import { ipv6PrefixOf, type Node } from '../node/mod.ts'
import type { DataPlane } from '../overlay/mod.ts'
import type { AssemblyHost, AssemblySeams } from './assembly-seams.ts'
import { AttachmentService } from './attachment-service.ts'
import { AttachmentRecords } from './attachment-records.ts'
import { Attachments } from './attachments.ts'
import { auditedTargets } from './audited-targets.ts'
import type { DaemonConfig } from './config.ts'
import { DRIVER_NAME } from './constants.ts'
import { ContainerAttachments } from './container-attachments.ts'
import { DiskRoom } from './disk-room.ts'
import { DoctorService } from './doctor-service.ts'
import { DockerService } from './docker-service.ts'
import { endpointAddresses } from './driver-containers.ts'
import { DriverRecords } from './driver-records.ts'
import { DriverService } from './driver-service.ts'
import { dnsServerOf } from './dns-server.ts'
import type { EventBook } from './event-book.ts'
import { EventsService } from './events-service.ts'
import { ExposureService } from './exposure-service.ts'
import { Exposures } from './exposures.ts'
import { FailedTurns } from './failed-turns.ts'
import { GraphService } from './graph-service.ts'
import { GroupsService } from './groups-service.ts'
import { HistoryService } from './history-service.ts'
import { HostService } from './host-service.ts'
import { writeInstance } from './instance.ts'
import { IpamService } from './ipam-service.ts'
import type { LaunchRecord } from './launch-record.ts'
import { LeanMemory } from './lean-memory.ts'
import { LostState } from './lost-state.ts'
import type { Memory } from './memory.ts'
import { MetricsService } from './metrics-service.ts'
import { Ipv6Plan } from './ipv6-plan.ts'
import { Ipv6Mending } from './ipv6-mending.ts'
import { MeshService } from './mesh-service.ts'
import { RemovalService } from './removal-service.ts'
import { NameBook } from './name-book.ts'
import { NamesService } from './names-service.ts'
import { NeighbourWords } from './neighbour-words.ts'
import type { NodeRunner } from './node-runner.ts'
import type { PeerTraffic } from './peer-traffic.ts'
import { PerfHistory } from './perf-history.ts'
import { PerfService } from './perf-service.ts'
import { ReadDoor } from './read-door.ts'
import { ReturningNamespaces } from './returning-namespaces.ts'
import { ResolvConfs } from './resolv-confs.ts'
import { wordsOf } from './remembered-launch.ts'
import { Services } from './services.ts'
import type { DerivedSettings } from './settings.ts'
import type { DataPlaneFacts } from './status/status.ts'
import { StatusService } from './status-service.ts'
import { Strays } from './strays.ts'
import { TopService } from './top-service.ts'
import { WaysService } from './ways-service.ts'
import { WhereaboutsService } from './whereabouts-service.ts'

/** What the services of a daemon stand on. */
export interface Ground {
  readonly seams: AssemblySeams
  readonly log: Pick<Logger, 'trace' | 'debug' | 'info' | 'warn' | 'error'>
  readonly host: AssemblyHost
  /** Of the bridge. */
  readonly mac: Mac
  /** Of the overlay, in bytes. */
  readonly mtu: number
  readonly isAdopted: boolean
  readonly firewall: Awaited<ReturnType<AssemblyHost['prepareBridge']>>['firewall']
  readonly node: Node
  readonly runner: NodeRunner
  readonly store: Pick<StateStore, 'range' | 'get' | 'write'>
  readonly memory: Memory
  readonly events: EventBook
  readonly record: LaunchRecord
  readonly startedAt: Millis
  readonly traffic: Pick<PeerTraffic, 'totals'>
  readonly plane: Pick<DataPlane, 'sample'>
  counts(): Pick<DataPlaneFacts, 'counters' | 'offloads' | 'refused'>
  /** To look at each costs more than all that is counted. */
  macs(now: Millis): DataPlaneFacts['macs']
  /** Called when the addresses of the bridge (CIDR form) have changed. */
  onBridgeAddresses(cidrs: readonly string[]): void
  onEnd(isLeaving: boolean): void
}

export interface DaemonServices {
  readonly services: Services
  readonly metrics: Pick<MetricsService, 'scrape' | 'watch' | 'isReady'>
  readonly readers: ReadDoor
}

/** All services, in the order in which they take their turns: a new subject is a line here. */
export function servicesOf(config: DaemonConfig, settings: DerivedSettings, parts: Ground): DaemonServices {
  const { seams, log, host, mac, mtu, isAdopted, firewall, node, runner, store, memory, record, startedAt, onEnd } =
    parts
  const book = new NameBook(settings.domain, runner)
  const ipv6 = new Ipv6Plan({ isWanted: config.ipv6, mtu, range: settings.range, prefix: () => ipv6PrefixOf(node) })
  const exposed = new Exposures({ host, runner, store, book, ipv6, range: settings.range })
  const exposures = new ExposureService({
    exposures: exposed,
    runner,
    mac: formatMac(mac),
    isForwarding: () => host.isForwarding(),
    log,
  })
  const dns = dnsServerOf(config, settings, { node, seams, exposed: () => exposed.all.map(({ cidr }) => cidr) })
  exposed.watch(() => void dns?.reconcile().then(() => resolvConfs.reconcile()))
  const records = new AttachmentRecords(store)
  const resolvConfs = new ResolvConfs({
    ...{ files: new NetnsResolvConfs(), records, log },
    servers: () => dns?.containerServers() ?? [],
    domain: settings.domain.name,
  })
  const driverRecords = new DriverRecords(store)
  const disconnects = (id: string) => driverRecords.disconnects(id)
  const attachments = new Attachments({
    ...{ host, runner, records, book, resolvConfs, ipv6, disconnects },
    range: settings.range,
  })
  const engineOfContainers = config.docker ? seams.docker() : undefined
  const driver = new DriverService({
    network: {
      ...{ host, runner, book, mtu, records: driverRecords },
      ipv6: { of: cidrs => (kernelHasIpv6() ? ipv6.of(cidrs) : []) },
      mesh: { range: settings.range, defaultSubnet: settings.defaultSubnet ?? settings.range },
      hash: (bytes, length) => seams.suite.hash(bytes, length),
    },
    ...{ runner, host },
    namesOf: key => (node.names.of(key)?.names ?? []).map(name => book.domain.full(name)),
    engine: engineOfContainers,
    containers: { host, runner, book, now: seams.now, log },
    socket: join(config.dockerPluginDir, `${DRIVER_NAME}.sock`),
    serve: (path, handlers) => seams.serveDriver(path, handlers, text => log.error({ event: 'driver-fault' }, text)),
  })
  const targetIds = () => new Set([...attachments.targetIds, ...driver.targetIds])
  const hostService = new HostService({
    host,
    overlay: { isAdopted, mtu, mac, ipv6Off: ipv6.off ?? null },
    targetIds,
    firewall,
    watch: check => seams.watchFirewall(check),
    watchBridge: names => seams.watchBridge(names, async () => services.reconcile()),
    log,
  })
  exposed.watch(() => void hostService.firewallChanged())
  exposed.watch(cidrs => parts.onBridgeAddresses([...cidrs, ...ipv6.of(cidrs)]))
  exposed.watch(cidrs => noteExposed(config, [...cidrs, ...ipv6.of(cidrs)], log))
  const { turns } = attachments
  const containers = new ContainerAttachments({ host, runner, records, turns, book, ipv6 })
  const returning = new ReturningNamespaces({ records, attachments: containers, store, boot: seams.boot, log })
  const strays = new Strays({
    ...{ host, runner, targetIds, log, range: settings.range },
    isBusy: id => turns.has(id),
    put: record => records.put(record),
    dockerAddresses: () => endpointAddresses(engineOfContainers),
  })
  const docker = new DockerService({
    ...{ engine: engineOfContainers, attachments: containers, now: seams.now, log },
    attach: (target, forms, options) => attachments.attach(target, forms, options),
  })
  const facts = {
    version: SOFTWARE_VERSION,
    pid: process.pid,
    stateDir: config.stateDir,
    startedAt,
    hasSecret: config.secret !== null,
    mtu,
  }
  const whereabouts = new WhereaboutsService({ domain: book.domain, runner })
  const readers = new ReadDoor({ stateDir: config.stateDir, group: config.group, seams, log })
  const others = [
    memory,
    readers,
    new EventsService(parts.events),
    new LostState(runner, record),
    new FailedTurns(() => services.failures),
    new LeanMemory(seams.releaseMemory),
    new DiskRoom({ stateDir: config.stateDir, freeBytes: seams.freeBytes, runner }),
    new MeshService({
      runner,
      port: config.port,
      hasSecret: facts.hasSecret,
      endpoints: settings.advertised,
      isEphemeral: config.ephemeral,
      options: wordsOf(config.remember),
      warnings: config.warnings,
      end: onEnd,
    }),
    hostService,
    exposures,
    returning,
    strays,
    new RemovalService(runner),
    new AttachmentService({
      ...{ attachments, resolvConfs, docker, returning, runner, log, domain: book.domain },
      ipv6: new Ipv6Mending({ host, records, turns, book, ipv6, log }),
      others: async () => [...(await exposures.list()), ...(await driver.list())],
      watch: check =>
        seams.watchHostEnds(() => {
          host.noteChange()
          return check()
        }),
    }),
    docker,
    driver,
    new NamesService({ book, runner, attachments, exposures: exposed, ttlSeconds: config.dnsTtl, server: dns }),
    whereabouts,
    new GroupsService(runner),
    new GraphService(runner, seams.now),
    new HistoryService({ runner, traffic: () => parts.traffic.totals(), now: seams.now }),
    new WaysService({ runner, peersAt: address => whereabouts.peersAt(address), now: seams.now }),
    new PerfService({
      ...{ runner, history: new PerfHistory(store), log },
      peersAt: address => whereabouts.peersAt(address),
    }),
    new TopService({ runner, plane: parts.plane, whereabouts }),
    new IpamService({
      runner,
      look: () =>
        auditedTargets({
          ...{ host, records, driverRecords, ipv6, range: settings.range },
          exposed: () => ({ cidrs: exposed.all.map(({ cidr }) => cidr), ipv6: exposed.ipv6 }),
          isKept: id => returning.keeps(id) || docker.stateOf(id, false).state === 'stopped',
        }),
      isBusy: id => turns.has(id),
      isOfMesh: text => ipv6.isOfMesh(text),
    }),
  ]
  const status = new StatusService({
    runner,
    facts,
    plane: now => ({ ...parts.counts(), macs: parts.macs(now) }),
    others,
    now: seams.now,
  })
  const metrics = new MetricsService({
    runner,
    status: () => status.current(),
    plane: () => parts.counts(),
    traffic: () => parts.traffic.totals(),
    targetIds: () => attachments.targetIds,
    now: seams.now,
  })
  const doctor = new DoctorService({
    ...{ runner, others },
    report: () => status.detailed(),
    firewall: () => hostService.firewall,
    words: new NeighbourWords({ runner, now: seams.now }),
    examine: () =>
      seams.examineHost({
        bridge: config.bridge,
        device: config.device,
        range: formatCidr(settings.range),
        port: config.port,
        mayAdoptBridge: isAdopted || config.adoptBridge,
        stateDir: config.stateDir,
      }),
  })
  const services: Services = new Services(
    [...others, status, metrics, doctor],
    (service, error) => log.error({ event: 'service', service, error: errorText(error) }, 'could not do its part'),
    all => host.look(all),
  )
  return { services, metrics, readers }
}

/** For a `reset` without a daemon. */
function noteExposed(
  { stateDir, bridge, device }: DaemonConfig,
  exposed: readonly string[],
  log: Pick<Logger, 'warn'>,
): void {
  try {
    writeInstance(stateDir, { bridge, device, exposed: [...exposed] })
  } catch (error) {
    log.warn({ event: 'instance', error: errorText(error) }, 'a reset without a daemon would leave addresses')
  }
}
