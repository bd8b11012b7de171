import type { EndpointParts } from '../address/mod.ts'
import { WeaveError } from '../base/mod.ts'
import {
  BRIDGE_ADDRESSES_MAX,
  type BridgeAddress,
  type CipherName,
  type EngineControl,
  type EngineSession,
  type HandedDatagrams,
  type SessionTotals,
} from '../overlay/mod.ts'
import { nativeBinding, type EngineDescription, type NativeBinding } from './native-binding.ts'

/** Each can be switched off; what the kernel does not have is off by itself (see `NativeEngine.describe`). */
export interface OffloadOptions {
  /** Super-frames of TCP, and of UDP where the kernel has it, to and from the TAP. */
  readonly tapGso?: boolean
  /** Frames from the TAP may leave their transport checksum open. Off: `tapGso` is off too. */
  readonly checksum?: boolean
  /** Trains of datagrams by one send call (UDP_SEGMENT). */
  readonly udpGso?: boolean
  /** Trains of datagrams by one receive (UDP_GRO). */
  readonly udpGro?: boolean
}

export interface NativeEngineOptions {
  /** The TAP to make (at most 15 bytes). */
  readonly tapName?: string
  /** A descriptor in place of a TAP; the engine closes it. */
  readonly tapFd?: number
  /** `ip` undefined: every address, IPv6 and IPv4 where the host has both. Port 0: any that is free. */
  readonly udp: { readonly ip?: Uint8Array; readonly port: number }
  readonly offloads?: OffloadOptions
}

const CIPHER_NUMBERS: Record<CipherName, number> = { 'aes-256-gcm': 1, 'chacha20-poly1305': 2 }

/** The packet engine on the kernel: EngineControl, for the main thread. Lanes (`NativeLane`) attach by `id`. */
export class NativeEngine implements EngineControl {
  readonly id: number
  readonly #native: NativeBinding
  #isClosed = false

  /**
   * Opens the socket and the TAP.
   * @throws WeaveError PORT_IN_USE, NOT_ROOT, NO_TUN, INTERFACE_EXISTS, CONFIG_INVALID, MISSING_TOOL
   */
  constructor(options: NativeEngineOptions) {
    this.#native = nativeBinding()
    const { tapGso = true, checksum = true, udpGso = true, udpGro = true } = options.offloads ?? {}
    const { ip, port } = options.udp
    const tapName = options.tapName ?? ''
    try {
      this.id = this.#native.openEngine(
        tapName,
        options.tapFd ?? -1,
        ip ?? null,
        port,
        tapGso,
        tapGso,
        checksum,
        udpGso,
        udpGro,
      )
    } catch (thrown) {
      throw openFailure(thrown as NodeJS.ErrnoException, tapName, port)
    }
  }

  /** Name, port, and which offloads are on now. */
  describe(): EngineDescription {
    return this.#native.describeEngine(this.id)
  }

  /** Switches an offload at run time; false when the kernel refuses. */
  setOffload(name: keyof OffloadOptions, isOn: boolean): boolean {
    return this.#native.setOffload(this.id, name, isOn)
  }

  /** Ends the `wait` of every lane. */
  wake(): void {
    this.#native.wake(this.id)
  }

  /** The TAP and the socket go when the last lane has closed too. Safe to repeat. */
  close(): void {
    if (!this.#isClosed) this.#native.closeEngine(this.id)
    this.#isClosed = true
  }

  setSelf(shortId: Uint8Array): void {
    this.#native.setSelf(this.id, shortId)
  }

  setPeer(peerIndex: number, shortId: Uint8Array): void {
    this.#native.setPeer(this.id, peerIndex, shortId)
  }

  removePeer(peerIndex: number): void {
    this.#native.removePeer(this.id, peerIndex)
  }

  addSession(session: EngineSession): void {
    this.#native.addSession(
      this.id,
      session.peerIndex,
      session.receiverIndex,
      session.remoteIndex,
      CIPHER_NUMBERS[session.cipher],
      session.sendKey,
      session.receiveKey,
      session.firstCounter ?? 0,
    )
  }

  removeSession(receiverIndex: number): void {
    this.#native.removeSession(this.id, receiverIndex)
  }

  sealWith(peerIndex: number, receiverIndex: number): void {
    this.#native.sealWith(this.id, peerIndex, receiverIndex)
  }

  setEndpoint(peerIndex: number, endpoint: EndpointParts | undefined): void {
    this.#native.setEndpoint(this.id, peerIndex, endpoint?.ip ?? null, endpoint?.port ?? 0)
  }

  setPathBytes(peerIndex: number, bytes: number, isFound = false, hasTrains = true): void {
    this.#native.setPathBytes(this.id, peerIndex, bytes, isFound, hasTrains)
  }

  setJoining(peerIndex: number, isOn: boolean): void {
    this.#native.setJoining(this.id, peerIndex, Number(isOn))
  }

  setBridgeAddresses(addresses: readonly BridgeAddress[]): void {
    const packed = new Uint8Array(17 * Math.min(addresses.length, BRIDGE_ADDRESSES_MAX))
    addresses.slice(0, BRIDGE_ADDRESSES_MAX).forEach(({ ip, prefix }, at) => {
      const isIpv4 = ip.length === 4
      if (isIpv4) packed.set([0xff, 0xff], 17 * at + 10)
      packed.set(ip, 17 * at + (isIpv4 ? 12 : 0))
      packed[17 * at + 16] = prefix + (isIpv4 ? 96 : 0)
    })
    this.#native.setBridgeAddresses(this.id, packed)
  }

  /** Whether TCP connections learn, as they begin, which segments the path carries whole. */
  setClamping(isOn: boolean): void {
    this.#native.setClamping(this.id, isOn)
  }

  setVia(peerIndex: number, viaIndex: number): void {
    this.#native.setVia(this.id, peerIndex, viaIndex)
  }

  setSpare(peerIndex: number, spareIndex: number): void {
    this.#native.setSpare(this.id, peerIndex, spareIndex)
  }

  setOriginKeys(peerIndex: number, to: Uint8Array, from: Uint8Array): void {
    this.#native.setOriginKeys(this.id, peerIndex, to, from)
  }

  sendMeasured(peerIndex: number, body: Uint8Array, first: number, count: number, isRaw: boolean): number {
    return this.#native.sendMeasured(this.id, peerIndex, body, first, count, isRaw)
  }

  takeRaw(token: Uint8Array | undefined): void {
    this.#native.takeRaw(this.id, token ?? null)
  }

  sendControl(receiverIndex: number, body: Uint8Array, endpoint?: EndpointParts, copies = 1): boolean {
    return this.#native.sendControl(this.id, receiverIndex, body, endpoint?.ip ?? null, endpoint?.port ?? 0, copies)
  }

  injectDatagrams(peerIndex: number, bundle: Uint8Array): void {
    this.#native.injectDatagrams(this.id, peerIndex, bundle)
  }

  /** As `NativeLane.tellHanded`, for what this thread itself handed over. */
  tellHanded(): boolean {
    return this.#native.tellHandedHere(this.id)
  }

  takeHanded(): HandedDatagrams[] {
    const taken = this.#native.takeHanded(this.id)
    const handed: HandedDatagrams[] = []
    for (let at = 0; at + 1 < taken.length; at += 2)
      handed.push({ peerIndex: taken[at] as number, bundle: taken[at + 1] as Uint8Array })
    return handed
  }

  counters(): Record<string, number> {
    return this.#native.counters(this.id)
  }

  sessionTotals(receiverIndex: number): SessionTotals | undefined {
    const totals = this.#native.sessionTotals(this.id, receiverIndex)
    if (totals === undefined) return undefined
    const [sentDatagrams, sentBytes, receivedDatagrams, receivedBytes] = totals
    return { sentDatagrams, sentBytes, receivedDatagrams, receivedBytes }
  }
}

function openFailure(thrown: NodeJS.ErrnoException, tapName: string, port: number): WeaveError {
  const { code = '', message } = thrown
  const step = message.split(':', 1)[0] ?? ''
  if (step === 'bind') {
    if (code === 'EADDRINUSE') {
      return new WeaveError(
        'PORT_IN_USE',
        `UDP port ${port} is in use by another process`,
        'stop that process (ss -lunp shows it; a daemon of another state directory: weave-ts stop --state-dir DIRECTORY), or choose another port with --port',
      )
    }
    if (code === 'EACCES') {
      return new WeaveError(
        'NOT_ROOT',
        `UDP port ${port} is not allowed to this user`,
        'run as root, or choose a port above 1023',
      )
    }
    return new WeaveError(
      'CONFIG_INVALID',
      `cannot listen on UDP port ${port}: ${message} (${code})`,
      'give an address that this host has',
    )
  }
  if (step === 'open /dev/net/tun') {
    if (code === 'EACCES' || code === 'EPERM') {
      return new WeaveError('NOT_ROOT', `/dev/net/tun is not allowed to this user (${code})`, 'run as root')
    }
    return new WeaveError(
      'NO_TUN',
      `/dev/net/tun cannot be opened (${code})`,
      'load the module (modprobe tun); in a container, pass the device in (--device /dev/net/tun)',
    )
  }
  if (step === 'TUNSETIFF') {
    if (code === 'EPERM') {
      return new WeaveError(
        'NOT_ROOT',
        `making the interface ${tapName} is not allowed to this user`,
        'run as root (CAP_NET_ADMIN)',
      )
    }
    if (code === 'EBUSY' || code === 'EINVAL' || code === 'EEXIST') {
      return new WeaveError(
        'INTERFACE_EXISTS',
        `the interface ${tapName} exists already, in use or of another kind (${code})`,
        'launch this daemon with --device, --bridge and --port of its own, if another runs in this network namespace',
      )
    }
  }
  return new WeaveError(
    'INTERNAL',
    `the packet engine does not open: ${message} (${code})`,
    'report this with the output of uname -a',
  )
}
