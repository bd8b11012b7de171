import assert from 'node:assert/strict'
import type { Chance } from '../../../lib/base/seams.ts'
import type { PeerId } from '../../../lib/address/peer-id.ts'
import type { Cidr } from '../../../lib/address/cidr.ts'
import {
  decodeIpamAnswer,
  decodeIpamRequest,
  decodeIpamReturn,
  encodeIpamAnswer,
  encodeIpamRequest,
  encodeIpamReturn,
} from '../../../lib/wire/ipam-message.ts'
import { toHex } from '../../../lib/base/bytes.ts'
import { isDrop } from '../../../lib/base/drop.ts'
import type { WeaveError } from '../../../lib/base/errors.ts'
import { Ipam } from '../../../lib/ipam/ipam.ts'
import type { IpamOutput } from '../../../lib/ipam/ipam-output.ts'
import type { Lease } from '../../../lib/ipam/lease-table.ts'
import { seededChance } from '../../support/seeded-chance.ts'
import { SimAlarm } from '../../support/sim-alarm.ts'
import { SimClock } from '../../support/sim-clock.ts'
import { SimMailbox, drawDelay, type MailDelays, type MailFaults } from '../../support/sim-mailbox.ts'
import { MESH_ID, giver, peer, suite } from './support.ts'

interface Stored {
  readonly version: number
  readonly value: Uint8Array | undefined
}

interface HeldRecord extends Stored {
  readonly owner: PeerId
  readonly kind: 'publish' | 'assign' | 'takeover' | 'acks'
  /** The page, or the part. */
  readonly number: number
  readonly takeoverKey?: Uint8Array
}

/** One simulated peer: what its disk holds outlives a crash, its machine does not. */
export class Host {
  readonly id: PeerId
  /** `owner kind number` to record: its own and those that it received. */
  readonly records = new Map<string, HeldRecord>()
  readonly kept = new Map<string, Uint8Array>()
  readonly leases = new Map<number, Lease>()
  readonly number: number
  readonly alarm: SimAlarm
  machine: Ipam
  side = 0
  isUp = true
  /** Its machine hears of no record: what it does is up to the test. */
  isDeaf = false
  /** It does not come back by itself. */
  isStopped = false
  /** When the requests that wait began. */
  readonly waiting = new Map<string, number>()

  constructor(number: number, machine: Ipam, clock: SimClock, act: (host: Host) => void) {
    this.number = number
    this.id = peer(number + 1)
    this.machine = machine
    const poll = () => (this.isUp ? this.machine.pollTimeout() : undefined)
    this.alarm = new SimAlarm({
      clock,
      name: this.id,
      poll,
      wake: () => {
        const before = poll()?.at
        act(this)
        assert.ok(poll()?.at !== before || !this.isUp, 'a timer that fires for nothing')
      },
    })
  }
}

export interface Faults extends MailFaults, MailDelays {
  /** A crash, at this chance per output carried out; 0: never. */
  crashOneIn: number
  /** True: peers ask for blocks only when they need an address. */
  isLazy?: boolean
}

export const NO_FAULTS: Readonly<Faults> = { loss: 0, duplicate: 0, delayMinMs: 1, delayMaxMs: 20, crashOneIn: 0 }

/** Several address managers, joined by messages that are late, lost or doubled and a ledger that is eventually right. */
export class Mesh {
  readonly hosts: Host[]
  readonly log: string[] = []
  /** May be changed at any time. */
  readonly faults: Faults
  ends = { done: 0, failed: 0 }
  /** Of requests that ended, by their ids. */
  readonly results = new Map<string, number | WeaveError>()
  #isDisputable = false
  readonly #clock = new SimClock()
  readonly #chance: Chance
  readonly #range: Cidr
  readonly #mail: SimMailbox

  constructor(count: number, range: Cidr, seed: number, faults: Faults) {
    this.#chance = seededChance(seed)
    this.#range = range
    this.faults = { ...faults }
    this.#mail = new SimMailbox({
      clock: this.#clock,
      chance: this.#chance,
      faults: this.faults,
      delayOf: () => drawDelay(this.#chance, this.faults),
    })
    this.hosts = Array.from({ length: count }, (_, number) => {
      const machine = this.#machine(peer(number + 1), seed + number)
      return new Host(number, machine, this.#clock, host => this.act(host, held => held.handleTimeout(this.now)))
    })
    for (const host of this.hosts) host.machine.start(0)
    for (const host of this.hosts) {
      host.machine.setReachable(this.#peersOf(host), 0, this.#membersOf(host))
      host.alarm.arm()
    }
  }

  /** Who is removed for good leaves the ledger. */
  #membersOf(host: Host): Set<PeerId> {
    return new Set(this.hosts.map(one => one.id).filter(id => !host.machine.takeovers.removals.isRemoved(id)))
  }

  get now(): number {
    return this.#clock.now
  }

  draw(limit: number): number {
    return Math.floor(this.#chance() * limit)
  }

  /** Hands an input to a host's machine, carries the outputs out, and checks what must always hold. */
  act(host: Host, input: (machine: Ipam) => void): void {
    if (!host.isUp) return
    input(host.machine)
    let output = host.machine.pollOutput()
    while (output !== undefined) {
      const next = host.machine.pollOutput()
      this.#carryOut(host, output)
      // What one input publishes is one transaction of the store: a crash comes before or after.
      const isWhole = !isRecord(output) || next === undefined || !isRecord(next)
      if (isWhole && this.#isHit(this.faults.crashOneIn)) {
        this.#crash(host)
        break
      }
      output = next
    }
    host.alarm.arm()
    this.check()
  }

  ask(host: Host, id: string, input: (machine: Ipam) => void): void {
    if (!host.isUp) return
    host.waiting.set(id, this.now)
    this.act(host, input)
  }

  partition(): void {
    this.split(() => this.draw(2))
  }

  /** Ends a host, until `heal` or `start`. */
  stop(host: Host): void {
    host.isUp = false
    host.alarm.cancel()
    host.waiting.clear()
    host.isStopped = true
    this.#updateReachable()
  }

  start(host: Host): void {
    host.isStopped = false
    this.#restart(host)
    this.#updateReachable()
  }

  /** What was taken over may be held twice while it is in dispute, and until both sides have heard of one another. */
  expectDisputes(): void {
    this.#isDisputable = true
  }

  heal(): void {
    for (const host of this.hosts) if (!host.isUp && !host.isStopped) this.#restart(host)
    this.split(() => 0)
  }

  /** Anti-entropy: a host tells a random other all that it holds. */
  gossip(): void {
    this.tellAll(this.hosts[this.draw(this.hosts.length)]!)
  }

  tellAll(from: Host): void {
    for (const to of this.hosts) if (to !== from) for (const key of from.records.keys()) this.#tell(from, to, key)
  }

  /** Lets virtual time pass: messages arrive, timers fire. */
  pass(ms: number): void {
    this.#clock.runTo(this.now + ms)
  }

  /** No address is held twice, and no block is anybody's but one's. */
  check(): void {
    for (const host of this.hosts)
      for (const [id, since] of host.waiting) assert.ok(this.now <= since + 10_000, `${id} waits too long`)
    if (this.#isDisputable) return
    const holders = new Map<number, string>()
    for (const host of this.hosts) {
      for (const lease of host.isUp ? host.machine.leases() : host.leases.values()) {
        const holder = `${host.id} ${lease.container}`
        assert.equal(holders.get(lease.address) ?? holder, holder, `address ${lease.address} is held twice`)
        holders.set(lease.address, holder)
      }
    }
    const [one] = this.hosts
    for (let block = 0; block < one!.machine.space.blockCount; block++) {
      const owners = this.hosts.filter(host => host.isUp && host.machine.isOwn(block))
      assert.ok(owners.length <= 1, `block ${block} has ${owners.length} owners`)
    }
  }

  #machine(id: PeerId, seed: number): Ipam {
    return new Ipam({
      identity: giver(id),
      suite,
      meshId: () => MESH_ID,
      range: this.#range,
      blockPrefix: 28,
      isEager: this.faults.isLazy !== true,
      chance: seededChance(seed * 7919 + 1),
    })
  }

  #carryOut(host: Host, output: IpamOutput): void {
    if (output.type === 'publish' || output.type === 'assign') {
      const number = output.type === 'publish' ? output.page : output.strip
      const key = `${host.id} ${output.type} ${number}`
      const version = (host.records.get(key)?.version ?? 0) + 1
      host.records.set(key, { owner: host.id, kind: output.type, number, version, value: output.value })
      for (const other of this.hosts) if (other !== host) this.#tell(host, other, key)
    } else if (output.type === 'takeover') {
      const { kind, key: takeoverKey } = output
      const key = `${host.id} ${kind} ${toHex(takeoverKey)}`
      const version = (host.records.get(key)?.version ?? 0) + 1
      host.records.set(key, { owner: host.id, kind, number: 0, takeoverKey, version, value: output.value })
      for (const other of this.hosts) if (other !== host) this.#tell(host, other, key)
    } else if (output.type === 'keep') {
      if (output.value === undefined) host.kept.delete(output.key)
      else host.kept.set(output.key, output.value)
    } else if (output.type === 'lease') {
      host.leases.set(output.lease.address, output.lease)
    } else if (output.type === 'unlease') {
      host.leases.delete(output.lease.address)
    } else if (output.type === 'send') {
      const { to, message } = output
      const target = this.hosts.find(other => other.id === to)!
      this.#deliver(host, target, () => {
        if (message.kind === 'ipam-request') {
          const request = decodeIpamRequest(encodeIpamRequest(message))
          if (!isDrop(request)) this.act(target, machine => machine.handleRequest(host.id, request, this.now))
        } else if (message.kind === 'ipam-answer') {
          const answer = decodeIpamAnswer(encodeIpamAnswer(message))
          if (!isDrop(answer)) this.act(target, machine => machine.handleAnswer(host.id, answer, this.now))
        } else {
          const returned = decodeIpamReturn(encodeIpamReturn(message))
          if (!isDrop(returned)) this.act(target, machine => machine.handleReturn(host.id, returned, this.now))
        }
      })
    } else {
      host.waiting.delete(output.id)
      this.ends[output.type]++
      this.results.set(output.id, output.type === 'done' ? output.cidrs[0]!.address : output.error)
      const what = output.type === 'done' ? output.cidrs[0]!.address : `${output.error.code} ${output.error.message}`
      this.log.push(`${this.now} ${host.id.slice(0, 8)} ${output.id} ${what}`)
    }
  }

  #tell(from: Host, to: Host, key: string): void {
    const record = from.records.get(key)!
    this.#deliver(from, to, () => {
      if (to.isDeaf || (to.records.get(key)?.version ?? 0) >= record.version) return
      to.records.set(key, record)
      this.act(to, machine => this.#takeIn(machine, record))
    })
  }

  #takeIn(machine: Ipam, { owner, kind, number, takeoverKey, value }: HeldRecord): void {
    if (kind === 'publish') machine.setStatements(owner, number, value, this.now)
    else if (kind === 'assign') machine.setAssigned(owner, number, value, this.now)
    else if (kind === 'takeover') machine.setTakeover(owner, takeoverKey!, value, this.now)
    else machine.setAcks(owner, value, this.now)
  }

  #deliver(from: Host, to: Host, run: () => void): void {
    this.#mail.post(from.number, to.number, () => {
      if (to.isUp) run()
    })
  }

  split(sideOf: (host: Host) => number): void {
    for (const host of this.hosts) host.side = sideOf(host)
    this.#mail.partition(this.hosts.map(host => host.side))
    this.#updateReachable()
  }

  #isHit(oneIn: number): boolean {
    return oneIn > 0 && this.draw(oneIn) === 0
  }

  #peersOf(host: Host): Set<PeerId> {
    return new Set(this.hosts.filter(one => one !== host && one.isUp && one.side === host.side).map(one => one.id))
  }

  #updateReachable(): void {
    for (const host of this.hosts)
      this.act(host, machine => machine.setReachable(this.#peersOf(host), this.now, this.#membersOf(host)))
  }

  #crash(host: Host): void {
    host.isUp = false
    host.alarm.cancel()
    host.waiting.clear()
    this.log.push(`${this.now} ${host.id.slice(0, 8)} crashed`)
    this.#clock.after(500 + this.draw(4000), () => {
      if (host.isUp || host.isStopped) return
      this.#restart(host)
      this.#updateReachable()
    })
  }

  #restart(host: Host): void {
    host.isUp = true
    host.machine = this.#machine(host.id, this.draw(1_000_000))
    for (const lease of host.leases.values()) assert.ok(host.machine.restoreLease(lease))
    for (const [key, value] of host.kept) assert.ok(host.machine.restoreKept(key, value, this.now))
    for (const kind of ['takeover', 'acks', 'publish', 'assign'])
      for (const record of host.records.values()) if (record.kind === kind) this.#takeIn(host.machine, record)
    this.act(host, machine => machine.start(this.now))
  }
}

function isRecord(output: IpamOutput): boolean {
  return ['publish', 'assign', 'takeover'].includes(output.type)
}
