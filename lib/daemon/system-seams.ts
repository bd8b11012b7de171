import { readFileSync } from 'node:fs'
import { networkInterfaces, uptime } from 'node:os'
import { ApiServer, MetricsServer } from '../api/mod.ts'
import { examineHost } from '../doctor/mod.ts'
import { DockerClient, DriverServer } from '../docker/mod.ts'
import {
  bridgeMonitor,
  firewallMonitor,
  hostEndMonitor,
  HostNetwork,
  networkPlace,
  preflight,
  showInterface,
} from '../host/mod.ts'
import {
  askerOf,
  CacheStore,
  ChildProcessRunner,
  DnsListener,
  DnsUpstream,
  LanePlane,
  NativeEngine,
  StateStore,
  acquireStateLock,
  freeBytes,
  listen,
  loadIdentity,
  monotonicMillis,
  nodeSuite,
  releaseMemory,
  resolvePeer,
  systemEntropy,
} from '../io/mod.ts'
import { DNS_PORT } from '../names/mod.ts'
import type { AssemblySeams, OpenEngine } from './assembly-seams.ts'
import type { DaemonConfig, OffloadName } from './config.ts'
import { linkSecrets } from './link-secrets.ts'
import { hasAesInstructions } from './processor.ts'
import { serveReaders } from './readers.ts'
import type { DerivedSettings } from './settings.ts'
import { checkNamespace, takeOver } from './take-over.ts'

/** The machine that the daemon runs on. */
export function systemSeams(): AssemblySeams {
  const runner = new ChildProcessRunner()
  return {
    now: monotonicMillis,
    suite: nodeSuite(),
    entropy: systemEntropy,
    chance: Math.random,
    hasAes: hasAesInstructions(),
    interfaces: networkInterfaces,
    lock: acquireStateLock,
    checkNamespace,
    takeOver,
    preflight: names => preflight(runner, names),
    examineHost: asked => examineHost(runner, asked),
    freeBytes,
    releaseMemory,
    openEngine,
    listen,
    loadIdentity: stateDir => loadIdentity(stateDir, { entropy: systemEntropy }),
    verifyStore: stateDir => StateStore.verify(stateDir),
    openStore: (stateDir, isVerified) => StateStore.open(stateDir, { isVerified }),
    openCache: (stateDir, isFresh) => CacheStore.open(stateDir, isFresh),
    secrets: linkSecrets,
    boot: () => ({ id: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(), uptimeS: uptime() }),
    networkPlace,
    isInterface: async name => (await showInterface(runner, name)) !== undefined,
    host: options => new HostNetwork({ ...options, runner, containers: DockerClient.fromEnvironment(process.env) }),
    watchFirewall: check => firewallMonitor(runner, check),
    watchBridge: (names, check) => bridgeMonitor(runner, names, check),
    watchHostEnds: check => hostEndMonitor(runner, check),
    docker: () => DockerClient.fromEnvironment(process.env),
    serveDriver: (path, handlers, onFault) => DriverServer.listen(path, handlers, onFault),
    listenDns: (endpoint, handle) => DnsListener.open(endpoint, handle),
    upstream: (file, isOwn) => new DnsUpstream({ file, port: DNS_PORT, isOwn }),
    resolve: resolvePeer,
    serve: (path, handlers, observers) => ApiServer.listen(path, handlers, observers),
    serveReaders,
    askerOf,
    serveMetrics: (endpoint, answers, onFault) => MetricsServer.listen(endpoint, answers, onFault),
  }
}

function randomU32(): number {
  return Buffer.from(systemEntropy.bytes(4)).readUInt32LE(0)
}

function openEngine(
  {
    port,
    device,
    disableOffload,
    lanes,
    clampMss,
    floodLimit,
    floodArp,
    floodMulticast,
    allowRa,
    allowDhcp,
  }: DaemonConfig,
  { ip }: DerivedSettings,
): OpenEngine {
  const isOn = (name: OffloadName) => !disableOffload.includes(name)
  const engine = new NativeEngine({
    tapName: device,
    udp: { ...(ip !== undefined && { ip }), port },
    offloads: {
      tapGso: isOn('tap-gso'),
      udpGso: isOn('udp-gso'),
      udpGro: isOn('udp-gro'),
      checksum: isOn('checksum'),
    },
  })
  engine.setClamping(clampMss)
  return {
    start: events =>
      new LanePlane(engine, events, {
        shape: lanes === 1 ? 'single' : 'split',
        macKey: [randomU32(), randomU32()],
        rules: {
          floodPerSecond: floodLimit,
          asksOwner: !floodArp,
          keepsGroups: !floodMulticast,
          allowsRouters: allowRa,
          allowsDhcpServers: allowDhcp,
        },
      }),
    close: () => engine.close(),
  }
}
