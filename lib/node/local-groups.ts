import type { Mac } from '../address/mod.ts'
import { toHex, type Millis } from '../base/mod.ts'
import {
  GROUP_MESSAGE,
  groupMessageAt,
  groupQueries,
  isKeptGroup,
  readGroupReport,
  type QuerySettings,
} from '../overlay/mod.ts'
import { TOLD_GROUPS_MAX } from '../wire/mod.ts'
import {
  GROUPS_DOUBT_MS,
  GROUPS_LEARNT_MS,
  GROUP_CHECKS,
  GROUP_CHECK_MS,
  GROUP_LASTS_MS,
  GROUP_QUERY_AGAIN_MS,
  GROUP_QUERY_MS,
  GROUP_RESPONSE_MS,
} from './constants.ts'

/** Why all multicast is wanted here, whoever reports. */
export type WhyEverything = 'learning' | 'router' | 'too-many' | 'missed'

interface LocalGroup {
  readonly ip: Uint8Array
  /** When somebody is asked, or nobody has answered. */
  dueAt: Millis
  /** Queries of this group since the last report. */
  checks: number
}

/**
 * Which multicast groups somebody on the own bridge listens to, as multicast routers know it (RFC 3376, RFC 3810): by the
 * reports that containers and the host send to it, asked for now and then. A group whose listener left, or did not
 * report for long, is asked about first, so a report that is late costs nobody a stream. Bounded by TOLD_GROUPS_MAX.
 *
 * Inputs: frames that the bridge shows (`handle`), that some were not seen (`handleMissed`). Outputs: query frames for
 * the bridge. Foreign bytes never throw.
 */
export class LocalGroups {
  readonly #query: QuerySettings
  readonly #groups = new Map<string, LocalGroup>()
  readonly #outputs: Uint8Array[] = []
  readonly #learntAt: Millis
  #askAt: Millis
  #asked = 0
  /** No group is due earlier. */
  #dueAt: Millis = Infinity
  #isLearning = true
  #routerUntil: Millis = -Infinity
  #manyUntil: Millis = -Infinity
  #missedUntil: Millis = -Infinity
  #version = 0

  /** `mac`: where queries come from; nobody else's, and not that of the bridge or of what is plugged into it. */
  constructor(mac: Mac, now: Millis) {
    this.#query = { mac, responseMs: GROUP_RESPONSE_MS, intervalSeconds: GROUP_QUERY_MS / 1_000 }
    this.#askAt = now
    this.#learntAt = now + GROUPS_LEARNT_MS
  }

  /** Grows with every change of what is listened to. */
  get version(): number {
    return this.#version
  }

  /** Undefined when what is listened to is known. */
  get why(): WhyEverything | undefined {
    if (this.#routerUntil > -Infinity) return 'router'
    if (this.#missedUntil > -Infinity) return 'missed'
    if (this.#manyUntil > -Infinity) return 'too-many'
    return this.#isLearning ? 'learning' : undefined
  }

  /** IP addresses of 4 or 16 bytes. */
  get groups(): readonly Uint8Array[] {
    return [...this.#groups.values()].map(({ ip }) => ip)
  }

  /** A frame that somebody on the own bridge sent. */
  handle(frame: Uint8Array, now: Millis): void {
    const kind = groupMessageAt(frame, 0, frame.length)
    if (kind === GROUP_MESSAGE.router) this.#doubt('router', now)
    const report = kind === GROUP_MESSAGE.report ? readGroupReport(frame) : undefined
    for (const ip of report?.left ?? []) this.#leave(ip, now)
    for (const ip of report?.joined ?? []) this.#join(ip, now)
  }

  /** More was reported than could be taken. */
  handleMissed(now: Millis): void {
    this.#doubt('missed', now)
  }

  handleTimeout(now: Millis): void {
    if (now >= this.#askAt) this.#askAll(now)
    if (this.#isLearning && now >= this.#learntAt) {
      this.#isLearning = false
      this.#version++
    }
    if (now >= this.#routerUntil) this.#routerUntil = this.#end(this.#routerUntil)
    if (now >= this.#manyUntil) this.#manyUntil = this.#end(this.#manyUntil)
    if (now >= this.#missedUntil) this.#missedUntil = this.#end(this.#missedUntil)
    if (now < this.#dueAt) return
    this.#dueAt = Infinity
    for (const [key, group] of this.#groups) {
      if (now >= group.dueAt) this.#check(key, group, now)
      this.#dueAt = Math.min(this.#dueAt, group.dueAt)
    }
  }

  pollTimeout(): { readonly at: Millis; readonly reason: string } {
    const doubts = [this.#routerUntil, this.#manyUntil, this.#missedUntil].filter(until => until > -Infinity)
    const learnt = this.#isLearning ? [this.#learntAt] : []
    return { at: Math.min(this.#askAt, this.#dueAt, ...learnt, ...doubts), reason: 'multicast groups' }
  }

  /** An Ethernet frame for everybody on the own bridge. */
  pollOutput(): Uint8Array | undefined {
    return this.#outputs.shift()
  }

  #askAll(now: Millis): void {
    this.#asked++
    this.#askAt = now + (this.#asked === 1 ? GROUP_QUERY_AGAIN_MS : GROUP_QUERY_MS)
    this.#outputs.push(...groupQueries(this.#query))
  }

  /** Leave and check end with a report; after the last check there was none. */
  #check(key: string, group: LocalGroup, now: Millis): void {
    if (group.checks < GROUP_CHECKS) {
      group.checks++
      group.dueAt = now + GROUP_CHECK_MS
      this.#outputs.push(...groupQueries({ ...this.#query, responseMs: GROUP_CHECK_MS / 2 }, group.ip))
      return
    }
    this.#groups.delete(key)
    this.#version++
  }

  #join(ip: Uint8Array, now: Millis): void {
    if (!isKeptGroup(ip)) return
    const key = toHex(ip)
    const known = this.#groups.get(key)
    const dueAt = now + GROUP_LASTS_MS
    this.#dueAt = Math.min(this.#dueAt, dueAt)
    if (known !== undefined) Object.assign(known, { dueAt, checks: 0 })
    else if (this.#groups.size >= TOLD_GROUPS_MAX) this.#doubt('too-many', now)
    else {
      this.#groups.set(key, { ip, dueAt, checks: 0 })
      this.#version++
    }
  }

  /** Somebody left: others may be there. */
  #leave(ip: Uint8Array, now: Millis): void {
    const group = this.#groups.get(toHex(ip))
    if (group === undefined || group.checks > 0) return
    this.#dueAt = Math.min(this.#dueAt, now)
    group.dueAt = now
  }

  #doubt(why: 'router' | 'too-many' | 'missed', now: Millis): void {
    const before = this.why
    const until = now + GROUPS_DOUBT_MS
    if (why === 'router') this.#routerUntil = until
    else if (why === 'too-many') this.#manyUntil = until
    else {
      // What was missed is asked for.
      if (this.#missedUntil === -Infinity) this.#askAt = Math.min(this.#askAt, now + GROUP_QUERY_AGAIN_MS)
      this.#missedUntil = until
    }
    if (this.why !== before) this.#version++
  }

  #end(until: Millis): Millis {
    if (until > -Infinity) this.#version++
    return -Infinity
  }
}
