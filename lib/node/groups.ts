import { localMac, type Mac, type PeerId } from '../address/mod.ts'
import { isDrop, toHex, utf8, type Millis } from '../base/mod.ts'
import type { RecordChange } from '../ledger/mod.ts'
import { macOfGroup } from '../overlay/mod.ts'
import { RECORD_KIND, decodeGroupsRecord, encodeGroupsRecord, type GroupsRecord } from '../wire/mod.ts'
import { GROUPS_GATHER_MS, GROUPS_LEFT_MS, GROUPS_TOLD_MAX, GROUPS_TOLD_MS } from './constants.ts'
import type { NodeContext } from './context.ts'
import { LocalGroups, type WhyEverything } from './local-groups.ts'
import type { NodePart } from './part.ts'

const NO_KEY = new Uint8Array(0)
const EVERYTHING: GroupsRecord = { isEverything: true, groups: [] }

/** What a peer listens to, as it is known here. */
export interface PeerGroups {
  readonly peer: PeerId
  /** Frames for all groups go there; `unknown`: it has not said to which it listens. */
  readonly everything: WhyEverything | 'unknown' | 'told' | 'off' | undefined
  /** IP addresses of 4 or 16 bytes. */
  readonly groups: readonly Uint8Array[]
}

/**
 * Who listens to which multicast groups. Each peer learns that of its own bridge, and publishes it in one record; who has
 * none gets everything. A group that is new is told at once, one that nobody listens to any more later, and all of it with
 * restraint, since the whole mesh hears it.
 */
export class GroupRecords implements NodePart {
  readonly name = 'groups'
  readonly recordKinds = [RECORD_KIND.groups]
  readonly #context: NodeContext
  readonly #onChanged: () => void
  readonly #local: LocalGroups | undefined
  readonly #known = new Map<PeerId, GroupsRecord>()
  /** The same for lanes, made once of each record. */
  readonly #macs = new Map<PeerId, readonly Mac[]>()
  #looked = -1
  #publishAt: Millis | undefined
  /** The last GROUPS_TOLD_MAX times, the newest first. */
  #published: readonly Millis[] = []
  /** When something was left that is told of still. */
  #leftAt: Millis | undefined

  /** `onChanged`: lanes have to know. */
  constructor(context: NodeContext, now: Millis, onChanged: () => void) {
    this.#context = context
    this.#onChanged = onChanged
    const { suite, identity, keepsGroups } = context.config
    const mac = () => localMac(suite.hash(utf8(`weave-ts group queries ${identity.peerId}`), 6))
    this.#local = keepsGroups === true ? new LocalGroups(mac(), now) : undefined
  }

  get #self(): PeerId {
    return this.#context.config.identity.peerId
  }

  restore(): void {
    const { ledger } = this.#context
    // What an earlier run knew may have changed since.
    if (this.#local === undefined) this.withdraw()
    else if (ledger.get(this.#self, RECORD_KIND.groups, NO_KEY) !== undefined) this.#put(EVERYTHING)
    for (const { owner, value } of ledger.records(RECORD_KIND.groups)) this.#note(owner, value)
  }

  handleRecord({ owner, record }: RecordChange): void {
    this.#note(owner, record === undefined || record.isTombstone ? undefined : record.value)
  }

  /** A frame about groups that somebody on the own bridge sent. */
  handleFrame(frame: Uint8Array, now: Millis): void {
    this.#local?.handle(frame, now)
    this.#look(now)
  }

  /** More of them came than lanes hand on. */
  handleMissed(now: Millis): void {
    this.#local?.handleMissed(now)
    this.#look(now)
  }

  handleTimeout(now: Millis): void {
    const local = this.#local
    if (local === undefined) return
    local.handleTimeout(now)
    for (let frame = local.pollOutput(); frame !== undefined; frame = local.pollOutput())
      this.#context.emit({ type: 'deliver', frame })
    this.#look(now)
    if (this.#publishAt !== undefined && now >= this.#publishAt) this.#publish(now)
  }

  pollTimeout(): { readonly at: Millis; readonly reason: string } | undefined {
    const next = this.#local?.pollTimeout()
    if (next === undefined || this.#publishAt === undefined || next.at <= this.#publishAt) return next
    return { at: this.#publishAt, reason: 'publish multicast groups' }
  }

  /** Takes back what this peer published. */
  withdraw(): void {
    this.#context.ledger.remove(RECORD_KIND.groups, NO_KEY)
  }

  /** Groups of Ethernet, of peers that do not get everything. */
  listening(): Iterable<readonly [PeerId, readonly Mac[]]> {
    return this.#macs
  }

  /** Of this peer and of all that are known: who has told nothing gets everything. */
  all(): readonly PeerGroups[] {
    const why = this.#local === undefined ? 'off' : this.#local.why
    const own: PeerGroups = { peer: this.#self, everything: why, groups: this.#local?.groups ?? [] }
    const others = [...this.#context.view.peers].map(({ id }): PeerGroups => {
      const record = this.#known.get(id)
      if (record === undefined) return { peer: id, everything: 'unknown', groups: [] }
      return { peer: id, everything: record.isEverything ? 'told' : undefined, groups: record.groups }
    })
    return [own, ...others]
  }

  report(): { readonly everything: string | null; readonly groups: number; readonly told: number } {
    const [own] = this.all()
    return { everything: own!.everything ?? null, groups: own!.groups.length, told: this.#macs.size }
  }

  #note(owner: PeerId, value: Uint8Array | undefined): void {
    const record = value === undefined ? undefined : decodeGroupsRecord(value)
    if (isDrop(record)) this.#context.drop(record.reason)
    if (isDrop(record) || record === undefined) this.#known.delete(owner)
    else this.#known.set(owner, record)
    if (owner === this.#self) return
    const known = this.#known.get(owner)
    const had = this.#macs.delete(owner)
    if (known !== undefined && !known.isEverything) this.#macs.set(owner, [...new Set(known.groups.map(macOfGroup))])
    if (had || this.#macs.has(owner)) this.#onChanged()
  }

  #wanted(): GroupsRecord {
    const local = this.#local
    if (local === undefined || local.why !== undefined) return EVERYTHING
    return { isEverything: false, groups: local.groups }
  }

  /** Plans when to tell what is new. */
  #look(now: Millis): void {
    const local = this.#local
    if (local === undefined || local.version === this.#looked) return
    this.#looked = local.version
    const { isMore, isLess } = difference(this.#known.get(this.#self), this.#wanted())
    this.#leftAt = isLess ? (this.#leftAt ?? now) : undefined
    const mayAt = (this.#published[GROUPS_TOLD_MAX - 1] ?? -Infinity) + GROUPS_TOLD_MS
    if (isMore) this.#publishAt = Math.max(Math.min(this.#publishAt ?? Infinity, now + GROUPS_GATHER_MS), mayAt)
    else if (isLess) this.#publishAt = Math.max(this.#leftAt! + GROUPS_LEFT_MS, mayAt)
    else this.#publishAt = undefined
  }

  #publish(now: Millis): void {
    this.#publishAt = undefined
    this.#leftAt = undefined
    this.#published = [now, ...this.#published].slice(0, GROUPS_TOLD_MAX)
    this.#put(this.#wanted())
  }

  #put(record: GroupsRecord): void {
    // Who has no room for what it listens to gets everything.
    if (this.#context.ledger.put(RECORD_KIND.groups, NO_KEY, encodeGroupsRecord(record)) === 'full') this.withdraw()
  }
}

/** Who told nothing is told everything, as who said so. */
function difference(
  told: GroupsRecord = EVERYTHING,
  wanted: GroupsRecord,
): { readonly isMore: boolean; readonly isLess: boolean } {
  if (told.isEverything || wanted.isEverything)
    return { isMore: wanted.isEverything && !told.isEverything, isLess: told.isEverything && !wanted.isEverything }
  const had = new Set(told.groups.map(toHex))
  const has = new Set(wanted.groups.map(toHex))
  return { isMore: [...has].some(key => !had.has(key)), isLess: [...had].some(key => !has.has(key)) }
}
