import type { PeerId } from '../address/mod.ts'
import { equalBytes, fromHex, type Millis } from '../base/mod.ts'
import { GOODBYE_CODE, type Hello, type LinkMessage } from '../wire/mod.ts'
import type { NodeContext } from './context.ts'
import type { DataPaths } from './data-paths.ts'
import type { Dialler } from './dialler.ts'
import type { Discovery } from './discovery.ts'
import type { Gossip } from './gossip.ts'
import type { FounderElection } from './founder-election.ts'
import type { Joining } from './joining.ts'
import { judgeMesh, meshStateOf, refusalOf, type MeshState, type MeshVerdict, type Membership } from './membership.ts'
import type { Admission, Neighbour, NeighboursOutput, ProvedLink } from './neighbour.ts'
import type { OwnLinks } from './own-links.ts'
import type { Parts } from './parts.ts'
import { describeForger, isRefusedBy, isTroubled, retryMsAfter } from './reasons.ts'
import type { Past } from './past.ts'
import type { Router } from './router.ts'
import { Shunned } from './shunned.ts'

/** Whom a link concerns. */
export interface LinkParts {
  readonly mesh: Membership
  readonly joining: Joining
  readonly election: FounderElection
  readonly dialler: Dialler
  readonly discovery: Discovery
  readonly gossip: Gossip
  readonly paths: DataPaths
  readonly links: OwnLinks
  readonly router: Router
  readonly past: Past
  readonly parts: () => Parts
  /** What the forwarding table is made of may have changed. */
  readonly tableChanged: () => void
}

/** What the coming and going of control links means for the parts of a node. */
export class LinkEvents {
  readonly #context: NodeContext
  readonly #parts: LinkParts
  readonly #shunned = new Shunned()
  /** Neighbours of a mesh that this peer moves to from its own, as soon as they tell of their ledger. */
  readonly #moving = new Set<PeerId>()

  constructor(context: NodeContext, parts: LinkParts) {
    this.#context = context
    this.#parts = parts
  }

  /** Whether a peer that proved who it is may be a neighbour. */
  admit(peerId: PeerId, hello: Hello, link: ProvedLink, now: Millis): Admission {
    const shunnedMs = this.#shunned.leftMs(peerId, now)
    if (shunnedMs > 0) return { admitted: false, code: GOODBYE_CODE.forger, text: describeForger(shunnedMs) }
    const { sent } = link
    const { mesh, discovery } = this.#parts
    const ours = mesh.state(this.#context.ledger.ownerCount)
    const isAsSent = sent.isPristine === ours.isPristine && sent.isUnused === ours.isUnused
    if (!equalBytes(sent.meshId, ours.meshId) || !isAsSent)
      return { admitted: false, code: GOODBYE_CODE.rejoin, text: 'joined a mesh meanwhile' }
    const through = mesh.joiningThrough
    if (through !== undefined && through !== peerId)
      return { admitted: false, code: GOODBYE_CODE.rejoin, text: 'is about to join a mesh' }
    const refusal = refusalOf(this.#judge(ours, hello, peerId, link))
    if (refusal !== undefined) return refusal
    if (discovery.mayRefuse(peerId))
      return {
        admitted: false,
        code: GOODBYE_CODE.full,
        text: 'this peer has as many links as it may; others have room',
      }
    return { admitted: true }
  }

  handle(output: NeighboursOutput, now: Millis): void {
    switch (output.type) {
      case 'write':
      case 'close':
        return this.#context.emit(output)
      case 'up':
        return this.#up(output.neighbour, now)
      case 'down':
        return this.#down(output, now)
      case 'message':
        return this.#message(output.from, output.message, now)
      case 'drop':
        return this.#context.drop(output.reason)
      case 'ourself':
        return this.#parts.dialler.handleOurself(output.connection, now)
      case 'double':
        return this.#parts.past.handleDouble(output.hello.nickname, output.endpoint, output.hello.incarnation, now)
      case 'ended':
        return this.#ended(output, now)
    }
  }

  /**
   * A neighbour sent more false signatures than an honest one can: its link ends, and for a while there is no other.
   */
  shun(peer: PeerId, now: Millis): void {
    const text = describeForger(this.#shunned.shun(peer, now))
    this.#context.drop('link-forger')
    this.#context.log('warn', 'link-forger', { peer, nickname: this.#context.view.nicknameOf(peer), text }, now)
    this.#context.neighbours.disconnect(peer, GOODBYE_CODE.forger, text, now)
  }

  /** A peer's record tells of another incarnation than before. */
  restarted(peer: PeerId, now: Millis): void {
    const { view } = this.#context
    this.#context.log('info', 'peer-restarted', { peer, nickname: view.nicknameOf(peer) }, now)
    const incarnation = fromHex(view.peer(peer)?.info?.incarnation ?? '')
    if (incarnation !== undefined) this.#parts.paths.meet(peer, incarnation, now)
  }

  /** Messages of neighbours; ping, pong and goodbye end in the link itself. */
  #message(from: PeerId, message: LinkMessage, now: Millis): void {
    const { mesh, joining, router, parts } = this.#parts
    switch (message.type) {
      case 'ledger-sync':
      case 'ledger-delta':
      case 'ledger-tree':
        if (!mesh.isMember) return this.#context.drop('ledger-no-mesh')
        if (this.#moving.delete(from) && !this.#move(from, now)) return
        joining.confirm(from, now)
        return parts().handleMessage(from, message, now)
      case 'election':
      case 'datagrams':
      case 'datagrams-taken':
      case 'check':
      case 'checked':
        return parts().handleMessage(from, message, now)
      case 'routed': {
        const own = router.handle(message, from, now)
        if (own !== undefined && !parts().handleRouted(own, now)) this.#context.drop('routed-kind')
        return
      }
      case 'unknown':
        return this.#context.drop('link-message-kind')
      case 'ping':
      case 'pong':
      case 'goodbye':
        return
    }
  }

  /** Whoever waits for a founder to be elected stays linked to members, which tell it how that went. */
  #judge(
    ours: MeshState,
    hello: Hello,
    peerId: PeerId,
    link: Pick<ProvedLink, 'connection' | 'isOutbound'>,
  ): MeshVerdict {
    const { dialler, election } = this.#parts
    const isInvited =
      dialler.configuredContactOf(peerId, link.connection) !== undefined || election.isDecreed(hello.meshId)
    const { onlyMesh } = this.#context.config
    const verdict = judgeMesh(ours, meshStateOf(hello), { isDialler: link.isOutbound, isInvited, onlyMesh })
    return verdict.verdict === 'uninvited' && election.isListening ? { verdict: 'wait' } : verdict
  }

  /**
   * The order matters: who joins does so before its ledger is told of, and a peer has an index before it has a path.
   */
  #up(neighbour: Neighbour, now: Millis): void {
    const { peerId, connection, hello, endpoint } = neighbour
    const { mesh, joining, election, dialler, gossip } = this.#parts
    this.#context.emit({ type: 'established', connection })
    dialler.handleUp(connection, peerId, now)
    this.#context.log('info', 'link-up', { peer: peerId, nickname: hello.nickname, endpoint }, now)
    const ours = mesh.state(this.#context.ledger.ownerCount)
    const verdict = this.#judge(ours, hello, peerId, neighbour)
    const doesJoin = verdict.verdict === 'join'
    // A mesh that others are in is given up only for one that is there: hellos may be out of date.
    const doesMove = doesJoin && mesh.isMember && !hello.isPristine
    if (doesMove) this.#moving.add(peerId)
    else if (doesJoin) {
      const contact = dialler.configuredContactOf(peerId, connection)
      joining.join(verdict.meshId, peerId, contact ?? '', now)
    }
    this.#welcome(neighbour, doesMove, now)
    election.handleNeighbour(peerId, now)
    // Who joins speaks first, whoever dialled; who moves waits for a word.
    const isMovedTo = verdict.verdict === 'theirs-joins-ours' && !ours.isPristine
    if (!doesMove && (neighbour.isOutbound || doesJoin || isMovedTo)) gossip.greet(peerId, now)
  }

  /** `isMoving`: nothing of the ledger is told yet. */
  #welcome(neighbour: Neighbour, isMoving: boolean, now: Millis): void {
    const { peerId, hello } = neighbour
    const { gossip, paths, links, tableChanged } = this.#parts
    const known = this.#context.view.ensurePeer(peerId)
    paths.meet(peerId, hello.incarnation, now)
    if (!isMoving) gossip.handleNeighbourUp(neighbour, now)
    this.#context.view.markDirty(now)
    paths.update(now)
    links.changed(now)
    this.#parts.parts().neighbourUp(peerId, now)
    if (known.info === undefined) tableChanged()
  }

  /** A neighbour of a mesh that this peer may move to has told of its ledger. False when the link has ended. */
  #move(from: PeerId, now: Millis): boolean {
    const neighbour = this.#context.neighbours.neighbour(from)
    if (neighbour === undefined) return false
    const { mesh, joining, dialler } = this.#parts
    const ours = mesh.state(this.#context.ledger.ownerCount)
    const verdict = this.#judge(ours, neighbour.hello, from, neighbour)
    if (verdict.verdict === 'join')
      joining.move(verdict.meshId, from, dialler.configuredContactOf(from, neighbour.connection) ?? '', now)
    else if (verdict.verdict !== 'same') {
      this.#context.neighbours.disconnect(from, GOODBYE_CODE.rejoin, 'its mesh has changed meanwhile', now)
      return false
    }
    this.#welcome(neighbour, false, now)
    return true
  }

  #down({ neighbour, heardAt, error, code }: Extract<NeighboursOutput, { type: 'down' }>, now: Millis): void {
    const { peerId, hello } = neighbour
    const { mesh, joining, election, dialler, gossip, links } = this.#parts
    this.#context.log('info', 'link-down', { peer: peerId, nickname: hello.nickname, error }, now)
    this.#moving.delete(peerId)
    election.handleNeighbourDown(peerId)
    dialler.handleLost(peerId, now)
    gossip.handleNeighbourDown(peerId, now)
    this.#context.view.handleNeighbourDown(peerId, now)
    if (code === GOODBYE_CODE.full) links.retired(peerId, now)
    else links.changed(now)
    this.#parts.past.neighbourDown(peerId, heardAt, now)
    if (code === GOODBYE_CODE.restarted) this.#parts.past.handleReplaced(now)
    if (mesh.joiningThrough === peerId) joining.giveUp(now)
  }

  #ended(output: Extract<NeighboursOutput, { type: 'ended' }>, now: Millis): void {
    const { connection, peerId, isOutbound, endpoint, reason, code, error } = output
    // A scan that hangs up by itself is counted, and not worth a line.
    if (reason === 'closed' && !isOutbound && peerId === undefined) this.#context.drop('link-closed')
    if (isTroubled(reason, code)) {
      this.#context.drop(`link-${reason}`)
      this.#context.log('warn', `link-${reason}`, { endpoint, outbound: isOutbound, error }, now)
    }
    if (!isOutbound) return
    const isRefusal = isRefusedBy(reason, code)
    this.#parts.dialler.handleEnded(connection, peerId, error, now, { retryMs: retryMsAfter(code), isRefusal })
    if (peerId !== undefined) this.#joinInvited(peerId, now)
  }

  /** The operator named a member that had linked to this peer before: that link is made anew, and joined through. */
  #joinInvited(peerId: PeerId, now: Millis): void {
    const { mesh } = this.#parts
    const neighbour = this.#context.neighbours.neighbour(peerId)
    if (neighbour === undefined || mesh.isMember) return
    const verdict = this.#judge(mesh.state(this.#context.ledger.ownerCount), neighbour.hello, peerId, neighbour)
    if (verdict.verdict === 'join')
      this.#context.neighbours.disconnect(peerId, GOODBYE_CODE.rejoin, 'was told to join', now)
  }
}
