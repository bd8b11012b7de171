import type { PeerId } from '../address/mod.ts'
import { BEAT_MS, isDrop, jittered, soonest, toHex, type Millis } from '../base/mod.ts'
import {
  LEDGER_MESSAGE_BYTES_MAX,
  RECORD_KIND,
  decodeLedgerDelta,
  decodeLedgerSync,
  encodeLedger,
  encodeLedgerDelta,
  encodeLedgerSync,
  encodeLedgerTree,
  packDeltas,
  recordBytes,
  type DeltaPart,
  type LedgerRecord,
  type LedgerSync,
  type LedgerTreeMode,
} from '../wire/mod.ts'
import {
  ANNOUNCE_DELAY_MS,
  ANSWER_SLICE_BYTES,
  ANSWER_SLICE_GAP_MS,
  COMPARE_AGAIN_MS,
  DUPLICATES_TO_PRUNE,
  PRUNE_GAP_MS,
  PRUNE_SHARE,
  RELAY_DELAY_MS,
  SYNC_INTERVAL_MS,
  WANTS_UNDER_WAY_MAX,
  WANT_TIMEOUT_MS,
} from './constants.ts'
import type { NodeContext } from './context.ts'
import { Crowd } from './crowd.ts'
import { GossipLink, type RecordPlace } from './gossip-link.ts'
import type { LinkEvents } from './link-events.ts'
import type { Neighbour } from './neighbour.ts'
import type { NodePart, PartMessage } from './part.ts'
import type { Past } from './past.ts'

/** Who else hears of what neighbours send. */
export interface GossipListeners {
  readonly links: Pick<LinkEvents, 'shun'>
  readonly past: Pick<Past, 'handleTold'>
}

/** Messages that carried the ledger or compared it, since the start; bytes before the link seals them. */
interface GossipTraffic {
  readonly messages: number
  readonly bytes: number
}

export interface GossipReport {
  readonly eager: readonly PeerId[]
  readonly behind: readonly PeerId[]
  readonly sent: GossipTraffic
  readonly received: GossipTraffic
}

/**
 * Carries the ledger over the links. Nothing that it is sent can end a link, and what one neighbour can make this peer
 * do is bounded (`GossipLink`).
 *
 * - **Tree.** New records are pushed along the eager links, which form a tree as in Plumtree (Leitão, Pereira,
 *   Rodrigues 2007): a push that told nothing new makes its link lazy on both sides, news that had to be asked for
 *   makes the link that it came over eager. So a record costs about one payload message for each peer; a peer with many
 *   edges hands some over (`Crowd`).
 * - **Comparison.** Instead of announcing each record to the lazy links, a peer that has news compares ledgers with one
 *   lazy neighbour a moment later, by a sum that does not grow with the mesh; and with any neighbour now and then, and
 *   on each new link. What differs is found by descending (`Ledger.answer`), and asked for; nothing is sent unasked.
 */
export class Gossip implements NodePart {
  readonly name = 'gossip'
  readonly messageTypes = ['ledger-sync', 'ledger-delta', 'ledger-tree'] as const
  readonly #context: NodeContext
  readonly #listeners: () => GossipListeners
  readonly #links = new Map<PeerId, GossipLink>()
  /** Owners whose records were asked for: of whom, and until when nobody else is. */
  readonly #asked = new Map<PeerId, { readonly of: PeerId; readonly until: Millis }>()
  #syncAt: Millis
  #relayAt: Millis | undefined
  #announceAt: Millis | undefined
  #answerAt: Millis | undefined
  #pruneAt: Millis = 0
  readonly #crowd = new Crowd()
  readonly #sent = { messages: 0, bytes: 0 }
  readonly #received = { messages: 0, bytes: 0 }

  constructor(context: NodeContext, listeners: () => GossipListeners, now: Millis) {
    this.#context = context
    this.#listeners = listeners
    this.#syncAt = now + SYNC_INTERVAL_MS
  }

  /** A new link is no edge of the tree, unless it is the only one. `greet` follows, by one side. */
  handleNeighbourUp({ peerId: peer, isBehind }: Pick<Neighbour, 'peerId' | 'isBehind'>, now: Millis): void {
    const link = new GossipLink(peer)
    link.isBehind = isBehind
    this.#links.set(peer, link)
    if (!this.#hasEager()) this.#graft(link, now)
  }

  handleNeighbourDown(peer: PeerId, now: Millis): void {
    const link = this.#links.get(peer)
    if (link === undefined) return
    this.#links.delete(peer)
    for (const [owner, { of }] of this.#asked) if (of === peer) this.#asked.delete(owner)
    if (!link.isEager) return
    // The tree has lost an edge: another one may join the two sides, and if it is one too many that will show.
    const other = this.#anyLazy()
    if (other === undefined) return
    this.#graft(other, now)
    this.#compare(other, now)
  }

  /** Tells the neighbour a sum of all that is held, so that both find out what differs; or asks it something else. */
  greet(peer: PeerId, now: Millis, sync?: LedgerSync): void {
    const link = this.#links.get(peer)
    if (link !== undefined) this.#compare(link, now, sync)
  }

  /** The socket of a neighbour holds more than it takes, or no longer does. */
  handleBacklog(peer: PeerId, isBehind: boolean, now: Millis): void {
    const link = this.#links.get(peer)
    if (link === undefined || link.isBehind === isBehind) return
    link.isBehind = isBehind
    if (isBehind) return
    if (link.isStale) {
      link.isStale = false
      link.takeOutbox()
      this.#compare(link, now)
    } else this.#send(link, now)
    this.#answer(link, now)
  }

  handleMessage(from: PeerId, message: PartMessage, now: Millis): void {
    const link = this.#links.get(from)
    if (link === undefined || link.isForger) return
    if ('body' in message) note(this.#received, message.body)
    switch (message.type) {
      case 'ledger-sync':
        return this.#handleSync(link, message.body, now)
      case 'ledger-delta':
        return this.#handleDelta(link, message.body, now)
      case 'ledger-tree':
        return this.#handleTree(link, message.mode, now)
      case 'election':
      case 'datagrams':
      case 'datagrams-taken':
      case 'check':
      case 'checked':
        return
    }
  }

  /** Sends what was written here to the tree, at once, and with it what waits to be passed on. */
  flush(now: Millis): void {
    const own = this.#context.ledger.takeOwnWrites()
    if (own.length === 0) return
    this.#spread(own, undefined)
    this.#sendAll(now)
    this.#announceSoon(now)
  }

  meshChanged(): void {
    this.#asked.clear()
    for (const link of this.#links.values()) link.clear()
  }

  handleTimeout(now: Millis): void {
    if (this.#relayAt !== undefined && now >= this.#relayAt) this.#sendAll(now)
    if (this.#answerAt !== undefined && now >= this.#answerAt) {
      this.#answerAt = undefined
      for (const link of this.#links.values()) this.#answer(link, now)
    }
    for (const link of this.#links.values()) {
      if (link.compareAt === undefined || now < link.compareAt) continue
      link.compareAt = undefined
      this.#compare(link, now)
    }
    if (this.#announceAt !== undefined && now >= this.#announceAt) {
      this.#announceAt = undefined
      const lazy = this.#anyLazy()
      if (lazy !== undefined) this.#compare(lazy, now)
    }
    if (this.#crowd.askAt !== undefined && now >= this.#crowd.askAt) this.#askToMove(now)
    if (now < this.#syncAt) return
    const { beat, chance } = this.#context.config
    // Half of what waiting for the beat adds is taken off before.
    this.#syncAt = beat.resting(now + jittered(SYNC_INTERVAL_MS, chance) - BEAT_MS)
    const one = this.#any([...this.#links.values()])
    if (one !== undefined) this.#compare(one, now)
  }

  pollTimeout(): { readonly at: Millis; readonly reason: string } | undefined {
    const due = (at: Millis | undefined, reason: string) => (at === undefined ? undefined : { at, reason })
    let compareAt: Millis | undefined
    for (const link of this.#links.values())
      if (link.compareAt !== undefined && (compareAt === undefined || link.compareAt < compareAt))
        compareAt = link.compareAt
    return soonest([
      due(this.#syncAt, 'compare ledgers'),
      due(this.#relayAt, 'pass records on'),
      due(this.#announceAt, 'compare ledgers after news'),
      due(this.#answerAt, 'answer for records'),
      due(compareAt, 'compare ledgers again'),
      due(this.#crowd.askAt, 'hand an edge of the tree over'),
    ])
  }

  report(): GossipReport {
    const links = [...this.#links.values()]
    return {
      eager: this.#eager().map(link => link.peerId),
      behind: links.filter(link => link.isBehind).map(link => link.peerId),
      sent: { ...this.#sent },
      received: { ...this.#received },
    }
  }

  #handleSync(link: GossipLink, body: Uint8Array, now: Millis): void {
    if (!link.syncs.take(body.length, now)) return this.#context.drop('sync-rate')
    const sync = decodeLedgerSync(body)
    if (isDrop(sync)) return this.#context.drop(sync.reason)
    this.#listeners().past.handleTold(link.peerId, sync, now)
    for (const want of sync.wants) link.want(want)
    this.#answer(link, now)
    // It is compared with anew when it can take more: an answer now would only wait in the socket.
    if (link.isBehind) {
      link.isStale = true
      return
    }
    const answer = this.#context.ledger.answer(sync)
    if (answer === undefined) return
    const owners = new Set(answer.wants.map(want => want.owner))
    for (const owner of owners) if (!this.#mayAsk(link, owner, now)) owners.delete(owner)
    const wants = answer.wants.filter(want => owners.has(want.owner))
    if (answer.sums.length + answer.lists.length + wants.length === 0) return
    this.#tell(link, 'ledger-sync', encodeLedgerSync({ ...answer, wants }), now)
  }

  /** Of several neighbours that have something one is asked for it. */
  #mayAsk(link: GossipLink, owner: PeerId, now: Millis): boolean {
    const asked = this.#asked.get(owner)
    if (asked !== undefined && now < asked.until && this.#links.has(asked.of)) return false
    // Whoever was asked and did not answer is believed again only after a while: it says that it has what it has not.
    if (asked !== undefined) this.#links.get(asked.of)?.leftUnanswered(now)
    if (now < link.unbelievedUntil && this.#links.size > 1) return false
    if (asked === undefined && this.#asked.size >= WANTS_UNDER_WAY_MAX)
      this.#asked.delete(this.#asked.keys().next().value!)
    this.#asked.set(owner, { of: link.peerId, until: now + WANT_TIMEOUT_MS })
    return true
  }

  #handleDelta(link: GossipLink, body: Uint8Array, now: Millis): void {
    const delta = decodeLedgerDelta(body)
    if (isDrop(delta)) return this.#context.drop(delta.reason)
    const count = delta.parts.reduce((sum, part) => sum + part.records.length, 0)
    if (!link.merges.take(count, now)) return this.#context.drop('delta-rate')
    let news = 0
    let held = 0
    for (const part of delta.parts) {
      const outcome = this.#context.ledger.merge(part, now)
      if (!delta.isPushed && this.#asked.get(part.owner)?.of === link.peerId) {
        this.#asked.delete(part.owner)
        if (outcome.changed.length > 0) link.answeredWell()
      }
      if (delta.isPushed && outcome.changed.length > 0) this.#noteSide(part.owner, link)
      news += outcome.changed.length
      held += outcome.held
      this.#spread(outcome.changed, link)
      link.isForger = !link.forgeries.take(outcome.dropped['bad-signature'] ?? 0, now)
      if (link.isForger) break
    }
    this.#listeners().past.handleTold(link.peerId, undefined, now)
    if (news > 0) {
      this.#relayAt ??= now + RELAY_DELAY_MS
      this.#announceSoon(now)
    }
    if (link.isForger) return this.#listeners().links.shun(link.peerId, now)
    if (delta.isPushed) return this.#weigh(link, news, held, now)
    if (news === 0) return
    // It had to be asked for: the tree does not reach here from there.
    if (!link.isEager) this.#graft(link, now)
    link.compareAt ??= now + COMPARE_AGAIN_MS
  }

  /**
   * A push without news says that the link closes a circle of the tree, and is one too many. It is cut by chance, after
   * some of them: were all peers of a circle to cut it at once, each by records of another writer, nothing would be
   * left of it.
   */
  #weigh(link: GossipLink, news: number, held: number, now: Millis): void {
    if (news > 0) link.duplicates = 0
    else if (held > 0) link.duplicates++
    if (link.duplicates < DUPLICATES_TO_PRUNE || now < this.#pruneAt) return
    if (this.#context.config.chance() >= PRUNE_SHARE) return
    this.#pruneAt = now + PRUNE_GAP_MS
    this.#prune(link, now)
  }

  #handleTree(link: GossipLink, mode: LedgerTreeMode, now: Millis): void {
    if (mode === 'crowded') return this.#move(link, now)
    link.isEager = mode === 'graft'
    if (!link.isEager) {
      link.takeOutbox()
      // The last edge of the tree stays: two that cut each other off at one moment would be left alone.
      if (!this.#hasEager()) this.#graft(link, now)
    }
    this.#crowd.changed(this.#eager().length, now)
  }

  #askToMove(now: Millis): void {
    const edges = this.#eager()
    const edge = this.#crowd.take(edges.length, now) ? this.#any(edges) : undefined
    if (edge !== undefined) this.#tell(edge, undefined, encodeLedgerTree('crowded'), now)
  }

  #noteSide(owner: PeerId, over: GossipLink): void {
    const link = this.#links.get(owner)
    if (link !== undefined) link.cameOver = over.peerId
  }

  /**
   * An edge to a crowded peer is given up for one to somebody else on the same side of the tree. Whose only edge it is
   * has all others there; with more edges, what hangs on them must not be cut off along with it.
   */
  #move(link: GossipLink, now: Millis): void {
    if (!link.isEager) return
    const isOnlyEdge = this.#eager().length === 1
    const other = this.#anyLazy(({ cameOver }) => isOnlyEdge || cameOver === link.peerId)
    if (other === undefined) return
    this.#graft(other, now)
    this.#prune(link, now)
  }

  #graft(link: GossipLink, now: Millis): void {
    link.isEager = true
    link.duplicates = 0
    this.#tell(link, undefined, encodeLedgerTree('graft'), now)
    this.#crowd.changed(this.#eager().length, now)
  }

  #prune(link: GossipLink, now: Millis): void {
    if (!link.isEager || this.#eager().length < 2) return
    link.isEager = false
    link.takeOutbox()
    this.#tell(link, undefined, encodeLedgerTree('prune'), now)
  }

  /** Notes records for all eager links but the one that they came over, and their owner's. */
  #spread(records: readonly LedgerRecord[], from: GossipLink | undefined): void {
    for (const { owner, kind, key } of records) {
      const name = `${owner}/${kind}/${toHex(key)}`
      for (const link of this.#links.values())
        if (link.isEager && link !== from && link.peerId !== owner) link.push(name, { owner, kind, key })
    }
  }

  #sendAll(now: Millis): void {
    this.#relayAt = undefined
    for (const link of this.#links.values()) this.#send(link, now)
  }

  #send(link: GossipLink, now: Millis): void {
    if (link.isBehind || !this.#context.isShared()) return
    const parts = this.#partsOf(link.takeOutbox())
    for (const delta of packDeltas(parts, true, LEDGER_MESSAGE_BYTES_MAX))
      this.#tell(link, 'ledger-delta', encodeLedgerDelta(delta), now)
  }

  /** The records in these places as they are held now. The key of an owner goes with what introduces it. */
  #partsOf(places: readonly RecordPlace[]): DeltaPart[] {
    const { ledger } = this.#context
    const byOwner = new Map<PeerId, LedgerRecord[]>()
    for (const { owner, kind, key } of places) {
      const record = ledger.held(owner, kind, key)
      if (record === undefined) continue
      const records = byOwner.get(owner)
      if (records === undefined) byOwner.set(owner, [record])
      else records.push(record)
    }
    return [...byOwner].map(([owner, records]) => {
      const isIntroduction = records.some(({ kind }) => kind === RECORD_KIND.peer || kind === RECORD_KIND.floor)
      return {
        owner,
        signingPublic: isIntroduction ? ledger.signingPublicOf(owner) : undefined,
        records: records.sort((a, b) => a.seq - b.seq),
      }
    })
  }

  /** Answers what a neighbour asked for, a slice at a time and within its rate. */
  #answer(link: GossipLink, now: Millis): void {
    if (!link.hasWants) return
    if (now < link.answerAt) return this.#answerLater(link.answerAt)
    link.answerAt = now + ANSWER_SLICE_GAP_MS
    let left = ANSWER_SLICE_BYTES
    while (link.hasWants && !link.isBehind && this.#context.isShared()) {
      if (left <= 0) return this.#answerLater(link.answerAt)
      const want = link.nextWant()!
      const found = this.#context.ledger.recordsFor(want)
      if (found === undefined || found.records.length === 0) {
        link.answered(want, undefined)
        continue
      }
      const { records, upTo } = beginning(found.records, left)
      const part = { owner: want.owner, signingPublic: found.signingPublic, records }
      for (const delta of packDeltas([part], false, LEDGER_MESSAGE_BYTES_MAX)) {
        const body = encodeLedgerDelta(delta)
        if (!link.answers.take(body.length, now)) {
          const first = delta.parts[0]!.records[0]!
          link.answered(want, first.seq - 1)
          return this.#answerLater(link.answers.nextAt(body.length, now))
        }
        this.#tell(link, 'ledger-delta', body, now)
        left -= body.length
      }
      link.answered(want, upTo)
    }
  }

  #answerLater(at: Millis): void {
    if (this.#answerAt === undefined || at < this.#answerAt) this.#answerAt = at
  }

  #announceSoon(now: Millis): void {
    this.#announceAt ??= now + jittered(ANNOUNCE_DELAY_MS, this.#context.config.chance)
  }

  #compare(link: GossipLink, now: Millis, sync = this.#context.ledger.rootSync()): void {
    if (link.isBehind) link.isStale = true
    else this.#tell(link, 'ledger-sync', encodeLedgerSync(sync), now)
  }

  #hasEager(): boolean {
    for (const link of this.#links.values()) if (link.isEager) return true
    return false
  }

  #eager(): GossipLink[] {
    return [...this.#links.values()].filter(link => link.isEager)
  }

  #anyLazy(isFit: (link: GossipLink) => boolean = () => true): GossipLink | undefined {
    return this.#any([...this.#links.values()].filter(link => !link.isEager && !link.isBehind && isFit(link)))
  }

  #any(links: readonly GossipLink[]): GossipLink | undefined {
    return links[Math.floor(this.#context.config.chance() * links.length)]
  }

  /** `type` undefined: the bytes are a whole message. */
  #tell(link: GossipLink, type: 'ledger-sync' | 'ledger-delta' | undefined, body: Uint8Array, now: Millis): void {
    if (!this.#context.isShared()) return
    if (type !== undefined) note(this.#sent, body)
    this.#context.neighbours.send(link.peerId, type === undefined ? body : encodeLedger(type, body), now)
  }
}

function note(traffic: { messages: number; bytes: number }, body: Uint8Array): void {
  traffic.messages++
  traffic.bytes += body.length
}

/**
 * As many records as fit into so many bytes, but one at least; `upTo`: the last of them, if there are more behind it.
 */
function beginning(
  records: readonly LedgerRecord[],
  bytesMax: number,
): { readonly records: readonly LedgerRecord[]; readonly upTo: number | undefined } {
  let bytes = 0
  for (const [at, record] of records.entries()) {
    bytes += recordBytes(record)
    // Two records with one seq go together: what comes behind is asked for by its seq.
    if (at > 0 && bytes > bytesMax && records[at - 1]!.seq < record.seq)
      return { records: records.slice(0, at), upTo: records[at - 1]!.seq }
  }
  return { records, upTo: undefined }
}
