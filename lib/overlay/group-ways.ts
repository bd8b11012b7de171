import { macOfHalves, type Mac } from '../address/mod.ts'
import { PASSES_ONLY } from '../wire/mod.ts'
import { GROUP_WAYS_MAX } from './constants.ts'
import type { FloodWay, FloodWays } from './flood-ways.ts'
import type { ForwardingTable } from './forwarding.ts'
import { GROUP_MESSAGE, isForKeptGroup, type GroupMessage } from './group-message.ts'
import { Listeners } from './listeners.ts'
import { ROW, WAYS_COLUMNS, type EngineLane } from './packet-engine.ts'

/** A way, and how many peers of the tree are not to have what goes by it. */
export interface GroupWay extends FloodWay {
  readonly withheld: number
}

/** The ways of frames for multicast groups: to those who listen, each made once until tree or listeners change. */
export class GroupWays {
  readonly #ways: FloodWays
  readonly #entries: Int32Array
  readonly #listeners = new Listeners()
  readonly #known = new Map<Mac, GroupWay>()
  /** To those who get everything. */
  #least: GroupWay | undefined

  /** `entries`: where the ways lie. */
  constructor(ways: FloodWays, entries: Int32Array) {
    this.#ways = ways
    this.#entries = entries
  }

  /** To be called with each table; the tree may be another. */
  setTable(table: Pick<ForwardingTable, 'listening'>): void {
    this.#listeners.setTable(table)
    this.forget()
  }

  /** All ways that were given are void. */
  forget(): void {
    this.#known.clear()
    this.#least = undefined
  }

  /** Of the frame whose row begins at `at`; undefined: everybody is to have it. */
  of({ rows, slab }: Pick<EngineLane, 'rows' | 'slab'>, at: number, message: GroupMessage): GroupWay | undefined {
    if (message === GROUP_MESSAGE.router) return undefined
    // Reports are for multicast routers, and where these are everything is wanted.
    if (message === GROUP_MESSAGE.report) return this.#toEverything()
    if (!isForKeptGroup(slab, rows[at + ROW.offset]!, rows[at + ROW.length]!)) return undefined
    return this.#to(rows[at + ROW.destinationHigh]!, rows[at + ROW.destinationLow]!)
  }

  /** To those who listen to the group of this address (upper 16 and lower 32 bits), or to everything. */
  #to(high: number, low: number): GroupWay {
    const listening = this.#listeners.of(high, low)
    // So what goes to groups that nobody knows of takes no room.
    if (listening.size === 0) return this.#toEverything()
    const mac = macOfHalves(high, low)
    const known = this.#known.get(mac)
    if (known !== undefined) return known
    if (this.#known.size >= GROUP_WAYS_MAX) this.#known.clear()
    const way = this.#make(peer => listening.has(peer) || this.#listeners.isForAll(peer))
    this.#known.set(mac, way)
    return way
  }

  /** To those who get everything. */
  #toEverything(): GroupWay {
    return this.#least ?? (this.#least = this.#make(peer => this.#listeners.isForAll(peer)))
  }

  #make(isReceiver: (peer: number) => boolean): GroupWay {
    const way = this.#ways.to(isReceiver)
    let receivers = 0
    for (let at = way.from; at < way.end; at += WAYS_COLUMNS)
      if ((this.#entries[at + 1]! & PASSES_ONLY) === 0) receivers++
    const { from, end } = this.#ways.everybody
    return { ...way, withheld: (end - from) / WAYS_COLUMNS - receivers }
  }
}
