import type { Socket } from 'node:net'
import type { NetworkInterfaceInfo } from 'node:os'
import type { Endpoint } from '../address/mod.ts'
import type { ApiObservers, ApiServer, CallHandlers, MetricsAnswers, MetricsServer } from '../api/mod.ts'
import type { Chance, Entropy, Millis } from '../base/mod.ts'
import type { CryptoSuite } from '../crypto/mod.ts'
import type { HostFacts, HostQuestion } from '../doctor/mod.ts'
import type { DriverHandlers, DriverServer } from '../docker/mod.ts'
import type { HostNames, HostNetwork, HostNetworkOptions, Monitor, NetworkPlace } from '../host/mod.ts'
import type {
  Asker,
  CacheStore,
  DnsHandler,
  DnsListener,
  DnsUpstream,
  LinkServer,
  LinkSocket,
  ListenOptions,
  LoadedIdentity,
  Resolution,
  StateLock,
  StateStore,
} from '../io/mod.ts'
import type { DataPlane, DataPlaneEvents } from '../overlay/mod.ts'
import type { LinkSecret } from '../peer/mod.ts'
import type { DaemonConfig } from './config.ts'
import type { DockerEngine } from './docker-service.ts'
import type { NetworkEngine } from './driver-containers.ts'
import type { DerivedSettings } from './settings.ts'

export type CacheSeam = Pick<CacheStore, 'restore' | 'handleTimeout' | 'pollTimeout' | 'write' | 'skip' | 'close'>

/** What an assembly takes from the machine; `systemSeams` is the real one, tests bring doubles. */
export interface AssemblySeams {
  readonly now: () => Millis
  readonly suite: CryptoSuite
  readonly entropy: Entropy
  readonly chance: Chance
  readonly hasAes: boolean
  interfaces(): Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>
  lock(stateDir: string): StateLock
  /** Fails when the daemon that has a state directory runs in another network namespace than this one. */
  checkNamespace(stateDir: string): void
  /** Asks the daemon that has a state directory to stop, and returns when it has let go of it. None is no error. */
  takeOver(stateDir: string): Promise<void>
  /** Fails where the host cannot carry the overlay. */
  preflight(names: HostNames): Promise<void>
  /** How this host is now. */
  examineHost(asked: HostQuestion): Promise<HostFacts>
  /** Of the file system of a path, for a user process; NaN when the system does not tell. */
  freeBytes(path: string): number
  /** Gives memory back that is not needed now. */
  releaseMemory(): void
  openEngine(config: DaemonConfig, settings: DerivedSettings): OpenEngine
  listen(options: ListenOptions, onConnection: (socket: LinkSocket) => void): Promise<LinkServer>
  loadIdentity(stateDir: string): LoadedIdentity
  /** What the store holds; fails when it cannot be used. A daemon may have it open. */
  verifyStore(stateDir: string): readonly (readonly [string, Uint8Array])[]
  /** `isVerified`: a moment ago. */
  openStore(
    stateDir: string,
    isVerified: boolean,
  ): Pick<StateStore, 'notices' | 'isNew' | 'fullness' | 'tend' | 'range' | 'get' | 'write' | 'close'>
  /** What could be learnt from others again. `isFresh`: what is there belongs to a state that is gone. */
  openCache(stateDir: string, isFresh: boolean): CacheSeam
  secrets(config: DaemonConfig): Promise<readonly LinkSecret[]>
  isInterface(name: string): Promise<boolean>
  host(options: Omit<HostNetworkOptions, 'runner' | 'containers'>): AssemblyHost
  /** The boot of the host that this is, and how long ago it was. */
  boot(): { readonly id: string; readonly uptimeS: number }
  /** Where this process has its interfaces. */
  networkPlace(): NetworkPlace | undefined
  /** What hears of changes of the firewall, and then calls. */
  watchFirewall(check: () => Promise<void>): Pick<Monitor, 'isListening' | 'set'>
  /** What hears of host ends that vanish, and then calls. */
  watchBridge(names: readonly string[], check: () => Promise<void>): Pick<Monitor, 'set'>
  watchHostEnds(check: () => Promise<void>): Pick<Monitor, 'set'>
  /** The container engine of this machine, there or not. */
  docker(): DockerEngine & NetworkEngine
  /** Serves Docker's networks. */
  serveDriver(
    path: string,
    handlers: DriverHandlers,
    onFault: (text: string) => void,
  ): Promise<Pick<DriverServer, 'close'>>
  listenDns(endpoint: Endpoint, handle: DnsHandler): Promise<Pick<DnsListener, 'close'>>
  /** `file`: as resolv.conf; what `isOwn` names is never asked. */
  upstream(file: string, isOwn: (address: string) => boolean): Pick<DnsUpstream, 'ask' | 'servers' | 'stop'>
  resolve(contact: string, defaultPort: number): Promise<Resolution>
  serve(path: string, handlers: CallHandlers, observers: ApiObservers): Promise<Pick<ApiServer, 'close'>>
  /**
   * Answers the members of a group who may only look. Returns where.
   * @throws WeaveError CONFIG_INVALID, STATE_UNSAFE, STATE_IO
   */
  serveReaders(
    stateDir: string,
    group: string,
    handlers: CallHandlers,
    observers: ApiObservers,
  ): Promise<{ readonly path: string; close(): Promise<void> }>
  /** Who is at the other end of a Unix socket. */
  askerOf(socket: Socket): Asker | undefined
  serveMetrics(
    endpoint: Endpoint,
    answers: MetricsAnswers,
    onFault: (text: string) => void,
  ): Promise<Pick<MetricsServer, 'close'>>
}

export type AssemblyHost = Pick<
  HostNetwork,
  | 'bridge'
  | 'tap'
  | 'prepareBridge'
  | 'plugTap'
  | 'look'
  | 'noteChange'
  | 'mend'
  | 'reconcileFirewall'
  | 'isPlugged'
  | 'resolve'
  | 'list'
  | 'inspect'
  | 'attach'
  | 'detach'
  | 'expose'
  | 'hide'
  | 'exposed'
  | 'isForwarding'
  | 'routeInto'
  | 'unplug'
  | 'makePair'
  | 'adoptPair'
  | 'inspectPair'
  | 'removePair'
  | 'remove'
>

/** The packet engine with its device and socket, before anything moves. */
export interface OpenEngine {
  start(events: DataPlaneEvents): DataPlane
  close(): void
}
