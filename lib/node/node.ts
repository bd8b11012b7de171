import { peerIdBytes, type Cidr, type Endpoint, type EndpointParts, type Ipv4, type PeerId } from '../address/mod.ts'
import { Timers, equalBytes, fromHex, soonest, type Millis } from '../base/mod.ts'
import type { AddressForm, Lease, LeaseHolder } from '../ipam/mod.ts'
import { Ledger } from '../ledger/mod.ts'
import {
  GOODBYE_CODE,
  RECORD_KIND,
  ROUTED_KIND,
  SHORT_ID_BYTES,
  type Hello,
  type LedgerRecord,
  type LinkMessage,
} from '../wire/mod.ts'
import { Addresses, LEASE_PREFIX } from './addresses.ts'
import type { NodeConfig } from './config.ts'
import { COLLECT_INTERVAL_MS } from './constants.ts'
import type { NodeContext } from './context.ts'
import { DataPaths } from './data-paths.ts'
import { Dialler } from './dialler.ts'
import { Discovery } from './discovery.ts'
import { TablePublisher, forwardingTable } from './forwarding-table.ts'
import { ForgetRecords } from './forget-records.ts'
import { Gossip } from './gossip.ts'
import { Joining } from './joining.ts'
import { LedgerKeeper } from './ledger-keeper.ts'
import { OwnLinks } from './own-links.ts'
import { Membership, judgeMesh, refusalOf, standingOf } from './membership.ts'
import { MeshView } from './mesh-view.ts'
import { Neighbours, type Admission, type Neighbour, type NeighboursOutput } from './neighbours.ts'
import type { NodeOutput } from './outputs.ts'
import { isTroubled, retryMsAfter } from './reasons.ts'
import { RateLimitedLog } from './rate-limited-log.ts'
import { Router } from './router.ts'
import { decodeTargets, encodeTargets } from './stored.ts'

const TARGETS_KEY = 'targets'

/**
 * One whole peer as a machine without IO: links, ledger, topology, sessions, paths and addresses.
 *
 * Drive it with the handle* methods and the operator's calls, each followed by draining `pollOutput` and carrying the
 * outputs out in order; call `handleTimeout` at `pollTimeout`. The same machine runs in the daemon and, hundreds of them,
 * in the simulator. Foreign input never throws and never ends another link than its own.
 */
export class Node {
  readonly config: NodeConfig
  readonly ledger: Ledger
  readonly neighbours: Neighbours
  readonly dialler: Dialler
  readonly view: MeshView
  readonly paths: DataPaths
  readonly addresses: Addresses
  readonly drops = new Map<string, number>()
  readonly #context: NodeContext
  readonly #gossip: Gossip
  readonly #router: Router
  readonly #keeper: LedgerKeeper
  readonly #mesh: Membership
  readonly #joining: Joining
  readonly #discovery: Discovery
  readonly #links: OwnLinks
  readonly #forget: ForgetRecords
  readonly #log: RateLimitedLog
  readonly #timers = new Timers()
  readonly #tables = new TablePublisher()
  readonly #outputs: NodeOutput[] = []
  #nextConnection = 1

  /** `stored`: every entry of the state store. */
  constructor(config: NodeConfig, stored: Iterable<readonly [string, Uint8Array]>, now: Millis) {
    this.config = config
    const entries = [...stored]
    this.#mesh = new Membership(config, entries, output => this.#outputs.push(output))
    this.ledger = new Ledger({
      suite: config.suite,
      identity: config.identity,
      meshId: this.#mesh.meshId,
      chance: config.chance,
    })
    this.neighbours = new Neighbours({
      self: config.identity.peerId,
      configOf: role => ({
        role,
        suite: config.suite,
        entropy: config.entropy,
        staticSecret: config.identity.exchangeSecret,
        secrets: config.secrets,
        hello: this.#mesh.hello(this.ledger.owners().length),
      }),
      admit: (peerId, hello, sent) => this.#admit(peerId, hello, sent),
    })
    this.#log = new RateLimitedLog(line => this.#outputs.push({ type: 'log', line }))
    this.#context = {
      config,
      ledger: this.ledger,
      neighbours: this.neighbours,
      isShared: () => this.#mesh.isShared,
      emit: output => this.#outputs.push(output),
      log: (level, event, fields, at) => this.#log.write(level, event, fields, at),
      drop: reason => this.drops.set(reason, (this.drops.get(reason) ?? 0) + 1),
    }
    this.dialler = new Dialler({
      chance: config.chance,
      nextConnection: () => this.#nextConnection++,
      isNeighbour: peer => this.neighbours.neighbour(peer) !== undefined,
    })
    this.view = new MeshView(this.#context, (peer, at) => this.paths.stop(peer, at))
    this.#router = new Router(this.#context, to => this.view.controlRoutes.get(to)?.nextHop)
    this.#gossip = new Gossip(this.#context, now)
    this.#keeper = new LedgerKeeper(this.#context, this.#gossip)
    this.#forget = new ForgetRecords(this.#context)
    this.paths = new DataPaths(this.#context, {
      view: this.view,
      route: (to, body, at) => void this.#router.send(to, ROUTED_KIND.sessionHandshake, body, at),
      onChanged: (peer, at) => {
        this.#tables.changed()
        if (this.neighbours.neighbour(peer) !== undefined) this.#links.changed(at)
      },
    })
    this.addresses = new Addresses(this.#context, {
      view: this.view,
      route: (to, kind, body, at) => void this.#router.send(to, kind, body, at),
      flush: at => this.#keeper.flush(at),
    })
    this.#joining = new Joining(this.#context, {
      mesh: this.#mesh,
      addresses: this.addresses,
      paths: this.paths,
      gossip: this.#gossip,
    })
    this.#links = new OwnLinks(this.#context, this.view, this.paths)
    this.#discovery = new Discovery(this.#context, this.view, this.dialler)
    this.#outputs.push({
      type: 'engine',
      op: { op: 'set-self', shortId: peerIdBytes(config.identity.peerId).slice(0, SHORT_ID_BYTES) },
    })
    this.#restore(entries, now)
  }

  get meshId(): Uint8Array | undefined {
    return this.#mesh.isMember ? this.#mesh.meshId : undefined
  }

  /** Founded here, and nobody joined and nothing was allocated since. */
  get isPristine(): boolean {
    return this.#mesh.isPristine
  }

  /** Founds a mesh, unless this peer is of one already. Returns whether it did. */
  found(now: Millis): boolean {
    if (this.meshId !== undefined) return false
    this.#joining.found(now)
    this.#settle(now)
    return true
  }

  /** Adds targets, or makes the given ones the whole list. Returns the list; undefined when it would be too long. */
  connect(targets: readonly string[], isReplacing: boolean, now: Millis): string[] | undefined {
    if (isReplacing) this.dialler.unconfigure(this.dialler.configured.filter(known => !targets.includes(known)))
    const isTaken = this.dialler.configure(targets, now)
    this.#persistTargets()
    this.#settle(now)
    return isTaken ? this.dialler.configured : undefined
  }

  /** Removes targets here, and by a record of the ledger at every peer. Returns what is left here. */
  forgetTargets(targets: readonly string[], now: Millis): string[] {
    this.dialler.unconfigure(targets)
    this.#forget.publish(targets)
    this.#persistTargets()
    this.#settle(now)
    return this.dialler.configured
  }

  /** Asks for an address (for an attachment unless told otherwise); ends in `allocated` or `refused` with the id. */
  requestAddress(id: string, container: string, form: AddressForm, now: Millis, holder?: LeaseHolder): void {
    this.addresses.request(id, container, form, now, holder)
    this.#settle(now)
  }

  cancelRequest(id: string, now: Millis): void {
    this.addresses.cancel(id, now)
    this.#settle(now)
  }

  freeAddresses(container: string, address: Ipv4 | undefined, now: Millis, holder?: LeaseHolder): readonly Lease[] {
    const ended = this.addresses.free(container, address, now, holder)
    this.#settle(now)
    return ended
  }

  leasesOf(container: string, holder?: LeaseHolder): readonly Cidr[] {
    return this.addresses.ipam.lookup(container, holder)
  }

  /** Hands all address blocks to a peer that can be reached, and ends all leases. Returns the heir and how many. */
  leave(now: Millis): { readonly heir: PeerId; readonly blocks: number } | undefined {
    const outcome = this.addresses.leave(this.view.reachable, now)
    this.view.withdrawSelf()
    this.#settle(now)
    return outcome
  }

  /** A neighbour dialled us; returns the number of the connection. */
  handleAccepted(endpoint: Endpoint, now: Millis): number {
    const connection = this.#nextConnection++
    this.neighbours.open(connection, false, endpoint, now)
    this.#settle(now)
    return connection
  }

  handleDialled(connection: number, endpoint: Endpoint, now: Millis): void {
    this.dialler.handleDialled(connection)
    this.neighbours.open(connection, true, endpoint, now)
    this.#settle(now)
  }

  handleDialFailed(connection: number, error: string, now: Millis): void {
    this.dialler.handleDialFailed(connection, error, now)
    this.#settle(now)
  }

  handleResolved(target: string, result: readonly Endpoint[] | string, now: Millis): void {
    this.dialler.handleResolved(target, result, now)
    this.#settle(now)
  }

  handleBytes(connection: number, bytes: Uint8Array, now: Millis): void {
    this.neighbours.handleBytes(connection, bytes, now)
    this.#settle(now)
  }

  handleClosed(connection: number, now: Millis): void {
    this.neighbours.handleClosed(connection, now)
    this.#settle(now)
  }

  /** An authenticated control datagram; without a source when a relay passed it on. */
  handleControl(
    peerIndex: number,
    receiverIndex: number,
    body: Uint8Array,
    source: EndpointParts | undefined,
    now: Millis,
  ): void {
    const peer = this.view.peerAt(peerIndex)
    if (peer !== undefined) this.paths.handleControl(peer, receiverIndex, body, source, now)
    this.#settle(now)
  }

  handleMoved(peerIndex: number, source: EndpointParts, now: Millis): void {
    const peer = this.view.peerAt(peerIndex)
    if (peer !== undefined) this.paths.handleMoved(peer, source, now)
    this.#settle(now)
  }

  /** The data plane floods unicast frames for want of a way to the peer. */
  handleWanted(peerIndex: number, now: Millis): void {
    const peer = this.view.peerAt(peerIndex)
    if (peer !== undefined) this.paths.want(peer, now)
    this.#settle(now)
  }

  /** Says goodbye on every link. */
  shutdown(now: Millis): void {
    for (const { peerId } of this.neighbours.neighbours)
      this.neighbours.disconnect(peerId, GOODBYE_CODE.shutdown, 'stopped', now)
    this.#keeper.persistForeign()
    this.#drainNeighbours(now)
  }

  handleTimeout(now: Millis): void {
    this.neighbours.handleTimeout(now)
    this.dialler.handleTimeout(now)
    this.paths.handleTimeout(now)
    this.addresses.handleTimeout(now)
    this.#gossip.handleTimeout(now)
    this.#keeper.handleTimeout(now)
    this.#discovery.handleTimeout(now)
    this.#links.handleTimeout(now)
    for (let due = this.#timers.popDue(now); due !== undefined; due = this.#timers.popDue(now)) {
      if (due === 'collect') this.#collect(now)
    }
    if (this.view.handleTimeout(now)) this.#viewChanged(now)
    this.#settle(now)
  }

  pollOutput(): NodeOutput | undefined {
    return this.#outputs.shift()
  }

  pollTimeout(): { at: Millis; reason: string } | undefined {
    return soonest([
      this.neighbours.pollTimeout(),
      this.dialler.pollTimeout(),
      this.paths.pollTimeout(),
      this.addresses.ipam.pollTimeout(),
      this.#gossip.pollTimeout(),
      this.#keeper.pollTimeout(),
      this.#discovery.pollTimeout(),
      this.#links.pollTimeout(),
      this.#timers.next(),
      this.view.pollTimeout(),
    ])
  }

  #restore(entries: readonly (readonly [string, Uint8Array])[], now: Millis): void {
    this.#keeper.restore(entries, now)
    this.#forget.restore()
    this.view.reload(now)
    const leases = entries.filter(([key]) => key.startsWith(LEASE_PREFIX))
    for (const key of this.addresses.restore(leases, now))
      this.#context.log('warn', 'lease-refused', { key, text: 'outside the range, or held twice' }, now)
    this.dialler.configure(decodeTargets(entries.find(([key]) => key === TARGETS_KEY)?.[1]), now)
    this.view.publishSelf()
    this.view.publishLinks([])
    this.view.refresh()
    this.#timers.set('collect', now + COLLECT_INTERVAL_MS)
    this.#viewChanged(now)
    this.#settle(now)
  }

  /** Works off what one input caused, until nothing is left. */
  #settle(now: Millis): void {
    for (;;) {
      const didNeighbours = this.#drainNeighbours(now)
      const didDialler = this.#drainDialler()
      const didLedger = this.#applyChanges(now)
      if (!didNeighbours && !didDialler && !didLedger) break
    }
    if (this.#mesh.isPristine && this.addresses.ipam.leases().length > 0) this.#mesh.set(this.#mesh.meshId, false)
    const table = this.#tables.take(() => forwardingTable(this.view, this.paths, this.addresses))
    if (table !== undefined) this.#outputs.push({ type: 'forwarding', table })
  }

  #drainDialler(): boolean {
    let did = false
    for (let output = this.dialler.pollOutput(); output !== undefined; output = this.dialler.pollOutput()) {
      this.#outputs.push(output)
      did = true
    }
    return did
  }

  #drainNeighbours(now: Millis): boolean {
    let did = false
    for (let output = this.neighbours.pollOutput(); output !== undefined; output = this.neighbours.pollOutput()) {
      this.#handleNeighboursOutput(output, now)
      did = true
    }
    return did
  }

  #handleNeighboursOutput(output: NeighboursOutput, now: Millis): void {
    switch (output.type) {
      case 'write':
      case 'close':
        this.#outputs.push(output)
        break
      case 'up':
        this.#neighbourUp(output.neighbour, now)
        break
      case 'down':
        this.#neighbourDown(output.neighbour, output.error, now)
        break
      case 'message':
        this.#handleMessage(output.from, output.message, now)
        break
      case 'drop':
        this.#context.drop(output.reason)
        break
      case 'ourself':
        this.dialler.handleOurself(output.connection)
        break
      case 'ended':
        this.#connectionEnded(output, now)
        break
    }
  }

  /** Messages of neighbours: to add a kind, give it a case here (and see wire/link-message.ts). */
  #handleMessage(from: PeerId, message: LinkMessage, now: Millis): void {
    switch (message.type) {
      case 'ledger-digest':
        this.#joining.confirm(from, now)
        return this.#gossip.handleDigest(from, message.body, now)
      case 'ledger-delta':
        this.#joining.confirm(from, now)
        return this.#gossip.handleDelta(from, message.body, now)
      case 'routed': {
        const own = this.#router.handle(message, now)
        if (own === undefined) return
        if (own.routedKind === ROUTED_KIND.sessionHandshake)
          return this.paths.handleHandshake(own.source, own.body, now)
        if (own.routedKind === ROUTED_KIND.ipamRequest || own.routedKind === ROUTED_KIND.ipamAnswer)
          return this.addresses.handleRouted(own.source, own.routedKind, own.body, now)
        return this.#context.drop('routed-kind')
      }
      case 'unknown':
        return this.#context.drop('link-message-kind')
      default:
        // ping, pong and goodbye end in the link itself.
        return
    }
  }

  #neighbourUp(neighbour: Neighbour, now: Millis): void {
    const { peerId, connection, hello } = neighbour
    this.#outputs.push({ type: 'established', connection })
    this.dialler.handleUp(connection, peerId, now)
    this.#context.log('info', 'link-up', { peer: peerId, nickname: hello.nickname, endpoint: neighbour.endpoint }, now)
    const verdict = judgeMesh(this.#mesh.standing(this.ledger.owners().length), standingOf(hello))
    if (verdict.verdict === 'join') this.#joining.join(verdict.meshId, peerId, now)
    const known = this.view.ensurePeer(peerId)
    this.paths.meet(peerId, hello.incarnation, now)
    this.#gossip.handleNeighbourUp(peerId, now)
    this.view.markDirty(now)
    this.paths.update(now)
    this.#links.changed(now)
    if (known.info === undefined) this.#tables.changed()
  }

  #neighbourDown(neighbour: Neighbour, error: string, now: Millis): void {
    this.#context.log('info', 'link-down', { peer: neighbour.peerId, nickname: neighbour.hello.nickname, error }, now)
    this.dialler.handleNeighbourDown(neighbour.peerId, now)
    this.view.handleNeighbourDown(neighbour.peerId, now)
    this.#links.changed(now)
    if (this.#mesh.joiningThrough === neighbour.peerId) this.#joining.giveUp(now)
  }

  #connectionEnded(output: Extract<NeighboursOutput, { type: 'ended' }>, now: Millis): void {
    const { connection, peerId, isOutbound, endpoint, reason, code, error } = output
    // A scan that hangs up by itself is counted, and not worth a line.
    if (reason === 'closed' && !isOutbound && peerId === undefined) this.#context.drop('link-closed')
    if (isTroubled(reason, code)) {
      this.#context.drop(`link-${reason}`)
      this.#context.log('warn', `link-${reason}`, { endpoint, outbound: isOutbound, error }, now)
    }
    if (isOutbound) this.dialler.handleEnded(connection, peerId, error, now, retryMsAfter(code))
  }

  #admit(peerId: PeerId, hello: Hello, sent: Hello): Admission {
    const ours = this.#mesh.standing(this.ledger.owners().length)
    if (!equalBytes(sent.meshId, ours.meshId) || sent.isPristine !== ours.isPristine)
      return { admitted: false, code: GOODBYE_CODE.rejoin, text: 'joined a mesh meanwhile' }
    const through = this.#mesh.joiningThrough
    if (through !== undefined && through !== peerId)
      return { admitted: false, code: GOODBYE_CODE.rejoin, text: 'is about to join a mesh' }
    const verdict = judgeMesh(ours, standingOf(hello))
    if (verdict.verdict === 'refuse') return refusalOf(verdict.text)
    if (this.#discovery.mayRefuse(peerId))
      return {
        admitted: false,
        code: GOODBYE_CODE.full,
        text: 'this peer has as many links as it may; others have room',
      }
    return { admitted: true }
  }

  /** Persists, gossips, and lets the parts know of records that changed. */
  #applyChanges(now: Millis): boolean {
    const changes = this.#keeper.take(now)
    for (const { owner, kind, key, record } of changes) this.#applyRecord(owner, kind, key, record, now)
    return changes.length > 0
  }

  /** What a record means here: to add a kind, give it a case (and see wire/record.ts). */
  #applyRecord(owner: PeerId, kind: number, key: Uint8Array, record: LedgerRecord | undefined, now: Millis): void {
    switch (kind) {
      case RECORD_KIND.blocks:
        this.addresses.handleRecord(owner, key, record, now)
        this.#tables.changed()
        return
      case RECORD_KIND.forget:
        return this.#forgetByRecord(owner, record, now)
      case RECORD_KIND.peer:
      case RECORD_KIND.links: {
        const restarted = this.view.handleRecord(owner, kind, record, now)
        if (restarted !== undefined) this.#peerRestarted(restarted, now)
      }
    }
  }

  #forgetByRecord(owner: PeerId, record: LedgerRecord | undefined, now: Millis): void {
    const target = owner === this.config.identity.peerId ? undefined : this.#forget.targetOf(record)
    if (target === undefined || this.dialler.unconfigure([target]).length === 0) return
    this.#context.log('info', 'target-forgotten', { target, by: owner }, now)
    this.#persistTargets()
  }

  #peerRestarted(peer: PeerId, now: Millis): void {
    this.#context.log('info', 'peer-restarted', { peer, nickname: this.view.nicknameOf(peer) }, now)
    const incarnation = fromHex(this.view.peer(peer)?.info?.incarnation ?? '')
    if (incarnation !== undefined) this.paths.meet(peer, incarnation, now)
  }

  #viewChanged(now: Millis): void {
    const { reachable } = this.view
    this.ledger.setReachable(reachable, now)
    this.addresses.setReachable(reachable, now)
    this.paths.update(now)
    this.#discovery.update(now)
    this.#tables.changed()
  }

  #collect(now: Millis): void {
    for (const owner of this.ledger.collect(now))
      if (this.neighbours.neighbour(owner) === undefined) this.view.forget(owner, now)
    this.#timers.set('collect', now + COLLECT_INTERVAL_MS)
  }

  #persistTargets(): void {
    this.#outputs.push({ type: 'persist', puts: [[TARGETS_KEY, encodeTargets(this.dialler.configured)]], deletes: [] })
  }
}
