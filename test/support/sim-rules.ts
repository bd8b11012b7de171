import { formatIpv4, type Cidr, type Ipv4 } from '../../lib/address/mod.ts'
import { toHex, utf8, type WeaveError } from '../../lib/base/mod.ts'
import type { EngineOp } from '../../lib/overlay/mod.ts'
import { DATAGRAM_HEADER_BYTES } from '../../lib/wire/mod.ts'
import { SimClock } from './sim-clock.ts'
import { SIM_MARKER } from './sim-container.ts'
import type { SimMeshOptions } from './sim-host-maker.ts'
import type { SimHost, SimWatcher } from './sim-host.ts'
import { SimLog } from './sim-log.ts'
import type { SimSite } from './sim-stream.ts'

const DROP_REASONS_MAX = 64
/** Counting what a peer holds is dear: only every so many steps. A prime, so that every host has its turn. */
const STEPS_PER_LIMIT_CHECK = 17
/** A host and a life of it are one number below 2^21, which with a 32-bit index is exact. */
const LIVES_MAX = 2_000
const MARKER = Buffer.from(SIM_MARKER)
const HOST_NAME = Buffer.from(utf8('simulated'))

/** A living container was given an address that another one has. */
export interface Clash {
  readonly address: Ipv4
  readonly host: SimHost
  readonly other: SimHost
}

/** What must never be. */
export class SimViolation extends Error {
  override readonly name = 'SimViolation'
}

/**
 * Hosts on virtual time, of a mesh of `peers`, and what must never be, checked with everything that one of them does: no
 * address for two containers, no key and counter twice, no clear text on the underlay, nothing above its limit.
 */
export abstract class SimRules implements SimWatcher {
  readonly seed: number
  readonly clock = new SimClock()
  readonly events: SimLog
  abstract readonly hosts: readonly SimHost[]
  readonly #options: SimMeshOptions
  /** `mesh address` that living containers were told, and which: one, but for what is excused. */
  readonly #holders = new Map<string, ReadonlySet<string>>()
  readonly #sendKeys = new Set<string>()
  /** Per host, life and remote index: the counter that was sent last. */
  readonly #counters = new Map<number, number>()
  #steps = 0

  constructor(options: SimMeshOptions) {
    this.#options = options
    this.seed = options.seed
    this.events = new SimLog(options.isLogged ?? true)
  }

  fail(text: string): never {
    throw new SimViolation(`seed ${this.seed}, ${this.clock.now} ms: ${text}`)
  }

  log(host: SimHost, text: string): void {
    this.events.write(() => `${this.clock.now} ${host.name} ${text}`)
  }

  engineOp(host: SimHost, op: EngineOp): void {
    if (op.op === 'send-control') return
    if (this.events.isOn)
      this.log(host, op.op === 'add-session' ? `add-session ${op.session.receiverIndex}` : JSON.stringify(op))
    if (op.op !== 'add-session') return
    const key = toHex(op.session.sendKey)
    if (this.#sendKeys.has(key)) this.fail(`${host.name} seals with a key that was used before`)
    this.#sendKeys.add(key)
  }

  allocated(host: SimHost, container: string, cidr: Cidr): void {
    this.log(host, `allocated ${container} ${formatIpv4(cidr.address)}`)
    const { isExcused } = this.#options
    const address = `${toHex(host.node.meshId!)} ${formatIpv4(cidr.address)}`
    const holders = this.#holders.get(address) ?? new Set()
    for (const holder of holders) {
      const other = this.hosts.find(({ containers }) => containers.has(holder))
      if (holder === container || other === undefined) continue
      if (isExcused?.({ address: cidr.address, host, other }) === true) continue
      this.fail(
        `${formatIpv4(cidr.address)} is held by ${holder} on ${other.name}, and by ${container} on ${host.name}`,
      )
    }
    this.#holders.set(address, new Set([...holders, container]))
  }

  /** The container is gone: its addresses may be given to another one. */
  protected detached(host: SimHost, id: string): void {
    for (const [address, holders] of this.#holders) {
      if (!holders.has(id)) continue
      const left = new Set([...holders].filter(holder => holder !== id))
      if (left.size === 0) this.#holders.delete(address)
      else this.#holders.set(address, left)
    }
    this.log(host, `detach ${id}`)
  }

  refused(host: SimHost, container: string, error: WeaveError): void {
    this.#options.onRefused?.(host, container, error)
  }

  stepped(host: SimHost): void {
    const { node } = host
    for (const container of host.containers.values()) {
      if (container.ip === undefined) continue
      if (!node.leasesOf(container.id).some(cidr => cidr.address === container.ip))
        this.fail(`${host.name} lost the lease of ${container.id} for ${formatIpv4(container.ip)}`)
    }
    if (++this.#steps % STEPS_PER_LIMIT_CHECK !== 0) return
    const count = this.#options.peers
    const limits: [string, number, number][] = [
      ['neighbours', node.neighbours.count, count],
      ['connections', node.neighbours.connections.length, 4 * count + 8],
      ['contacts', node.dialler.contacts.length, 2 * count + 8],
      ['drop reasons', node.drops.size, DROP_REASONS_MAX],
    ]
    for (const [what, value, limit] of limits)
      if (value > limit) this.fail(`${host.name} has ${value} ${what}, at most ${limit} are due`)
  }

  /** Bytes that cross the underlay, those of a datagram or of a stream. */
  protected sent(from: SimSite, bytes: Uint8Array, isDatagram: boolean): void {
    const isSealed = this.#options.sealing !== 'none'
    this.events.write(() => `${this.clock.now} ${from.number} ${isDatagram ? 'udp' : 'tcp'} ${bytes.length}`)
    if (isDatagram) {
      const view = new DataView(bytes.buffer, bytes.byteOffset, DATAGRAM_HEADER_BYTES)
      const key = (from.number * LIVES_MAX + from.life) * 2 ** 32 + view.getUint32(4, true)
      const counter = view.getUint32(12, true) * 2 ** 32 + view.getUint32(8, true)
      if (counter <= (this.#counters.get(key) ?? -1)) this.fail(`${from.number} sealed twice with counter ${counter}`)
      this.#counters.set(key, counter)
    }
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    if (isSealed && isDatagram && buffer.includes(MARKER)) this.fail('a frame crossed the underlay in clear')
    if (isSealed && !isDatagram && buffer.includes(HOST_NAME)) this.fail('a hello crossed the underlay in clear')
  }
}
