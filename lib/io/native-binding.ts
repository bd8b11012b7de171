import { createRequire } from 'node:module'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { errorText, WeaveError } from '../base/mod.ts'
import type { EngineLane } from '../overlay/mod.ts'

/** What the addon in native/ exports. Engines and lanes go by numbers, so that worker threads can share an engine. */
export interface NativeBinding {
  readonly SLAB_BYTES: number
  readonly ROWS_MAX: number
  /** The same as the switch's. */
  readonly LARGE_FRAME_BYTES: number
  readonly SENDS_MAX: number
  readonly WAYS_NUMBERS: number
  /** Throws an Error whose `code` is an errno name and whose message begins with the step that failed. */
  openEngine(
    tapName: string,
    tapFd: number,
    address: Uint8Array | null,
    port: number,
    tapGso: boolean,
    tapUso: boolean,
    checksum: boolean,
    udpGso: boolean,
    udpGro: boolean,
  ): number
  closeEngine(engine: number): void
  describeEngine(engine: number): EngineDescription
  setSelf(engine: number, shortId: Uint8Array): void
  setPeer(engine: number, peerIndex: number, shortId: Uint8Array): void
  removePeer(engine: number, peerIndex: number): void
  addSession(
    engine: number,
    peerIndex: number,
    receiverIndex: number,
    remoteIndex: number,
    cipher: number,
    sendKey: Uint8Array,
    receiveKey: Uint8Array,
    firstCounter: number,
  ): void
  removeSession(engine: number, receiverIndex: number): void
  sealWith(engine: number, peerIndex: number, receiverIndex: number): void
  setEndpoint(engine: number, peerIndex: number, ip: Uint8Array | null, port: number): void
  setPathBytes(engine: number, peerIndex: number, bytes: number, isFound: boolean, hasTrains: boolean): void
  setJoining(engine: number, peerIndex: number, isOn: number): void
  setBridgeAddresses(engine: number, packed: Uint8Array): void
  setClamping(engine: number, isOn: boolean): void
  setVia(engine: number, peerIndex: number, viaIndex: number): void
  setSpare(engine: number, peerIndex: number, spareIndex: number): void
  setOriginKeys(engine: number, peerIndex: number, to: Uint8Array, from: Uint8Array): void
  sendControl(
    engine: number,
    receiverIndex: number,
    body: Uint8Array,
    ip: Uint8Array | null,
    port: number,
    copies: number,
  ): boolean
  sendMeasured(
    engine: number,
    peerIndex: number,
    body: Uint8Array,
    first: number,
    count: number,
    isRaw: boolean,
  ): number
  takeRaw(engine: number, token: Uint8Array | null): void
  injectDatagrams(engine: number, peerIndex: number, bundle: Uint8Array): boolean
  tellHandedHere(engine: number): boolean
  takeHanded(engine: number): (number | Uint8Array)[]
  counters(engine: number): Record<string, number>
  sessionTotals(engine: number, receiverIndex: number): [number, number, number, number] | undefined
  wake(engine: number): void
  setOffload(engine: number, name: string, isOn: boolean): boolean
  /** A stand-in for a TAP. `bytes`: of its buffer, which refuses what is longer. */
  socketPair(bytes?: number): [number, number]
  /** pid, uid and gid of the process at the other end of a Unix socket. */
  peerCredentials(descriptor: number): [number, number, number] | undefined
  /** Gives memory back that is not needed; of how many bytes of files it let go. */
  releaseMemory(): number
  openLane(
    engine: number,
    slab: Uint8Array,
    rows: Int32Array,
    sends: Int32Array,
    ways: Int32Array,
    deliveries: Int32Array,
  ): number
  closeLane(lane: number): void
  tapRead(lane: number): number
  udpRead(lane: number): number
  send(lane: number, count: number): number
  tapWrite(lane: number, count: number): number
  source(lane: number, row: number, ip: Uint8Array): number
  wait(lane: number, mask: number, timeoutMs: number): number
  countDrop(lane: number, drop: number, count: number): void
  countControlFull(lane: number): void
  countLocalMove(lane: number): void
  tellHanded(lane: number): boolean
  /** The lane keeps the array. Once. */
  watch(lane: number, words: Int32Array): void
  addShortcut(lane: number, ...told: Parameters<EngineLane['addShortcut']>): void
  forgetShortcuts(lane: number): void
  /** A reassembler by itself: for tests. */
  makeReassembler(): unknown
  reassemble(reassembler: unknown, peer: number, plaintext: Uint8Array, now: number): Reassembled
}

/** What came of one piece: the whole frame if it was the last, frames that were given up, and what is waited for. */
export interface Reassembled {
  readonly whole: Uint8Array | null
  readonly expired: number
  readonly full: number
  readonly malformed: number
  readonly frames: number
  readonly bytes: number
}

/** What an engine is, and which offloads are on. */
export interface EngineDescription {
  /** Empty when a descriptor was given in place of a TAP. */
  readonly tapName: string
  readonly port: number
  /** 6: dual stack. */
  readonly family: 4 | 6
  readonly checksum: boolean
  readonly tapGso: boolean
  readonly tapUso: boolean
  readonly udpGso: boolean
  readonly udpGro: boolean
  /** Flows wait in several queues. */
  readonly tapQueues: boolean
  /** Expedited datagrams wait in a socket of their own. */
  readonly udpClasses: boolean
  /** `untested`: the loopback device was down. */
  readonly udpSelfTest: 'passed' | 'failed' | 'untested'
  readonly tapSelfTest: 'passed' | 'failed' | 'untested'
}

const FILE = `prebuilds/${process.platform}-${process.arch}/engine.node`
// From lib/io in the sources, and from build/lib/io when compiled (or another build directory).
const ROOTS = ['../../', '../../../']

let loaded: NativeBinding | undefined

/**
 * Loads the packet engine's addon. `WEAVE_TS_ENGINE` names another file (the sanitizer build).
 * @throws WeaveError MISSING_TOOL when it is not built for this platform or cannot be loaded
 */
export function nativeBinding(): NativeBinding {
  if (loaded !== undefined) return loaded
  const named = process.env['WEAVE_TS_ENGINE']
  const candidates =
    named !== undefined && named !== ''
      ? [named]
      : ROOTS.map(root => fileURLToPath(new URL(root + FILE, import.meta.url)))
  const path = candidates.find(candidate => existsSync(candidate))
  if (path === undefined) {
    throw new WeaveError(
      'MISSING_TOOL',
      `the packet engine is not built for ${process.platform}-${process.arch}: looked for ${candidates.join(' and ')}`,
      'run make build (needs a C++ compiler), or install a package that has the engine for this platform',
    )
  }
  try {
    loaded = createRequire(import.meta.url)(path) as NativeBinding
  } catch (thrown) {
    throw new WeaveError(
      'MISSING_TOOL',
      `the packet engine ${path} does not load: ${errorText(thrown)}`,
      'run make build on this machine',
    )
  }
  return loaded
}
