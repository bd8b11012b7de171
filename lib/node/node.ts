import { peerIdBytes, type Cidr, type Endpoint, type EndpointParts, type Ipv4, type PeerId } from '../address/mod.ts'
import { drained, soonest, type Machine, type Millis } from '../base/mod.ts'
import type { AddressForm, Lease, LeaseHolder, PeerRemoval } from '../ipam/mod.ts'
import { Ledger } from '../ledger/mod.ts'
import { GOODBYE_CODE, ROUTED_KIND, SHORT_ID_BYTES, type NameRecord } from '../wire/mod.ts'
import { Addresses } from './addresses.ts'
import type { NodeConfig } from './config.ts'
import { Contacts } from './contacts.ts'
import type { NodeContext } from './context.ts'
import { DataPaths } from './data-paths.ts'
import { Dialler } from './dialler.ts'
import { Discovery } from './discovery.ts'
import { FEATURES } from './features.ts'
import { TablePublisher, forwardingTable } from './forwarding-table.ts'
import { FounderElection } from './founding.ts'
import type { FoundingReport } from './founding-report.ts'
import { Gossip } from './gossip.ts'
import { HandingOn } from './handing-on.ts'
import { Impostures } from './impostures.ts'
import { Joining } from './joining.ts'
import { LedgerKeeper } from './ledger-keeper.ts'
import { LinkEvents } from './link-events.ts'
import { Membership } from './membership.ts'
import { MeshUse } from './mesh-use.ts'
import { MeshView } from './mesh-view.ts'
import { NameRecords } from './names.ts'
import { Neighbours } from './neighbours.ts'
import type { NodeOutput } from './outputs.ts'
import { OwnLinks } from './own-links.ts'
import type { PartFactory, StoreEntry, StoreRead } from './part.ts'
import { Parts } from './parts.ts'
import { Past } from './past.ts'
import { RateLimitedLog } from './rate-limited-log.ts'
import { ipv6PrefixOf, reportOf, type NodeReport } from './report.ts'
import { Router } from './router.ts'
import { ViewRecords } from './view-records.ts'

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
  readonly drops = new Map<string, number>()
  readonly #parts: Parts
  readonly #events: LinkEvents
  readonly #router: Router
  readonly #keeper: LedgerKeeper
  readonly #gossip: Gossip
  readonly #mesh: Membership
  readonly #joining: Joining
  readonly #past: Past
  readonly #contacts: Contacts
  readonly #impostures: Impostures
  readonly #use: MeshUse
  readonly #founding: FounderElection
  readonly #log: RateLimitedLog
  readonly #tables = new TablePublisher()
  readonly #outputs: NodeOutput[] = []
  #nextConnection = 1

  /** `read`: the state store of an earlier run, for what the parts declare; see `handleRemembered` too. */
  constructor(config: NodeConfig, read: StoreRead, now: Millis, features: readonly PartFactory[] = FEATURES) {
    this.config = config
    const { identity, suite, chance, entropy, beat, secrets } = config
    const emit = (output: NodeOutput) => void this.#outputs.push(output)
    this.#mesh = new Membership(config, read, {
      emit,
      isFree: contact => !this.addresses.holdsAny && !this.dialler.configured.includes(contact),
    })
    this.ledger = new Ledger({ suite, identity, meshId: this.#mesh.meshId, chance })
    this.neighbours = new Neighbours({
      self: identity.peerId,
      configOf: role => {
        const hello = this.#mesh.hello(this.ledger.ownerCount)
        return { role, suite, entropy, beat, secrets, hello, staticKey: identity.exchangeKey }
      },
      admit: (peerId, hello, link, at) => this.#events.admit(peerId, hello, link, at),
    })
    this.#log = new RateLimitedLog(line => emit({ type: 'log', line }))
    const viewOf = () => this.view
    const context: NodeContext = {
      config,
      ledger: this.ledger,
      neighbours: this.neighbours,
      get view() {
        return viewOf()
      },
      isShared: () => this.#mesh.isShared,
      route: (to, kind, body, at) => this.#router.send(to, kind, body, at),
      flush: at => this.#keeper.flush(at),
      emit,
      log: (level, event, fields, at) => this.#log.write(level, event, fields, at),
      drop: reason => this.drops.set(reason, (this.drops.get(reason) ?? 0) + 1),
    }
    this.dialler = new Dialler({
      chance,
      nextConnection: () => this.#nextConnection++,
      isReached: peer => this.neighbours.neighbour(peer) !== undefined || discovery.isReachedAnyhow(peer),
      heardAt: peer => discovery.heardAt(peer),
    })
    this.view = new MeshView(context, (peer, at) => this.paths.stop(peer, at))
    this.#router = new Router(context, to => this.view.controlRoutes.get(to)?.nextHop)
    this.#gossip = new Gossip(context, () => ({ links: this.#events, past: this.#past }), now)
    this.#keeper = new LedgerKeeper(context, this.#gossip)
    this.paths = new DataPaths(context, {
      view: this.view,
      route: (to, body, at) => this.#router.send(to, ROUTED_KIND.sessionHandshake, body, at),
      onChanged: (peer, at) => {
        this.#tables.changed()
        if (this.neighbours.neighbour(peer) !== undefined) links.changed(at)
        else discovery.handlePath(peer, at)
      },
    })
    this.addresses = new Addresses(context, () => this.#tables.changed())
    this.#impostures = new Impostures(context, address => this.addresses.ipam.peerOf(address))
    this.names = new NameRecords(context)
    this.#contacts = new Contacts(context, this.dialler)
    this.#use = new MeshUse(context, this.#mesh, () => this.addresses.ipam.leases().length > 0)
    const links = new OwnLinks(context, this.view, this.paths)
    const discovery = new Discovery(context, this.view, this.dialler, peer => this.paths.heardAt(peer))
    const ours = { mesh: this.#mesh, addresses: this.addresses, gossip: this.#gossip, router: this.#router }
    const past = (this.#past = new Past(context, ours))
    this.#joining = new Joining(context, { ...ours, meshChanged: at => this.#parts.meshChanged(at) })
    this.#founding = new FounderElection(context, this.#mesh, (tell, at) => this.#joining.found(at, false, tell))
    const deciding = { joining: this.#joining, founding: this.#founding }
    const linked = { ...ours, ...deciding, dialler: this.dialler, discovery, paths: this.paths, links, past }
    this.#events = new LinkEvents(context, {
      ...linked,
      parts: () => this.#parts,
      tableChanged: () => this.#tables.changed(),
    })
    this.#parts = new Parts([
      this.#keeper,
      this.#mesh,
      new ViewRecords(this.view, (peer, at) => this.#events.restarted(peer, at)),
      this.addresses,
      new HandingOn(context, this.addresses),
      this.#impostures,
      this.names,
      this.#contacts,
      this.#use,
      this.#founding,
      this.paths,
      discovery,
      this.#gossip,
      links,
      ...features.map(make => make(context)),
      past,
    ])
    emit({ type: 'engine', op: { op: 'set-self', shortId: peerIdBytes(identity.peerId).slice(0, SHORT_ID_BYTES) } })
    this.#parts.restore(read, now)
    this.#viewChanged(now)
    this.#settle(now)
  }

  get meshId(): Uint8Array | undefined {
    return this.#mesh.isMember ? this.#mesh.meshId : undefined
  }

  /** How far the decision is who founds. */
  get founding(): FoundingReport | undefined {
    return this.#founding.report()
  }

  /** `isPristine`: founded here, nobody joined and nothing was given since; `isUnused`: nobody has given an address. */
  get use(): Pick<Membership, 'isPristine' | 'isUnused'> {
    return this.#mesh
  }

  /** Founds a mesh, unless this peer is of one already. Returns whether it did. */
  found(now: Millis): boolean {
    if (this.meshId !== undefined) return false
    this.#joining.found(now)
    this.#settle(now)
    return true
  }

  /** Adds contacts, or makes the given ones the whole list. Returns the list; undefined when it would be too long. */
  connect(contacts: readonly string[], isReplacing: boolean, now: Millis): string[] | undefined {
    return this.#settled(this.#contacts.connect(contacts, isReplacing, now), now)
  }

  /** Removes contacts here, and by a record of the ledger at every peer. Returns what is left here. */
  forgetContacts(contacts: readonly string[], now: Millis): string[] {
    return this.#settled(this.#contacts.forget(contacts), now)
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
    this.#settled(this.addresses.request(id, container, form, now, holder, waitMs), now)
  }

  removePeer(peer: PeerId, isForced: boolean, now: Millis): PeerRemoval {
    return this.#settled(this.addresses.remove(peer, isForced, now), now)
  }

  cancelRequest(id: string, now: Millis): void {
    this.#settled(this.addresses.cancel(id, now), now)
  }

  freeAddresses(container: string, address: Ipv4 | undefined, now: Millis, holder?: LeaseHolder): readonly Lease[] {
    return this.#settled(this.addresses.free(container, address, now, holder), now)
  }

  /** See `Past.handlePlugged`; to be called once that is known, and ever after. */
  handlePlugged(found: readonly Lease[], strays: readonly string[], now: Millis, ofBridge: readonly Cidr[] = []) {
    return this.#settled(this.#past.handlePlugged(found, strays, now, ofBridge), now)
  }

  /** Publishes the names of a container here, or none. False when there is no room; see `NameRecords.set`. */
  setNames(record: NameRecord, now: Millis): boolean {
    return this.#settled(this.names.set(record), now)
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
    return this.#settled(outcome, now)
  }

  /**
   * A piece of what an earlier run learnt of others, in the order of the keys; an empty one: that was all. To be given
   * before any link is made, for what neighbours tell is then compared with it.
   */
  handleRemembered(entries: readonly StoreEntry[], now: Millis): void {
    const owners = this.#keeper.remember(entries, now)
    this.#parts.handleRemembered(owners, (owner, kind) => this.ledger.recordsOf(owner, kind), now)
    this.#settle(now)
  }

  handleAccepted(endpoint: Endpoint, now: Millis): number {
    const connection = this.#nextConnection++
    this.neighbours.open(connection, false, endpoint, now)
    return this.#settled(connection, now)
  }

  handleDialled(connection: number, endpoint: Endpoint, now: Millis): void {
    this.dialler.handleDialled(connection)
    this.#settled(this.neighbours.open(connection, true, endpoint, now), now)
  }

  handleDialFailed(connection: number, error: string, now: Millis): void {
    this.#settled(this.dialler.handleDialFailed(connection, error, now), now)
  }

  handleResolved(contact: string, result: readonly Endpoint[] | string, now: Millis): void {
    this.#settled(this.dialler.handleResolved(contact, result, now), now)
  }

  handleBytes(connection: number, bytes: Uint8Array, now: Millis): void {
    this.#settled(this.neighbours.handleBytes(connection, bytes, now), now)
  }

  handleClosed(connection: number, now: Millis): void {
    this.#settled(this.neighbours.handleClosed(connection, now), now)
  }

  /** What is persisted would last, or not, because the disk takes nothing: then nothing new is promised to anybody. */
  handleStore(isWritable: boolean, now: Millis): void {
    this.#founding.setStore(isWritable, now)
    this.#settled(this.addresses.setStore(isWritable, now), now)
  }

  /** The far side of a connection is behind in taking what is sent to it, or has caught up. */
  handleBacklog(connection: number, isBehind: boolean, now: Millis): void {
    const peer = this.neighbours.handleBacklog(connection, isBehind)
    if (peer !== undefined) this.#gossip.handleBacklog(peer, isBehind, now)
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
    this.#ofPeer(peerIndex, peer => this.paths.handleControl(peer, receiverIndex, body, source, now), now)
  }

  handleMoved(peerIndex: number, source: EndpointParts, now: Millis): void {
    this.#ofPeer(peerIndex, peer => this.paths.handleMoved(peer, source, now), now)
  }

  /** Unicast frames are flooded for want of a way to the peer. */
  handleWanted(peerIndex: number, now: Millis): void {
    this.#ofPeer(peerIndex, peer => this.paths.want(peer, now), now)
  }

  /** A frame of the peer was dropped, for its source address is another's. */
  handleSpoofed(peerIndex: number, source: Ipv4, now: Millis): void {
    this.#ofPeer(peerIndex, peer => this.#impostures.handle(peer, source, now), now)
  }

  report(now: Millis): NodeReport {
    return { ...reportOf(this, now), parts: this.#parts.report(now) }
  }

  shutdown(now: Millis): void {
    for (const { peerId } of this.neighbours.neighbours)
      this.neighbours.disconnect(peerId, GOODBYE_CODE.shutdown, 'stopped', now)
    this.#keeper.persistForeign()
    drained(this.neighbours, output => this.#events.handle(output, now))
  }

  handleTimeout(now: Millis): void {
    this.neighbours.handleTimeout(now)
    this.dialler.handleTimeout(now)
    this.#parts.handleTimeout(now)
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
      this.#parts.pollTimeout(),
      this.view.pollTimeout(),
    ])
  }

  #ofPeer(index: number, act: (peer: PeerId) => void, now: Millis): void {
    const peer = this.view.peerAt(index)
    this.#settled(peer === undefined ? undefined : act(peer), now)
  }

  #settled<T>(result: T, now: Millis): T {
    this.#settle(now)
    return result
  }

  /** Works off what one input caused, until nothing is left. */
  #settle(now: Millis): void {
    this.#use.look()
    for (;;) {
      const didNeighbours = drained(this.neighbours, output => this.#events.handle(output, now))
      const didDialler = drained(this.dialler, output => this.#outputs.push(output))
      const changes = this.#keeper.take(now)
      for (const change of changes) this.#parts.handleRecord(change, now)
      if (!didNeighbours && !didDialler && changes.length === 0) break
    }
    const table = this.#tables.take(() => forwardingTable(this.view, this.paths, this.addresses, ipv6PrefixOf(this)))
    if (table !== undefined) this.#outputs.push({ type: 'forwarding', table })
  }

  #viewChanged(now: Millis): void {
    this.ledger.setMet(this.neighbours.neighbours.map(({ peerId }) => peerId))
    this.view.informLedger(now)
    this.#parts.viewChanged(now)
    this.#tables.changed()
  }
}
