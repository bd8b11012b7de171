import { assert, toHex, type Chance, type Millis } from '../../lib/base/mod.ts'
import type { Cidr } from '../../lib/address/mod.ts'
import { WAIT_MS, type AddressForm } from '../../lib/ipam/mod.ts'
import { LINK_MESSAGE_KIND } from '../../lib/wire/mod.ts'
import { tellLie } from './lying-member.ts'
import { SimDisputes } from './sim-disputes.ts'
import type { SimDisk } from './sim-disk.ts'
import type { SimHost } from './sim-host.ts'
import { SimMesh } from './sim-mesh.ts'

export interface SchedulePlan {
  readonly seed: number
  readonly peers: number
  readonly steps: number
  readonly range: Cidr
  readonly blockPrefix: number
  /** The last host runs on copies of the disk of host 1. */
  readonly isCloned?: boolean
  /** All begin at once, and decide who founds. */
  readonly isDecided?: boolean
  /** Host 1 lies. */
  readonly isLied?: boolean
  readonly isLogged?: boolean
}

const GAP_SHORT_MS = 150
const GAP_LONG_MS = 4_000
const DOWN_MAX_MS = 25_000
const WEATHER_MAX_MS = 10_000
const JUMP_MAX_MS = 90_000
const LATE_MAX_MS = 20_000
/** A restored disk is compared with others first: nobody is cut off from them for so long. */
const COMPARE_MS = 12_000
/** A double counts as gone so long after it was met. */
const DOUBLE_MS = 210_000
/** A link to a host that lost its power is given up within so long. */
const NOTICE_MS = 60_000
const ENDS_WITHIN_MS = WAIT_MS + 1_000
const RECLAIM_MS = 5_000
const CONTAINERS_MAX = 6

/** Draws from a seed what befalls a mesh and the addresses in it; nothing is left to chance that the seed does not give. */
export class SimSchedule {
  readonly mesh: SimMesh
  readonly disputes: SimDisputes
  /** What was done, in order. */
  readonly history: string[] = []
  readonly outcomes = new Map<string, number>()
  readonly #plan: SchedulePlan
  readonly #chance: Chance
  readonly #since = new Map<string, { readonly host: SimHost; readonly at: Millis }>()
  /** Hosts that are gone for good, and those that come back at the end. */
  readonly #gone = new Set<SimHost>()
  readonly #away = new Set<SimHost>()
  readonly #launched = new Set<SimHost>()
  readonly #snapshots = new Map<SimHost, SimDisk>()
  #isWild = true

  constructor(plan: SchedulePlan) {
    this.#plan = plan
    const { seed, range, blockPrefix } = plan
    this.mesh = new SimMesh({
      seed,
      peers: plan.peers + (plan.isCloned === true ? 1 : 0),
      sealing: 'none',
      isToy: true,
      isLogged: plan.isLogged ?? false,
      identityOf: number => (number === plan.peers ? 1 : number),
      config: {
        range,
        defaultSubnet: range,
        blockPrefix,
        ...(plan.isDecided === true && { election: { type: 'consensus', size: plan.peers } }),
      },
      isExcused: clash => this.disputes.isExcused(clash),
      onRefused: (_host, container, { code, message, remedy }) => {
        this.count(code)
        if (message === '' || remedy === '') this.mesh.fail(`${container} was refused without a reason`)
      },
    })
    this.disputes = new SimDisputes(this.mesh)
    this.#chance = this.mesh.chance
  }

  get #hosts(): readonly SimHost[] {
    return this.mesh.hosts.slice(0, this.#plan.peers)
  }

  /** Plays all steps; then mends everything, and starts who is not gone for good. */
  play(): void {
    const { mesh } = this
    for (const host of this.#hosts) {
      if (this.#chance() < 0.3) this.#repeatMessages(host)
      host.aheadMs = this.#below(1_000_000)
    }
    if (this.#plan.isDecided !== true) {
      mesh.host(0).launch()
      this.#launched.add(mesh.host(0))
    }
    for (const host of this.#hosts)
      if (!this.#launched.has(host) && (this.#plan.isDecided === true || this.#chance() < 0.8))
        this.#join(host, this.#below(1_500))
    for (let step = 0; step < this.#plan.steps; step++) {
      this.#step()
      this.run(this.#below(this.#chance() < 0.5 ? GAP_SHORT_MS : GAP_LONG_MS))
    }
    this.#mend()
  }

  /** Every so often what must always be is looked at. */
  run(forMs: Millis): void {
    for (let left = forMs; left > 0; left -= GAP_LONG_MS) {
      this.mesh.run(Math.min(left, GAP_LONG_MS))
      this.look()
    }
    this.disputes.look()
  }

  /** Every request has ended by its deadline. */
  look(): void {
    for (const [id, { host, at }] of this.#since) {
      if (!host.isWaiting(id)) this.#since.delete(id)
      else if (this.mesh.clock.now - at > ENDS_WITHIN_MS) this.mesh.fail(`${id} waits on ${host.name} since ${at} ms`)
    }
  }

  attach(host: SimHost, form?: AddressForm): string {
    const id = this.mesh.attach(host.number, form)
    this.#since.set(id, { host, at: this.mesh.clock.now })
    return id
  }

  get isAnswered(): boolean {
    return [...this.#since].every(([id, { host }]) => !host.isWaiting(id))
  }

  #step(): void {
    const { isCloned, isLied } = this.#plan
    const kinds: readonly [number, string, () => void][] = [
      [9, 'attach', () => this.#attach()],
      [4, 'detach', () => this.#detach()],
      [3, 'crash', () => this.#crash()],
      [2, 'part', () => this.#part()],
      [1, 'one way', () => this.#partOneWay()],
      [2, 'heal', () => this.#heal()],
      [1, 'leave', () => this.#leave()],
      [1, 'die', () => this.#die()],
      [2, 'return', () => this.#return()],
      [3, 'rmpeer', () => this.#remove()],
      [1, 'jump', () => this.#jump()],
      [1, 'snapshot', () => this.#snapshot()],
      [1, 'restore', () => this.#restore()],
      [0.5, 'wipe', () => this.#wipe()],
      [1, 'storm', () => this.#storm()],
      [1, 'join', () => this.#joinLate()],
      [isCloned === true ? 1 : 0, 'clone', () => this.#clone()],
      [isLied === true ? 4 : 0, 'lie', () => this.#lie()],
    ]
    let draw = this.#chance() * kinds.reduce((sum, [weight]) => sum + weight, 0)
    for (const [weight, name, play] of kinds) {
      draw -= weight
      if (draw >= 0) continue
      this.#note(name)
      this.count(`step ${name}`)
      this.disputes.look()
      play()
      this.disputes.look()
      return
    }
  }

  #join(host: SimHost, waitMs: Millis): void {
    this.#launched.add(host)
    this.mesh.clock.after(waitMs, () => {
      if (!host.isUp && !this.#gone.has(host) && !this.#away.has(host)) host.launch(this.#contacts, false)
    })
  }

  #joinLate(): void {
    const host = this.#any(this.#hosts.filter(one => !this.#launched.has(one)))
    if (host !== undefined) this.#join(host, 0)
  }

  #attach(): void {
    const hosts = this.live.filter(one => one.containers.size < CONTAINERS_MAX)
    const host = this.#any(hosts)
    if (host === undefined) return
    const { range } = this.#plan
    const dice = this.#chance()
    if (dice < 0.7) {
      for (let count = 1 + this.#below(3); count > 0 && host.isUp; count--) this.attach(host)
      return
    }
    const half = { address: range.address + (dice < 0.77 ? 0 : 2 ** (31 - range.prefix)), prefix: range.prefix + 1 }
    if (dice < 0.85) return void this.attach(host, { type: 'subnet', subnet: half })
    const address = range.address + 1 + this.#below(2 ** (32 - range.prefix) - 2)
    this.attach(host, { type: 'claim', cidr: { address, prefix: range.prefix } })
  }

  #detach(): void {
    const host = this.#any(this.#hosts.filter(one => one.containers.size > 0))
    const id = host && this.#any([...host.containers.keys()])
    if (host !== undefined && id !== undefined && !host.isWaiting(id)) this.mesh.detach(host.number, id)
  }

  #crash(): void {
    const host = this.#any(this.live)
    if (host === undefined) return
    const dice = this.#chance()
    if (dice < 0.5) host.outputsToLive = 1 + this.#below(15)
    else host.crash(dice < 0.75)
    const { life } = host
    this.mesh.clock.after(this.#below(DOWN_MAX_MS), () => {
      if (!this.#isWild || host.life !== life || this.#away.has(host) || this.#gone.has(host)) return
      this.#relaunch(host)
    })
  }

  /** The clock of a host that starts anew may stand anywhere. */
  #relaunch(host: SimHost): void {
    this.disputes.look()
    this.#note(`${host.name} starts anew`)
    if (host.isUp) host.crash(false)
    if (this.#chance() < 0.3) this.#loseCache(host)
    host.aheadMs = this.#below(1_000_000)
    host.launch(undefined, false)
  }

  #loseCache(host: SimHost): void {
    this.#note(`${host.name} loses its cache`)
    host.loseCache()
  }

  #part(): void {
    const isOne = this.#chance() < 0.3 ? this.#below(this.mesh.hosts.length) : undefined
    const sides = this.mesh.hosts.map(({ number }) => (isOne === undefined ? this.#below(2) : Number(number === isOne)))
    this.#note(`partition ${sides.join('')}`)
    this.mesh.network.partition(sides)
  }

  /** What one side says is not heard by the other, which is heard. */
  #partOneWay(): void {
    const deaf = this.mesh.hosts.map(() => this.#chance() < 0.4)
    this.mesh.network.hasRoute = (from, to) => deaf[from] === true || deaf[to] !== true
  }

  #heal(): void {
    this.mesh.network.partition(undefined)
    this.mesh.network.hasRoute = () => true
  }

  /** Whom a host is told to join. */
  get #contacts(): readonly number[] {
    return this.#plan.isDecided === true ? this.#hosts.map(({ number }) => number) : [0]
  }

  /** Who was elected has founded: before that nobody else can. */
  get #isFounded(): boolean {
    return this.#plan.isDecided !== true || this.live.every(({ node }) => node.meshId !== undefined)
  }

  get #mayLose(): boolean {
    return this.#isFounded && this.#gone.size + this.#away.size < Math.floor((this.#launched.size - 1) / 2)
  }

  /** `weave-ts reset`: hands on what it has, and is never seen again. */
  #leave(): void {
    const host = this.#any(this.live)
    if (host === undefined || !this.#mayLose || host.number === 0) return
    this.#note(`${host.name} leaves`)
    this.#clear(host)
    host.input((node, now) => node.leave(now))
    this.#gone.add(host)
    this.mesh.run(this.#below(1_500))
    host.crash(false)
    host.replaceDisk()
  }

  #die(): void {
    const host = this.#any(this.live)
    if (host === undefined || !this.#mayLose) return
    this.#note(`${host.name} dies`)
    host.crash(true)
    // The founder is whom the others were told to join.
    if (this.#chance() < 0.4 && host.number !== 0) {
      this.#clear(host)
      this.#gone.add(host)
    } else this.#away.add(host)
  }

  #return(): void {
    const host = this.#any([...this.#away])
    if (host === undefined) return
    this.#away.delete(host)
    this.#relaunch(host)
  }

  /** An operator takes somebody for dead whom this host does not reach, now and then on two hosts at once. */
  #remove(): void {
    for (let count = this.#chance() < 0.3 ? 2 : 1; count > 0; count--) {
      const host = this.#any(this.live)
      if (host === undefined || host.node.meshId === undefined) return
      const { reachable } = host.node.view
      const victim = this.#any(this.#hosts.filter(({ identity }) => !reachable.has(identity.peerId)))
      if (victim === undefined) continue
      this.#removeOn(host, victim, this.#chance() < 0.2)
      if (this.#chance() < 0.3) this.mesh.run(this.#below(200))
    }
  }

  #removeOn(host: SimHost, victim: SimHost, isForced: boolean): void {
    const outcome = host.input((node, now) => node.removePeer(victim.identity.peerId, isForced, now))
    this.disputes.look()
    this.count(`rmpeer ${outcome?.outcome ?? 'crash'}`)
    this.#note(`rmpeer ${victim.name} on ${host.name}${isForced ? ' by force' : ''}: ${outcome?.outcome}`)
  }

  #jump(): void {
    this.#any(this.live)?.jump(this.#below(JUMP_MAX_MS))
  }

  #snapshot(): void {
    const host = this.#any(this.live)
    // Of a disk that has met nobody its host cannot know that others went on without it.
    if (host?.store.has('past/met') === true) this.#snapshots.set(host, host.copyDisk())
  }

  /** The host goes back to what it was. */
  #restore(): void {
    const host = this.#any([...this.#snapshots.keys()].filter(one => one.isUp))
    if (host === undefined) return
    this.#heal()
    host.crash(true)
    this.#clear(host)
    host.replaceDisk(this.#snapshots.get(host))
    this.#snapshots.delete(host)
    this.#relaunch(host)
    for (let count = this.#below(4); count > 0; count--) if (host.isUp) this.attach(host)
    this.run(COMPARE_MS)
  }

  /** The store is moved aside; the identity, and the containers, are kept. */
  #wipe(): void {
    const host = this.#any(this.live)
    if (host === undefined || host.number === 0 || !this.#isFounded) return
    this.#heal()
    host.crash(this.#chance() < 0.5)
    host.replaceDisk()
    this.disputes.look()
    host.launch(this.#contacts, false)
    this.run(COMPARE_MS)
  }

  #storm(): void {
    Object.assign(this.mesh.network.weather, {
      extraMs: this.#below(900),
      jitterMs: this.#below(60),
      loss: this.#chance() * 0.2,
      duplicate: this.#chance() * 0.2,
      reorderMs: this.#below(80),
    })
    this.mesh.clock.after(this.#below(WEATHER_MAX_MS), () => this.#isWild && this.#calm())
  }

  #calm(): void {
    Object.assign(this.mesh.network.weather, { extraMs: 0, jitterMs: 1, loss: 0, duplicate: 0, reorderMs: 0 })
  }

  /** A second process begins on a copy of the disk of host 1. */
  #clone(): void {
    const [one, clone] = [this.mesh.host(1), this.mesh.host(this.#plan.peers)]
    if (!one.isUp || clone.isUp || one.node.meshId === undefined) return
    this.#heal()
    this.disputes.look()
    clone.replaceDisk(one.copyDisk())
    clone.launch([0], false)
    for (let count = 1 + this.#below(3); count > 0; count--) {
      if (one.isUp) this.attach(one)
      if (clone.isUp) this.attach(clone)
      this.mesh.run(this.#below(500))
    }
    this.run(COMPARE_MS)
  }

  #lie(): void {
    const liar = this.mesh.host(1)
    if (!liar.isUp || liar.node.meshId === undefined) return
    const others = this.#hosts.filter(host => host !== liar && this.#launched.has(host))
    this.#note(`lie ${tellLie(liar, others, this.#chance)}`)
  }

  /** Some of what is passed on comes again, later. */
  #repeatMessages(host: SimHost): void {
    host.onSend = (to, message) => {
      if (message[0] !== LINK_MESSAGE_KIND.routed || !this.#isWild || this.#chance() > 0.2) return
      const copy = message.slice()
      this.mesh.clock.after(this.#below(LATE_MAX_MS), () =>
        host.input((node, now) => node.neighbours.neighbour(to) && node.neighbours.send(to, copy, now)),
      )
    }
  }

  #clear(host: SimHost): void {
    for (const id of [...host.containers.keys()]) this.mesh.detach(host.number, id)
  }

  #mend(): void {
    this.#note('faults end')
    this.#isWild = false
    this.#heal()
    this.#calm()
    this.disputes.look()
    const clone = this.mesh.hosts[this.#plan.peers]
    if (clone !== undefined) {
      clone.crash(false)
      this.#clear(clone)
    }
    for (const host of this.#hosts) {
      host.outputsToLive = undefined
      host.onSend = undefined
      if (host.isUp || this.#gone.has(host)) continue
      if (this.#launched.has(host)) this.#relaunch(host)
      else this.#join(host, 0)
    }
    if (clone !== undefined) this.run(DOUBLE_MS)
    // Who is gone for good: an operator says so, on every host, for nobody knows who has seen what.
    const isReady = (host: SimHost) =>
      host.node.addresses.ipam.hold === undefined &&
      [...this.#gone].every(one => !host.node.view.reachable.has(one.identity.peerId))
    this.mesh.until(() => this.live.every(isReady), NOTICE_MS)
    this.#removeGone()
  }

  /** What the gone owned may be known by nobody, when the others lost what they had of it: the operator asks once more. */
  reclaim(): void {
    const isUnowned = ({ node }: SimHost) => node.addresses.ipam.report().unownedBlocks > 0
    if (!this.live.some(isUnowned)) return
    this.count('blocks forgotten')
    this.#removeGone()
    this.run(RECLAIM_MS)
  }

  #removeGone(): void {
    for (const victim of this.#gone)
      for (const host of this.live)
        if (!host.node.view.reachable.has(victim.identity.peerId)) this.#removeOn(host, victim, false)
  }

  get live(): SimHost[] {
    return this.#hosts.filter(host => host.isUp && !this.#gone.has(host))
  }

  #below(limit: number): number {
    return Math.floor(this.#chance() * limit)
  }

  #any<T>(items: readonly T[]): T | undefined {
    return items[Math.floor(this.#chance() * items.length)]
  }

  #note(text: string): void {
    this.history.push(`${this.mesh.clock.now} ${text}`)
    this.mesh.events.write(() => `${this.mesh.clock.now} step ${text}`)
  }

  count(what: string): void {
    this.outcomes.set(what, (this.outcomes.get(what) ?? 0) + 1)
  }
}

/** What a mesh should have given by then: all addresses of its range but the first and the last, as a set of integers. */
export function usableOf({ address, prefix }: Cidr): Set<number> {
  const size = 2 ** (32 - prefix)
  assert(size >= 4, 'a range has an address to give')
  return new Set(Array.from({ length: size - 2 }, (_, at) => address + 1 + at))
}

export function meshIdsOf(hosts: readonly SimHost[]): string[] {
  return [...new Set(hosts.map(host => toHex(host.node.meshId ?? new Uint8Array(0))))]
}
