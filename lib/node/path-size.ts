import { endpointParts, type Endpoint, type EndpointParts } from '../address/mod.ts'
import type { Chance, Millis } from '../base/mod.ts'
import { PATH_BYTES_BASE, PathMtu, SIZE_REST_MS, type PathMtuPhase } from '../overlay/mod.ts'
import {
  BUNDLE_BYTES_MAX,
  BUNDLE_PREFIX_BYTES,
  FRAME_OVERHEAD_BYTES,
  OVERHEAD_RELAY_BYTES,
  encodeProbe,
} from '../wire/mod.ts'
import { PROBE_INTERVAL_MS, SIZE_PROBES_OUTSTANDING_MAX } from './constants.ts'
import { PathProbes } from './path-probes.ts'

const IPV4_HEADER_BYTES = 20
const IPV6_HEADER_BYTES = 40
const UDP_HEADER_BYTES = 8

/** What a path carries, for `status`. */
export interface PathSizeReport {
  /** The largest packet of the underlay, in bytes. */
  readonly mtu: number
  /** The largest packet of a container that goes in one datagram, in bytes. */
  readonly carries: number
  /** `complete` also while it is tried whether the path carries more by now. */
  readonly phase: PathMtuPhase
}

export type PathSizeOutput =
  /** `endpoint` undefined: to where the peer's frames go. */
  | {
      readonly type: 'probe'
      readonly body: Uint8Array
      readonly endpoint: EndpointParts | undefined
      readonly copies: number
    }
  | { readonly type: 'bytes'; readonly bytes: number; readonly isFound: boolean; readonly hasTrains: boolean }
  | { readonly type: 'note'; readonly text: string }

/**
 * The size of the path to one peer: turns what `PathMtu` wants into probes to the path's endpoint, or through the relay,
 * and knows their answers. `begin` for each new path, `end` when it is gone; drain `pollOutput` after every call.
 */
export class PathSize {
  readonly #mtu = new PathMtu()
  readonly #underlayBytes: number
  readonly #probes: PathProbes<{ readonly bytes: number; readonly isTrain: boolean }>
  readonly #outputs: PathSizeOutput[] = []
  #endpoint: Endpoint | undefined
  #headerBytes = 0
  /** Of a datagram, while frames go over the link. */
  #linkBytes: number | undefined
  #lookedAt: Millis = 0
  #told: { readonly bytes: number; readonly isFound: boolean; readonly hasTrains: boolean } | undefined
  #noted = 0

  /** @param underlayBytes the largest packet of the underlay that is of use. */
  constructor({ chance, underlayBytes }: { readonly chance: Chance; readonly underlayBytes: number }) {
    this.#probes = new PathProbes(chance, SIZE_PROBES_OUTSTANDING_MAX)
    this.#underlayBytes = underlayBytes
  }

  get report(): PathSizeReport {
    const { bytes, isFound, phase } = this.#now
    const shown = isFound ? 'complete' : phase
    return { mtu: bytes + this.#headerBytes, carries: bytes - FRAME_OVERHEAD_BYTES, phase: shown }
  }

  /** A path is proved; `endpoint` undefined: through a relay, over whichever family. */
  begin(endpoint: Endpoint | undefined, rttMs: number, now: Millis): void {
    this.end()
    this.#told = undefined
    const lessBytes = endpoint === undefined ? OVERHEAD_RELAY_BYTES : 0
    this.#endpoint = endpoint
    this.#headerBytes = lessBytes + UDP_HEADER_BYTES + headerBytesOf(endpoint)
    this.#mtu.start(this.#underlayBytes - this.#headerBytes, lessBytes, now, SIZE_REST_MS)
    this.#mtu.setRoundTrip(rttMs)
    this.#changed()
    this.#drain(now)
  }

  /** Frames go over the control link, which carries what the best path would: nothing is searched. */
  beginLink(): void {
    this.end()
    this.#told = undefined
    this.#headerBytes = UDP_HEADER_BYTES + IPV6_HEADER_BYTES
    this.#linkBytes = Math.min(this.#underlayBytes - this.#headerBytes, LINK_DATAGRAM_BYTES_MAX)
    this.#changed()
  }

  end(): void {
    this.#linkBytes = undefined
    this.#probes.clear()
    this.#mtu.stop()
  }

  /** Frames that a smaller path would lose go to the peer. */
  handleLarge(now: Millis): void {
    this.#mtu.handleLarge(now)
    this.#drain(now)
  }

  /** Frames of whatever length go to and fro: they are a cause to look, too, but not as often. */
  handleTraffic(now: Millis): void {
    if (now - this.#lookedAt < PROBE_INTERVAL_MS) return
    this.#lookedAt = now
    this.handleLarge(now)
  }

  /** The way answers again, which did not for a while. */
  handleBack(now: Millis): void {
    this.#mtu.handleBack(now)
    this.#drain(now)
  }

  /** False when the token is of no probe of this. */
  handleReply(token: number, now: Millis): boolean {
    const probe = this.#probes.take(token)
    if (probe === undefined) return false
    this.#mtu.setRoundTrip(now - probe.sentAt)
    this.#mtu.handleAnswer(probe.bytes, now, probe.isTrain)
    this.#drain(now)
    return true
  }

  handleTimeout(now: Millis): void {
    this.#mtu.handleTimeout(now)
    this.#drain(now)
  }

  pollOutput(): PathSizeOutput | undefined {
    return this.#outputs.shift()
  }

  pollTimeout(): { at: Millis; reason: string } | undefined {
    return this.#mtu.pollTimeout()
  }

  #drain(now: Millis): void {
    let hasChanged = false
    for (let output = this.#mtu.pollOutput(); output !== undefined; output = this.#mtu.pollOutput()) {
      if (output.type === 'probe') this.#probe(output.bytes, output.isTrain, now)
      else hasChanged = true
    }
    if (hasChanged) this.#changed()
  }

  #probe(bytes: number, isTrain: boolean, now: Millis): void {
    const token = this.#probes.add({ bytes, isTrain }, now)
    const endpoint = this.#endpoint === undefined ? undefined : endpointParts(this.#endpoint)
    this.#outputs.push({ type: 'probe', body: encodeProbe(token, bytes), endpoint, copies: isTrain ? 2 : 1 })
  }

  get #now(): Pick<PathMtu, 'bytes' | 'isFound' | 'hasTrains' | 'phase'> {
    if (this.#linkBytes === undefined) return this.#mtu
    return { bytes: this.#linkBytes, isFound: true, hasTrains: false, phase: 'complete' }
  }

  #changed(): void {
    const { bytes, isFound, hasTrains } = this.#now
    if (this.#told?.bytes === bytes && this.#told.isFound === isFound && this.#told.hasTrains === hasTrains) return
    this.#told = { bytes, isFound, hasTrains }
    this.#outputs.push({ type: 'bytes', bytes, isFound, hasTrains })
    if (!isFound || bytes === this.#noted) return
    const { mtu, carries } = this.report
    // That a path is as wide as can be of use is no news, unless it was not.
    if (this.#noted !== 0 || mtu < this.#underlayBytes)
      this.#outputs.push({ type: 'note', text: `path MTU ${mtu}: packets up to ${carries} bytes go whole` })
    this.#noted = bytes
  }
}

/** UDP payload of the datagrams that carry the largest packets of containers; 0 without a path. */
export function datagramBytesOf(size: PathSizeReport | undefined): number {
  return size === undefined ? 0 : size.carries + FRAME_OVERHEAD_BYTES
}

/** The largest datagram that goes over a link: a relay may wrap it, and it must fit a bundle. */
const LINK_DATAGRAM_BYTES_MAX = BUNDLE_BYTES_MAX - BUNDLE_PREFIX_BYTES - OVERHEAD_RELAY_BYTES

/** The largest datagram that goes by before a path to the peer is proved, whichever it will be. */
export const UNPROVED_PATH_BYTES = PATH_BYTES_BASE - OVERHEAD_RELAY_BYTES

function headerBytesOf(endpoint: Endpoint | undefined): number {
  return endpoint !== undefined && endpointParts(endpoint).ip.length === 4 ? IPV4_HEADER_BYTES : IPV6_HEADER_BYTES
}
