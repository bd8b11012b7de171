import { assert, type Millis } from '../../lib/base/mod.ts'
import { SimAgreement } from './sim-agreement.ts'
import { hostMaker, type SimMeshOptions } from './sim-host-maker.ts'
import type { SimHost } from './sim-host.ts'
import { SITE_WAY_MIN_MS, SimLines, WAY_MIN_MS, siteOf } from './sim-lines.ts'
import { SimPackets, readPackets } from './sim-packets.ts'
import { SimRules } from './sim-rules.ts'
import type { SimTeam } from './sim-team.ts'

/** Each has the hosts of one site then. */
const TEAM_OF_SITES = 2

/**
 * The part of a large mesh that one thread of a team simulates; a team of one has all of it. What is marked as common all must
 * call alike, and all are given the same. The same seed gives the same, whatever the size of the team is: a moment lasts as
 * long as the shortest way to another thread takes, so each thread plays it alone, and then all exchange what they sent.
 */
export class SimShard extends SimRules {
  readonly team: SimTeam
  readonly peers: number
  /** All hosts that are here, by their numbers. */
  readonly hosts: readonly SimHost[]
  readonly lines: SimLines
  readonly #agreement = new SimAgreement()
  readonly #away: readonly SimPackets[]
  readonly #momentMs: Millis

  constructor(team: SimTeam, options: SimMeshOptions) {
    super(options)
    const { clock } = this
    this.team = team
    this.peers = options.peers
    this.#momentMs = team.count === TEAM_OF_SITES ? SITE_WAY_MIN_MS : WAY_MIN_MS
    this.#away = Array.from({ length: team.count }, () => new SimPackets())
    this.lines = new SimLines({
      seed: options.seed,
      hosts: options.peers,
      clock,
      onAway: packet => this.#away[this.#memberOf(packet.to)]!.add(packet),
    })
    this.lines.onWire = (from, bytes, end) => this.sent(from, bytes, end === undefined)
    const make = hostMaker(options, { clock, network: this.lines, watcher: this }, team.secrets)
    const numbers = Array.from({ length: options.peers }, (_, number) => number)
    this.hosts = numbers.filter(number => this.#memberOf(number) === team.index).map(make)
    for (const host of this.hosts) this.lines.add(host)
  }

  #memberOf(number: number): number {
    const { count } = this.team
    return count === TEAM_OF_SITES ? siteOf(number) : (number >>> 1) % count
  }

  /** The host of this number, where it is here. */
  here(number: number): SimHost | undefined {
    return this.hosts.find(host => host.number === number)
  }

  /** Common: what the thread of a host finds out about it. */
  of<T>(number: number, look: (host: SimHost) => T): T {
    const host = this.here(number)
    const [told] = this.team.gather(host === undefined ? [] : [look(host)]).flat()
    return told!
  }

  /** Common: the sum of what each has. */
  sum(own: number): number {
    return this.team.gather(own).reduce((sum, value) => sum + value, 0)
  }

  /** Common: lets time pass. */
  run(forMs: Millis): void {
    const end = this.clock.now + forMs
    if (this.team.count > 1)
      for (let next = this.#exchange(); next <= end; next = this.#exchange())
        this.clock.runTo(Math.min(end, next + this.#momentMs - 1))
    this.clock.runTo(end)
  }

  /** Common: lets time pass until it is so. Returns how much did; undefined when it never came true. */
  until(isSo: () => boolean, limitMs: Millis, lookMs: Millis): Millis | undefined {
    const begun = this.clock.now
    while (this.clock.now - begun <= limitMs) {
      if (isSo()) return this.clock.now - begun
      this.run(lookMs)
    }
    return undefined
  }

  /** Common: whether all hosts that are up agree on everything. */
  agrees(): boolean {
    const up = this.hosts.filter(host => host.isUp)
    const common = up.length === 0 ? undefined : this.#agreement.common(up)
    const shards = this.team.gather({ up: up.length, ...common }).filter(shard => shard.up > 0)
    const all = shards.reduce((sum, shard) => sum + shard.up, 0)
    return shards.every(({ peers, text }) => peers === all && text === shards[0]!.text)
  }

  /** Gives the others what was sent to them; when the next is due anywhere. */
  #exchange(): Millis {
    const dueAt = this.#away.reduce((least, packets) => Math.min(least, packets.dueAt), this.clock.next ?? Infinity)
    const received = this.team.exchange(member => this.#away[member]!.take(dueAt))
    let next = dueAt
    for (const bytes of received) {
      const theirs = readPackets(bytes, packet => {
        assert(packet.at > this.clock.now, `a packet for ${packet.at} ms came at ${this.clock.now} ms`)
        this.lines.handlePacket(packet)
      })
      next = Math.min(next, theirs)
    }
    return next
  }
}
