import type { PeerId } from '../address/mod.ts'
import { TokenBucket, equalBytes, isDrop, type Millis } from '../base/mod.ts'
import { peerIdOf } from '../crypto/mod.ts'
import {
  ELECTION_STATEMENTS_PER_MESSAGE,
  GOODBYE_CODE,
  decodeElection,
  encodeElection,
  encodeElectionMessage,
  electionSignedBytes,
  type ElectionStatement,
  type SignedElectionStatement,
} from '../wire/mod.ts'
import {
  FOUNDER_AWAITED_MS,
  ELECTION_BURST_BYTES,
  ELECTION_BYTES_PER_SECOND,
  ELECTION_DELAY_MS,
  ELECTION_PEERS_MAX,
  PROPOSE_FIRST_MS,
  PROPOSE_LATER_MS,
} from './constants.ts'
import type { NodeContext } from './context.ts'
import { decidedFounder, newAttempt, nextVote, type Vote } from './decree.ts'
import { Electorate } from './electorate.ts'
import { electionReport, type ElectionReport } from './election-report.ts'
import { decodeStoredElection, encodeStoredElection } from './election-store.ts'
import { NO_MESH, type Membership } from './membership.ts'
import type { NodePart, PartMessage, StoreEntry } from './part.ts'

const ELECTION_KEY = 'founding'

/** A statement as it is held. */
export interface HeldStatement extends SignedElectionStatement {
  readonly peerId: PeerId
}

interface Told {
  /** By author, the revision that the neighbour has. */
  readonly revisions: Map<PeerId, number>
  readonly inbound: TokenBucket
}

/**
 * Decides who founds, among peers that have no mesh (`launch --ipalloc-init`): each signs how it votes, and what is new
 * goes on over every link, so that it needs no routes. What this peer votes is in the store before it is told. Whoever is
 * elected founds, and says so by the same way, which invites all others. Peers without such a plan pass statements on.
 */
export class FounderElection implements NodePart {
  readonly name = 'election'
  readonly storePrefixes = [ELECTION_KEY]
  readonly messageTypes = ['election'] as const
  readonly #context: NodeContext
  readonly #mesh: Membership
  readonly #found: (beforeLinksEnd: () => void, now: Millis) => void
  readonly #electorate: Electorate | undefined
  /** The newest of each peer, this one too; bounded by ELECTION_PEERS_MAX. */
  readonly #held = new Map<PeerId, HeldStatement>()
  readonly #told = new Map<PeerId, Told>()
  #founder: PeerId | undefined
  /** Since when it is known, in this run. */
  #founderKnownAt: Millis = 0
  #revision = 0
  #tellAt: Millis | undefined
  #proposeAt: Millis | undefined
  #isStoreWritable = true

  constructor(context: NodeContext, mesh: Membership, found: (beforeLinksEnd: () => void, now: Millis) => void) {
    this.#context = context
    this.#mesh = mesh
    this.#found = found
    const { election, suite } = context.config
    this.#electorate = election && new Electorate(election, suite)
  }

  /** True while this peer has no mesh and waits for a decision: it stays linked to members until it knows theirs. */
  get isListening(): boolean {
    return this.#electorate !== undefined && !this.#mesh.isMember
  }

  /** True for the mesh of the peer that was elected. */
  isDecreed(meshId: Uint8Array): boolean {
    const decreed = this.#founder === undefined ? undefined : this.#held.get(this.#founder)?.statement.meshId
    return decreed !== undefined && !equalBytes(decreed, NO_MESH) && equalBytes(decreed, meshId)
  }

  restore(entries: readonly StoreEntry[], now: Millis): void {
    const [, value] = entries.find(([key]) => key === ELECTION_KEY) ?? []
    const stored = value === undefined ? undefined : decodeStoredElection(value)
    if (stored !== undefined) {
      const { own, founder } = stored
      this.#revision = own.statement.revision
      if (this.#electorate === undefined || equalBytes(own.statement.electorate, this.#electorate.id)) {
        this.#held.set(this.#self, { ...own, peerId: this.#self })
        this.#founder = founder
        this.#founderKnownAt = now
      } else this.#context.log('warn', 'election-changed', { text: 'votes for another --ipalloc-init are void' }, now)
    }
    if (this.#hasVote && !this.#held.has(this.#self)) this.#state(undefined, now)
    // Nothing follows before all parts are restored.
    if (this.#electorate !== undefined) this.#tellAt = now
  }

  /** False while the disk takes nothing: nothing is voted then. */
  setStore(isWritable: boolean, now: Millis): void {
    this.#isStoreWritable = isWritable
    if (isWritable) this.#tellSoon(now)
  }

  handleNeighbour(peer: PeerId, now: Millis): void {
    const inbound = new TokenBucket(ELECTION_BURST_BYTES, ELECTION_BYTES_PER_SECOND)
    this.#told.set(peer, { revisions: new Map(), inbound })
    this.#tellSoon(now)
  }

  handleNeighbourDown(peer: PeerId): void {
    this.#told.delete(peer)
  }

  handleMessage(from: PeerId, message: PartMessage, now: Millis): void {
    const told = this.#told.get(from)
    if (message.type !== 'election' || told === undefined) return
    if (!told.inbound.take(message.body.length, now)) return this.#context.drop('election-rate')
    const statements = decodeElection(message.body)
    if (isDrop(statements)) return this.#context.drop(statements.reason)
    let isNews = false
    for (const signed of statements) isNews = this.#take(signed, told, now) || isNews
    if (isNews) this.#think(now)
  }

  handleTimeout(now: Millis): void {
    if (this.#tellAt !== undefined && now >= this.#tellAt) {
      this.#tellAt = undefined
      if (this.#isStoreWritable) this.#tellAll(now)
      this.#think(now)
    }
    if (this.#proposeAt !== undefined && now >= this.#proposeAt) {
      this.#proposeAt = undefined
      this.#propose(now)
    }
  }

  pollTimeout(): { at: Millis; reason: string } | undefined {
    const at = Math.min(this.#tellAt ?? Infinity, this.#proposeAt ?? Infinity)
    return at === Infinity ? undefined : { at, reason: 'election' }
  }

  /** Undefined for a peer without a plan. */
  report(now: Millis): ElectionReport | undefined {
    if (this.#electorate === undefined) return undefined
    return electionReport({
      self: this.#self,
      electorate: this.#electorate,
      held: [...this.#held.values()],
      founder: this.#founder,
      hasVote: this.#hasVote,
      isFounderMissing: this.#founder !== undefined && now - this.#founderKnownAt >= FOUNDER_AWAITED_MS,
    })
  }

  get #self(): PeerId {
    return this.#context.config.identity.peerId
  }

  get #hasVote(): boolean {
    const { nickname } = this.#context.config
    return this.#electorate?.hasVote({ peerId: this.#self, nickname }) === true
  }

  /** The votes that count, by the newest statements of those who have one. */
  #votes(electorate: Electorate): Map<PeerId, Vote> {
    const electors = [...this.#held.values()]
      .filter(({ statement }) => equalBytes(statement.electorate, electorate.id))
      .map(({ peerId, statement }) => ({ peerId, nickname: statement.nickname, vote: statement }))
    const counted = new Set(electorate.sort(electors).counted.map(({ peerId }) => peerId))
    return new Map(electors.filter(({ peerId }) => counted.has(peerId)).map(({ peerId, vote }) => [peerId, vote]))
  }

  /** Takes one statement. False when it is no news. */
  #take(signed: SignedElectionStatement, told: Told, now: Millis): boolean {
    const { suite } = this.#context.config
    const { statement } = signed
    const peerId = peerIdOf(suite, statement.signingPublic)
    told.revisions.set(peerId, Math.max(told.revisions.get(peerId) ?? 0, statement.revision))
    const known = this.#held.get(peerId)
    const isOwn = peerId === this.#self
    if (statement.revision <= (isOwn ? this.#revision : (known?.statement.revision ?? 0))) return false
    if (known === undefined && this.#held.size >= ELECTION_PEERS_MAX) {
      this.#context.drop('election-full')
      return false
    }
    if (!suite.verify(statement.signingPublic, electionSignedBytes(statement), signed.signature)) {
      this.#context.drop('election-signature')
      return false
    }
    this.#held.set(peerId, { ...signed, peerId })
    if (isOwn) this.#recall(statement, now)
    this.#tellSoon(now)
    return true
  }

  /** The own state was lost: what this peer has voted before counts. */
  #recall(statement: ElectionStatement, now: Millis): void {
    this.#revision = statement.revision
    const isSame = this.#electorate !== undefined && equalBytes(statement.electorate, this.#electorate.id)
    this.#context.log('warn', 'election-recalled', { text: 'an earlier run had voted; what it said counts' }, now)
    if (this.#hasVote) this.#state(isSame ? statement : undefined, now)
  }

  /** What follows from the votes as they are now. */
  #think(now: Millis): void {
    const electorate = this.#electorate
    if (electorate === undefined) return
    const votes = this.#votes(electorate)
    const quorum = electorate.quorum(votes.size)
    if (this.#founder === undefined) this.#decide(decidedFounder(votes, quorum), now)
    if (this.#founder !== undefined) return this.#follow(now)
    if (this.#mesh.isMember || !votes.has(this.#self)) return
    const own = votes.get(this.#self)
    const next = nextVote(this.#self, votes, quorum)
    if (this.#isStoreWritable && (next.promised !== own?.promised || next.accepted !== own?.accepted)) {
      this.#state(next, now)
      // An own vote can be the one that was missing; it counts, for it is in the store before anything else is done.
      return this.#think(now)
    }
    if (votes.size < quorum) this.#proposeAt = undefined
    else this.#proposeAt = now + this.#patienceMs(votes)
  }

  #patienceMs(votes: ReadonlyMap<PeerId, Vote>): number {
    if (votes.size === 1) return 0
    const isFirst = [...votes.keys()].every(peer => peer >= this.#self)
    return isFirst ? PROPOSE_FIRST_MS : PROPOSE_LATER_MS * (1 + this.#context.config.chance())
  }

  #propose(now: Millis): void {
    const electorate = this.#electorate
    if (electorate === undefined || this.#founder !== undefined || this.#mesh.isMember) return
    const votes = this.#votes(electorate)
    if (!votes.has(this.#self) || votes.size < electorate.quorum(votes.size)) return
    if (this.#isStoreWritable) this.#state(newAttempt(this.#self, votes), now)
    this.#think(now)
  }

  #decide(founder: PeerId | undefined, now: Millis): void {
    if (founder === undefined) return
    this.#founder = founder
    this.#founderKnownAt = now
    this.#proposeAt = undefined
    this.#persist()
    this.#context.log('info', 'founder-elected', { founder, isSelf: founder === this.#self }, now)
  }

  /** The founder is known: this peer founds if it is the one, else looks whether it may join a neighbour's mesh now. */
  #follow(now: Millis): void {
    if (this.#founder === this.#self) {
      if (!this.#isStoreWritable) return
      const isTold = () => equalBytes(this.#held.get(this.#self)!.statement.meshId, this.#mesh.meshId)
      const tell = () => {
        if (!isTold()) this.#state(this.#held.get(this.#self)?.statement, now)
        this.#tellAll(now)
      }
      if (!this.#mesh.isMember) this.#found(tell, now)
      else if (!isTold()) this.#state(this.#held.get(this.#self)?.statement, now)
      return
    }
    if (this.#mesh.isMember) return
    this.#onDecreed(now)
  }

  /** Links to members that this peer had no leave to join are made anew. */
  #onDecreed(now: Millis): void {
    const { neighbours } = this.#context
    for (const { peerId, hello } of neighbours.neighbours)
      if (this.isDecreed(hello.meshId)) neighbours.disconnect(peerId, GOODBYE_CODE.rejoin, 'may join now', now)
  }

  /** Says how this peer votes: stored now, told soon. */
  #state(vote: Vote | undefined, now: Millis): void {
    const { identity, nickname } = this.#context.config
    const electorate = this.#electorate!
    const isFounder = this.#founder === this.#self
    const statement = {
      signingPublic: identity.signingPublic,
      revision: ++this.#revision,
      electorate: electorate.id,
      size: electorate.size,
      promised: vote?.promised,
      accepted: vote?.accepted,
      meshId: isFounder ? this.#mesh.meshId : NO_MESH,
      nickname,
    }
    const signature = identity.sign(electionSignedBytes(statement))
    this.#held.set(this.#self, { statement, signature, peerId: this.#self })
    this.#persist()
    this.#tellSoon(now)
  }

  #persist(): void {
    const own = this.#held.get(this.#self)
    if (own === undefined) return
    const value = encodeStoredElection({ own, founder: this.#founder })
    this.#context.emit({ type: 'persist', puts: [[ELECTION_KEY, value]], deletes: [] })
  }

  /** Not at once: whether the store took it shows first, and one message holds what comes together. */
  #tellSoon(now: Millis): void {
    if (this.#held.size > 0) this.#tellAt ??= now + ELECTION_DELAY_MS
  }

  /** What a neighbour does not have, unless both are of a mesh. */
  #tellAll(now: Millis): void {
    for (const [peer, { revisions }] of this.#told) {
      const neighbour = this.#context.neighbours.neighbour(peer)
      if (neighbour === undefined) continue
      if (this.#mesh.isMember && !equalBytes(neighbour.hello.meshId, NO_MESH)) continue
      const news = [...this.#held.values()].filter(
        ({ peerId, statement }) => statement.revision > (revisions.get(peerId) ?? 0),
      )
      for (const { peerId, statement } of news) revisions.set(peerId, statement.revision)
      for (let at = 0; at < news.length; at += ELECTION_STATEMENTS_PER_MESSAGE) {
        const body = encodeElection(news.slice(at, at + ELECTION_STATEMENTS_PER_MESSAGE))
        this.#context.neighbours.send(peer, encodeElectionMessage(body), now)
      }
    }
  }
}
