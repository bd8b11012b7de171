import { peerIdBytes, type Cidr, type Endpoint, type EndpointParts, type Ipv4, type PeerId } from '../address/mod.ts'
import { drained, soonest, type Machine, type Millis } from '../base/mod.ts'
import type { AddressForm, BlockRun, BlockSpace, Lease, LeaseHolder, PeerRemoval } from '../ipam/mod.ts'
import type { Ledger } from '../ledger/mod.ts'
import { MAC_LOCAL, type SwitchNotice } from '../overlay/mod.ts'
import { GOODBYE_CODE, SHORT_ID_BYTES, type CheckResult, type CheckSubject, type NameRecord } from '../wire/mod.ts'
import type { Addresses } from './addresses.ts'
import type { NeighbourCheck } from './checks.ts'
import type { NodeConfig } from './config.ts'
import type { Forgetting } from './contacts.ts'
import type { DataPaths } from './data-paths.ts'
import type { Dialler } from './dialler.ts'
import { FEATURES } from './features.ts'
import { forwardingTable } from './forwarding-table.ts'
import type { ElectionReport } from './election-report.ts'
import type { PeerGroups } from './groups.ts'
import { SELF_INDEX } from './known-peers.ts'
import type { MeasureEnd, MeasureQuestion } from './measuring.ts'
import type { Membership } from './membership.ts'
import type { MeshView } from './mesh-view.ts'
import type { NameRecords } from './names.ts'
import type { Neighbours } from './neighbours.ts'
import { wireParts, type NodeWiring } from './node-wiring.ts'
import type { NodeOutput } from './outputs.ts'
import type { PartFactory, StoreEntry, StoreRead } from './part.ts'
import { waysOf, type PeerWay } from './peer-ways.ts'
import type { PingEnd } from './pings.ts'
import { ipv6PrefixOf, reportOf, type NodeReport } from './report.ts'

/**
 * One whole peer as a machine without IO: links, ledger, topology, sessions, paths and addresses.
 *
 * Drive it with the handle* methods and the operator's calls, each followed by draining `pollOutput` and carrying the
 * outputs out in order; call `handleTimeout` at `pollTimeout`. The same machine runs in the daemon and, hundreds of
 * them, in the simulator. Foreign input never throws and never ends another link than its own. What it does is in its
 * parts (`NodePart`); here they are put together, and inputs find their way to them.
 */
export class Node implements Machine<NodeOutput> {
  readonly config: NodeConfig
  readonly ledger: Ledger
  readonly neighbours: Neighbours
  readonly dialler: Dialler
  readonly view: MeshView
  readonly paths: DataPaths
  readonly addresses: Addresses
  readonly names: NameRecords
  readonly drops: ReadonlyMap<string, number>
  readonly #wiring: NodeWiring
  readonly #outputs: NodeOutput[] = []

  /** `read`: the state store of an earlier run, for what the parts declare; see `handleRemembered` too. */
  constructor(config: NodeConfig, read: StoreRead, now: Millis, features: readonly PartFactory[] = FEATURES) {
    this.config = config
    const emit = (output: NodeOutput) => void this.#outputs.push(output)
    const wiring = (this.#wiring = wireParts(config, read, now, features, emit))
    this.ledger = wiring.ledger
    this.neighbours = wiring.neighbours
    this.dialler = wiring.dialler
    this.view = wiring.view
    this.paths = wiring.paths
    this.addresses = wiring.addresses
    this.names = wiring.names
    this.drops = wiring.drops
    emit({
      type: 'engine',
      op: { op: 'set-self', shortId: peerIdBytes(config.identity.peerId).slice(0, SHORT_ID_BYTES) },
    })
    this.#wiring.parts.restore(read, now)
    this.#viewChanged(now)
    this.#workOff(now)
  }

  get meshId(): Uint8Array | undefined {
    return this.#wiring.mesh.isMember ? this.#wiring.mesh.meshId : undefined
  }

  /** How far the decision is who founds. */
  election(now: Millis): ElectionReport | undefined {
    return this.#wiring.election.report(now)
  }

  /** `isPristine`: founded here, nobody joined and nothing was given since; `isUnused`: nobody has given an address. */
  get use(): Pick<Membership, 'isPristine' | 'isUnused'> {
    return this.#wiring.mesh
  }

  /** Founds a mesh, unless this peer is of one already. Returns whether it did. */
  found(now: Millis): boolean {
    if (this.meshId !== undefined) return false
    this.#wiring.joining.found(now)
    this.#workOff(now)
    return true
  }

  /** Adds contacts, or makes the given ones the whole list. Returns the list; undefined when it would be too long. */
  connect(contacts: readonly string[], isReplacing: boolean, now: Millis): string[] | undefined {
    return this.#workedOff(this.#wiring.contacts.connect(contacts, isReplacing, now), now)
  }

  /** Removes contacts here, and by a record of the ledger at every peer. Returns what became of it. */
  forgetContacts(contacts: readonly string[], now: Millis): Forgetting {
    return this.#workedOff(this.#wiring.contacts.forget(contacts), now)
  }

  /** Asks for an address (for an attachment unless told otherwise); ends in `allocated` or `refused` with the id. */
  requestAddress(
    id: string,
    container: string,
    form: AddressForm,
    now: Millis,
    holder?: LeaseHolder,
    waitMs?: Millis,
  ): void {
    this.#workedOff(this.addresses.request(id, container, form, now, holder, waitMs), now)
  }

  /** How long ago a member was reached last, or this run began; undefined for one that is reached, and for a stranger. */
  unreachedMs(peer: PeerId, now: Millis): Millis | undefined {
    const since = this.#wiring.past.lostSince(peer)
    return since === undefined ? undefined : now - since
  }

  removePeer(peer: PeerId, isForced: boolean, now: Millis): PeerRemoval {
    return this.#workedOff(this.addresses.remove(peer, isForced, now), now)
  }

  cancelRequest(id: string, now: Millis): void {
    this.#workedOff(this.addresses.cancel(id, now), now)
  }

  freeAddresses(container: string, address: Ipv4 | undefined, now: Millis, holder?: LeaseHolder): readonly Lease[] {
    return this.#workedOff(this.addresses.free(container, address, now, holder), now)
  }

  /** See `Past.handlePlugged`; to be called once that is known, and ever after. */
  handlePlugged(found: readonly Lease[], strays: readonly string[], now: Millis, ofBridge: readonly Cidr[] = []) {
    return this.#workedOff(this.#wiring.past.handlePlugged(found, strays, now, ofBridge), now)
  }

  /** Publishes the names of a container here, or none. False when there is no room; see `NameRecords.set`. */
  setNames(record: NameRecord, now: Millis): boolean {
    return this.#workedOff(this.names.set(record), now)
  }

  get blockSpace(): BlockSpace {
    return this.addresses.ipam.space
  }

  /** The whole range as runs of blocks of one owner. */
  blockRuns(): readonly BlockRun[] {
    return this.addresses.ipam.blockRuns()
  }

  /** Whose block it is by the register in force. */
  blockOwner(block: number): PeerId | undefined {
    return this.addresses.ipam.registerOf(block)?.owner
  }

  /** See `Ipam.lostBlocks`. */
  lostBlocks(): number {
    return this.addresses.ipam.lostBlocks()
  }

  leasesOf(container: string, holder?: LeaseHolder): readonly Cidr[] {
    return this.addresses.ipam.lookup(container, holder)
  }

  leases(holder?: LeaseHolder): readonly Lease[] {
    return this.addresses.ipam.leases(holder)
  }

  /** Hands all address blocks to a peer that can be reached, and ends all leases. Returns the heir and how many. */
  leave(now: Millis): { readonly heir: PeerId; readonly blocks: number } | undefined {
    const outcome = this.addresses.leave(this.view.reachable, now)
    this.view.withdrawSelf()
    this.names.withdraw()
    this.#wiring.groups.withdraw()
    return this.#workedOff(outcome, now)
  }

  /**
   * A piece of what an earlier run learnt of others, in the order of the keys; an empty one: that was all. To be given
   * before any link is made, for what neighbours tell is then compared with it.
   */
  handleRemembered(entries: readonly StoreEntry[], now: Millis): void {
    const owners = this.#wiring.keeper.remember(entries, now)
    this.#wiring.parts.handleRemembered(owners, (owner, kind) => this.ledger.recordsOf(owner, kind), now)
    this.#workOff(now)
  }

  handleAccepted(endpoint: Endpoint, now: Millis): number {
    const connection = this.#wiring.nextConnection()
    this.neighbours.open(connection, false, endpoint, now)
    return this.#workedOff(connection, now)
  }

  handleDialled(connection: number, endpoint: Endpoint, now: Millis): void {
    this.dialler.handleDialled(connection)
    this.#workedOff(this.neighbours.open(connection, true, endpoint, now), now)
  }

  handleDialFailed(connection: number, error: string, now: Millis): void {
    this.#workedOff(this.dialler.handleDialFailed(connection, error, now), now)
  }

  handleResolved(contact: string, result: readonly Endpoint[] | string, now: Millis): void {
    this.#workedOff(this.dialler.handleResolved(contact, result, now), now)
  }

  handleBytes(connection: number, bytes: Uint8Array, now: Millis): void {
    this.#workedOff(this.neighbours.handleBytes(connection, bytes, now), now)
  }

  handleClosed(connection: number, now: Millis): void {
    this.#workedOff(this.neighbours.handleClosed(connection, now), now)
  }

  /** What is persisted would last, or not, because the disk takes nothing: then nothing new is promised to anybody. */
  handleStore(isWritable: boolean, now: Millis): void {
    this.#wiring.election.setStore(isWritable, now)
    this.#workedOff(this.addresses.setStore(isWritable, now), now)
  }

  /** The far side of a connection is behind in taking what is sent to it, or has caught up. */
  handleBacklog(connection: number, isBehind: boolean, now: Millis): void {
    const peer = this.neighbours.handleBacklog(connection, isBehind)
    if (peer !== undefined) this.#wiring.gossip.handleBacklog(peer, isBehind, now)
    if (peer !== undefined && !isBehind) this.#wiring.fallback.handleCaughtUp(peer, now)
    this.#workOff(now)
  }

  /** An authenticated control datagram; without a source when a relay passed it on. */
  handleControl(
    peerIndex: number,
    receiverIndex: number,
    body: Uint8Array,
    source: EndpointParts | undefined,
    now: Millis,
  ): void {
    const handle = (peer: PeerId) => {
      this.#wiring.pings.handleControl(peer, body, now)
      this.#wiring.measuring.handleControl(peer, body, now)
      this.paths.handleControl(peer, receiverIndex, body, source, now)
    }
    this.#ofPeer(peerIndex, handle, now)
  }

  /** Asks the peer for an answer over its data path; see `Pings.begin`. */
  ping(peer: PeerId, waitMs: Millis, onEnd: (end: PingEnd) => void, now: Millis): boolean {
    return this.#workedOff(this.#wiring.pings.begin(peer, waitMs, onEnd, now), now)
  }

  /** Asks a neighbour; see `Checks.begin`. */
  check(
    peer: PeerId,
    subject: CheckSubject,
    waitMs: Millis,
    onEnd: (result: CheckResult | undefined) => void,
    now: Millis,
  ): boolean {
    return this.#workedOff(this.#wiring.checks.begin(peer, subject, waitMs, onEnd, now), now)
  }

  /** What was found of a `check` output. */
  handleChecked(check: NeighbourCheck, result: CheckResult, now: Millis): void {
    this.#workedOff(this.#wiring.checks.handleChecked(check, result, now), now)
  }

  /** Measures what goes between this peer and another; see `Measuring.begin`. */
  measure(question: MeasureQuestion, onEnd: (end: MeasureEnd) => void, now: Millis): void {
    this.#workedOff(this.#wiring.measuring.begin(question, onEnd, now), now)
  }

  /** Whoever asked for a measurement here has gone. */
  cancelMeasure(now: Millis): void {
    this.#workedOff(this.#wiring.measuring.cancel(now), now)
  }

  /** The ways that data takes from here. */
  ways(): readonly PeerWay[] {
    return waysOf(this)
  }

  handleMoved(peerIndex: number, source: EndpointParts, now: Millis): void {
    this.#ofPeer(peerIndex, peer => this.paths.handleMoved(peer, source, now), now)
  }

  /** Unicast frames wait for a way to the peer. */
  handleWanted(peerIndex: number, now: Millis): void {
    this.#ofPeer(peerIndex, peer => this.paths.want(peer, now), now)
  }

  /** Frames that a smaller path would lose go to the peer. */
  handleLarge(peerIndex: number, now: Millis): void {
    this.#ofPeer(peerIndex, peer => this.paths.handleLarge(peer, now), now)
  }

  /** Sealed datagrams for the control link to the peer. */
  handleHanded(peerIndex: number, bundle: Uint8Array, now: Millis): void {
    this.#ofPeer(peerIndex, peer => this.#wiring.fallback.handleHanded(peer, bundle, now), now)
  }

  /** A frame of the peer was dropped, for its source address is another's. */
  handleSpoofed(peerIndex: number, source: Ipv4, now: Millis): void {
    this.#ofPeer(peerIndex, peer => this.#wiring.impostures.handle(peer, source, now), now)
  }

  /** A frame about multicast groups that somebody on the own bridge sent; undefined: more came than was seen. */
  handleGroupFrame(frame: Uint8Array | undefined, now: Millis): void {
    const { groups } = this.#wiring
    this.#workedOff(frame === undefined ? groups.handleMissed(now) : groups.handleFrame(frame, now), now)
  }

  /** Who listens to which multicast groups; this peer first. */
  groups(): readonly PeerGroups[] {
    return this.#wiring.groups.all()
  }

  /** Frames were dropped that the operator should know of. */
  handleNotice(notice: SwitchNotice, now: Millis): void {
    const peerAt = (index: number) => this.view.peerAt(index === MAC_LOCAL ? SELF_INDEX : index)
    if (notice.kind === 'flood') {
      const [origin, neighbour] = [peerAt(notice.origin), peerAt(notice.neighbour)]
      if (origin !== undefined && neighbour !== undefined)
        this.#wiring.floods.handle(origin, neighbour, notice.mac, now)
    } else if (notice.kind === 'flood-origin') {
      const [origin, neighbour] = [peerAt(notice.origin), peerAt(notice.neighbour)]
      if (origin !== undefined && neighbour !== undefined) this.#wiring.floodOrigins.handle(origin, neighbour, now)
    } else {
      const [keptAt, droppedAt] = [peerAt(notice.keptAt), peerAt(notice.droppedAt)]
      if (keptAt !== undefined && droppedAt !== undefined)
        this.#wiring.macConflicts.handle(notice.mac, keptAt, droppedAt, now)
    }
    this.#workOff(now)
  }

  report(now: Millis): NodeReport {
    return { ...reportOf(this, now), parts: this.#wiring.parts.report(now) }
  }

  shutdown(now: Millis): void {
    for (const { peerId } of this.neighbours.neighbours)
      this.neighbours.disconnect(peerId, GOODBYE_CODE.shutdown, 'stopped', now)
    this.#wiring.keeper.persistForeign()
    drained(this.neighbours, output => this.#wiring.events.handle(output, now))
  }

  handleTimeout(now: Millis): void {
    this.#attend(now)
    this.neighbours.handleTimeout(now)
    this.dialler.handleTimeout(now)
    this.#wiring.parts.handleTimeout(now)
    if (this.view.handleTimeout(now)) this.#viewChanged(now)
    this.#workOff(now)
  }

  pollOutput(): NodeOutput | undefined {
    return this.#outputs.shift()
  }

  pollTimeout(): { at: Millis; reason: string } | undefined {
    const next = soonest([
      this.neighbours.pollTimeout(),
      this.dialler.pollTimeout(),
      this.#wiring.parts.pollTimeout(),
      this.view.pollTimeout(),
    ])
    this.#wiring.health.expect(next?.at)
    return next
  }

  /** What was due while this process was stopped, or busy, is not held against others. */
  #attend(now: Millis): void {
    const { health, linkSuspicion, past } = this.#wiring
    const lateMs = health.attend(now)
    if (lateMs === 0) return
    this.neighbours.forgive(lateMs, now)
    this.paths.forgive(lateMs)
    linkSuspicion.forgive(lateMs)
    past.handleAway(lateMs, now)
  }

  #ofPeer(index: number, act: (peer: PeerId) => void, now: Millis): void {
    const peer = this.view.peerAt(index)
    this.#workedOff(peer === undefined ? undefined : act(peer), now)
  }

  #workedOff<T>(result: T, now: Millis): T {
    this.#workOff(now)
    return result
  }

  /** Works off what one input caused, until nothing is left. */
  #workOff(now: Millis): void {
    this.#attend(now)
    this.#wiring.use.look()
    for (;;) {
      const didNeighbours = drained(this.neighbours, output => this.#wiring.events.handle(output, now))
      const didDialler = drained(this.dialler, output => this.#outputs.push(output))
      const changes = this.#wiring.keeper.take(now)
      for (const change of changes) this.#wiring.parts.handleRecord(change, now)
      if (!didNeighbours && !didDialler && changes.length === 0) break
    }
    const change = this.#wiring.tables.take(() =>
      forwardingTable(this.view, this.paths, this.addresses, ipv6PrefixOf(this), this.#wiring.groups.listening()),
    )
    if (change !== undefined) this.#outputs.push({ type: 'forwarding', change })
  }

  #viewChanged(now: Millis): void {
    this.ledger.setMet(this.neighbours.neighbours.map(({ peerId }) => peerId))
    this.view.informLedger(now)
    this.#wiring.parts.viewChanged(now)
    this.#wiring.tables.changed()
  }
}
