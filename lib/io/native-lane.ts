import type { EndpointParts } from '../address/mod.ts'
import { ROW, SEND, SWITCH_DROPS, type EngineLane, type SwitchDrop } from '../overlay/mod.ts'
import { nativeBinding, type NativeBinding } from './native-binding.ts'

const DROP_NUMBERS = Object.fromEntries(SWITCH_DROPS.map((reason, index) => [reason, index])) as Record<
  SwitchDrop,
  number
>

/** A lane of a native engine; belongs to the thread that makes it. */
export class NativeLane implements EngineLane {
  readonly slab: Uint8Array
  readonly rows: Int32Array
  readonly sends: Int32Array
  readonly ways: Int32Array
  readonly deliveries: Int32Array
  readonly rowsMax: number
  readonly sendsMax: number
  readonly #native: NativeBinding
  readonly #id: number

  /**
   * `watched`: the table that shortcuts depend on.
   * @throws Error when the engine is closed or has too many lanes
   */
  constructor(engineId: number, watched?: SharedArrayBuffer) {
    const native = nativeBinding()
    this.#native = native
    this.rowsMax = native.ROWS_MAX
    this.sendsMax = native.SENDS_MAX
    this.slab = new Uint8Array(native.SLAB_BYTES)
    this.rows = new Int32Array(native.ROWS_MAX * ROW.columns)
    this.sends = new Int32Array(native.SENDS_MAX * SEND.columns)
    this.ways = new Int32Array(native.WAYS_NUMBERS)
    this.deliveries = new Int32Array(native.ROWS_MAX)
    this.#id = native.openLane(engineId, this.slab, this.rows, this.sends, this.ways, this.deliveries)
    if (watched !== undefined) native.watch(this.#id, new Int32Array(watched))
  }

  close(): void {
    this.#native.closeLane(this.#id)
  }

  /** @throws Error when the TAP is gone */
  tapRead(): number {
    return this.#native.tapRead(this.#id)
  }

  udpRead(): number {
    return this.#native.udpRead(this.#id)
  }

  send(count: number): number {
    return this.#native.send(this.#id, count)
  }

  tapWrite(count: number): number {
    return this.#native.tapWrite(this.#id, count)
  }

  /** IPv4 is given as 4 bytes. Port 0: the row came from no datagram. */
  source(row: number): EndpointParts {
    const ip = new Uint8Array(16)
    const port = this.#native.source(this.#id, row, ip)
    return { ip: isMapped(ip) ? ip.slice(12) : ip, port }
  }

  wait(mask: number, timeoutMs: number): number {
    return this.#native.wait(this.#id, mask, timeoutMs)
  }

  countDrop(reason: SwitchDrop, count: number): void {
    this.#native.countDrop(this.#id, DROP_NUMBERS[reason], count)
  }

  countLocalMove(): void {
    this.#native.countLocalMove(this.#id)
  }

  addShortcut(...told: Parameters<EngineLane['addShortcut']>): void {
    this.#native.addShortcut(this.#id, ...told)
  }

  forgetShortcuts(): void {
    this.#native.forgetShortcuts(this.#id)
  }

  /** True once for datagrams that wait to be taken for a link (`NativeEngine.takeHanded`), until they are. */
  tellHanded(): boolean {
    return this.#native.tellHanded(this.#id)
  }

  /** Counts a control datagram that was opened and could not be handed on, as `drop:control-full`. */
  countControlFull(): void {
    this.#native.countControlFull(this.#id)
  }
}

function isMapped(ip: Uint8Array): boolean {
  for (let i = 0; i < 10; i++) if (ip[i] !== 0) return false
  return ip[10] === 0xff && ip[11] === 0xff
}
