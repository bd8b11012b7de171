import { formatIpv4, type Ipv4, type PeerId } from '../address/mod.ts'
import { WeaveError, isDrop, soonest, type Millis } from '../base/mod.ts'
import {
  Ipam,
  LEASE_HOLDER,
  decodeLease,
  decodePageKey,
  type AddressForm,
  type Lease,
  type LeaseHolder,
  type PeerRemoval,
} from '../ipam/mod.ts'
import type { RecordChange } from '../ledger/mod.ts'
import type { Zone } from '../names/mod.ts'
import type { BlockOwners } from '../overlay/mod.ts'
import {
  RECORD_KIND,
  ROUTED_KIND,
  decodeIpamAnswer,
  decodeIpamRequest,
  decodeIpamReturn,
  type LedgerRecord,
  type RoutedMessage,
} from '../wire/mod.ts'
import { namedPeer } from './named-peer.ts'
import { OwnersTable } from './owners-table.ts'
import type { NodeContext } from './context.ts'
import { IpamOutputs, KEPT_PREFIX, LEASE_PREFIX } from './ipam-outputs.ts'
import { IPAM_KINDS, IpamRecords } from './ipam-records.ts'
import type { MemberList } from './member-list.ts'
import type { NodePart, StoreEntry } from './part.ts'
import { RemovedPeers, type OwnRemoval } from './removed-peers.ts'

/** Carries address management over the ledger and the mesh, and keeps its leases in the store. */
export class Addresses implements NodePart {
  readonly name = 'addresses'
  readonly storePrefixes = [LEASE_PREFIX, KEPT_PREFIX]
  readonly recordKinds = IPAM_KINDS
  readonly routedKinds = [ROUTED_KIND.ipamRequest, ROUTED_KIND.ipamAnswer, ROUTED_KIND.ipamReturn]
  readonly ipam: Ipam
  readonly #context: NodeContext
  readonly #members: MemberList
  readonly #onOwnersChanged: () => void
  readonly #records: IpamRecords
  readonly #outputs: IpamOutputs
  readonly #removed: RemovedPeers
  readonly #owners: OwnersTable
  /** Of the members that the last look was told of. */
  #membersVersion = 0
  #isStoreWritable = true

  /** `zone`: the containers that hosts tell of. `onOwnersChanged`: a block may have changed hands. */
  constructor(
    context: NodeContext,
    given: { members: MemberList; zone: Pick<Zone, 'at'>; onOwnersChanged: () => void },
  ) {
    const { members, zone } = given
    this.#context = context
    this.#members = members
    this.#onOwnersChanged = given.onOwnersChanged
    const { config } = context
    this.ipam = new Ipam({
      identity: config.identity,
      suite: config.suite,
      meshId: () => this.#context.ledger.meshId,
      range: config.range,
      blockPrefix: config.blockPrefix,
      defaultSubnet: config.defaultSubnet,
      chance: config.chance,
      isEphemeral: config.isEphemeral ?? false,
      nameOf: peer => namedPeer(this.#context, peer),
      containerAt: (address, host) => zone.at(formatIpv4(address)).find(({ owner }) => owner === host)?.container,
    })
    this.#records = new IpamRecords(context, this.ipam)
    this.#outputs = new IpamOutputs(context)
    this.#removed = new RemovedPeers(context, this.ipam, members)
    this.#owners = new OwnersTable(this.ipam)
  }

  /**
   * Takes up what the store and the ledger hold.
   * @throws WeaveError RANGE_CHANGED
   */
  restore(entries: readonly StoreEntry[], now: Millis): void {
    const leases: Lease[] = []
    const isLease = ([key]: StoreEntry) => key.startsWith(LEASE_PREFIX)
    for (const [key, value] of entries.filter(isLease)) {
      const lease = decodeLease(value)
      if (lease !== undefined) leases.push(lease)
      if (lease !== undefined && this.ipam.restoreLease(lease)) continue
      this.#context.log('warn', 'lease-refused', { key, text: 'not understood, or held twice' }, now)
    }
    for (const [key, value] of entries.filter(entry => !isLease(entry))) {
      if (this.ipam.restoreKept(key.slice(KEPT_PREFIX.length), value, now)) continue
      this.#context.log('warn', 'kept-refused', { key, text: 'not understood' }, now)
    }
    this.#removed.restored(now)
    const strange = this.#records.restore(leases, now)
    this.ipam.start(now)
    this.drain(now)
    this.#records.remove(strange)
  }

  handleRecord({ owner, kind, key, record }: RecordChange, now: Millis): void {
    this.#onOwnersChanged()
    const value = record === undefined || record.isTombstone ? undefined : record.value
    this.#records.take(owner, kind, key, value, now)
    this.drain(now)
  }

  handleRouted({ source: from, routedKind, body }: RoutedMessage, now: Millis): void {
    if (routedKind === ROUTED_KIND.ipamRequest) {
      const request = decodeIpamRequest(body)
      if (isDrop(request)) return this.#context.drop(request.reason)
      // What is handed on must be stored before it is said. Who asked asks somebody else when no answer comes.
      if (!this.#isStoreWritable) return this.#context.drop('store-full')
      if (this.ipam.hold !== undefined) return this.#context.drop('ipam-held')
      if (this.ipam.isLost(from)) return this.#context.drop('ipam-asker-lost')
      this.ipam.handleRequest(from, request, now)
    } else if (routedKind === ROUTED_KIND.ipamReturn) {
      const returned = decodeIpamReturn(body)
      if (isDrop(returned)) return this.#context.drop(returned.reason)
      this.ipam.handleReturn(from, returned, now)
    } else {
      const answer = decodeIpamAnswer(body)
      if (isDrop(answer)) return this.#context.drop(answer.reason)
      if (!this.ipam.handleAnswer(from, answer, now)) this.#context.drop('ipam-answer-unexpected')
    }
    this.drain(now)
  }

  /**
   * Takes back the blocks that others remember to be this peer's, by its own records. Returns those that are its own by
   * it; nothing is given of them before `Ipam.bar` says so.
   */
  takeBack(records: readonly LedgerRecord[], now: Millis): number[] {
    const taken = records.flatMap(({ key, value }) => {
      this.#context.ledger.put(RECORD_KIND.blocks, key, value)
      const page = decodePageKey(key)
      const outcome = isDrop(page) ? page : this.ipam.takeBack(page, value, now)
      if (!isDrop(outcome)) return outcome
      this.#context.drop(outcome.reason)
      return []
    })
    this.drain(now)
    return taken
  }

  viewChanged(now: Millis): void {
    this.#tellMembers(now)
    this.#removed.look(now)
    this.drain(now)
  }

  /** Gives up all blocks; leases stay, as disputed. */
  meshChanged(now: Millis): void {
    if (this.ipam.isReady) this.ipam.abandon(now)
    this.drain(now)
  }

  /** False while the disk takes nothing: no address is given then, neither here nor to other peers. */
  setStore(isWritable: boolean, now: Millis): void {
    this.#isStoreWritable = isWritable
    const text = isWritable ? 'the state store can be written again' : 'the state store cannot be written'
    this.#context.log(isWritable ? 'info' : 'error', isWritable ? 'store-mended' : 'store-full', { text }, now)
  }

  /** Asks for an address, and waits for it `waitMs` at most. */
  request(
    id: string,
    container: string,
    form: AddressForm,
    now: Millis,
    holder: LeaseHolder = LEASE_HOLDER.attachment,
    waitMs?: Millis,
  ): void {
    if (!this.#isStoreWritable) {
      const error = new WeaveError(
        'STATE_IO',
        'the state store cannot be written now, so no address can be given',
        'make room on that disk and ask again; `weave-ts status` says why',
      )
      return this.#context.emit({ type: 'refused', id, error })
    }
    const request = { id, container, holder, ...(waitMs !== undefined && { waitMs }) }
    if (form.type === 'claim') this.ipam.claim({ ...request, cidr: form.cidr }, now)
    else this.ipam.allocate({ ...request, ...(form.type === 'subnet' && { subnet: form.subnet }) }, now)
    this.drain(now)
  }

  /** What this peer heard of its own removal. */
  report(): readonly OwnRemoval[] {
    return this.#removed.ofSelf
  }

  /** Nicknames of peers that were removed, and are known no more. */
  get removed(): ReadonlyMap<PeerId, string> {
    return this.#removed.names
  }

  /** Takes over the blocks of a peer that is gone for good. */
  remove(victim: PeerId, isForced: boolean, now: Millis): PeerRemoval {
    const removal = this.ipam.removePeer(victim, isForced, now)
    this.drain(now)
    return removal
  }

  cancel(id: string, now: Millis): void {
    this.ipam.cancel(id, now)
    this.drain(now)
  }

  free(container: string, address: Ipv4 | undefined, now: Millis, holder?: LeaseHolder): readonly Lease[] {
    const ended = this.ipam.free(container, address, now, holder)
    this.drain(now)
    return ended
  }

  /** Ends all leases and hands every block to a reachable peer, one that owns blocks if there is any. */
  leave(reachable: ReadonlySet<PeerId>, now: Millis): { readonly heir: PeerId; readonly blocks: number } | undefined {
    for (const { container, holder } of this.ipam.leases()) this.free(container, undefined, now, holder)
    this.ipam.returnAll(now)
    this.drain(now)
    if (this.ipam.hold !== undefined) return undefined
    const { peerId } = this.#context.config.identity
    const heir = this.heir(reachable) ?? [...reachable].find(peer => peer !== peerId)
    if (heir === undefined) return undefined
    const blocks = this.ipam.handOnAll(heir, now)
    this.drain(now)
    return { heir, blocks }
  }

  /** Who is to have blocks: a peer that owns some, of those that are not known to be ephemeral. */
  heir(reachable: ReadonlySet<PeerId>): PeerId | undefined {
    const self = this.#context.config.identity.peerId
    const ephemerals = new Set(this.ipam.ephemerals)
    const isHeir = (peer: PeerId) => peer !== self && reachable.has(peer) && !ephemerals.has(peer)
    return this.ipam.report().perPeer.find(({ peer }) => isHeir(peer))?.peer
  }

  /** Hands what may be given on to such a peer, and stays; what containers here have of it is borrowed from then on. */
  handOn(now: Millis): { readonly heir: PeerId; readonly blocks: number } | undefined {
    const heir = this.#isStoreWritable ? this.heir(this.#context.view.reachable) : undefined
    if (heir === undefined) return undefined
    const blocks = this.ipam.handOnUnbarred(heir, now)
    this.drain(now)
    return { heir, blocks }
  }

  handleTimeout(now: Millis): void {
    if (this.#removed.dueAt !== undefined && now >= this.#removed.dueAt) this.#removed.look(now)
    const due = this.ipam.pollTimeout()
    if (due !== undefined && now >= due.at) this.ipam.handleTimeout(now)
    this.drain(now)
  }

  pollTimeout(): { readonly at: Millis; readonly reason: string } | undefined {
    const { dueAt } = this.#removed
    return soonest([this.ipam.pollTimeout(), dueAt === undefined ? undefined : { at: dueAt, reason: 'forget removed' }])
  }

  /** True while this peer owns a block, or a container here an address. */
  get holdsAny(): boolean {
    return this.ipam.ownsBlocks || this.ipam.leases().length > 0
  }

  /** Whose blocks they are, in peer indices. */
  owners(): BlockOwners | undefined {
    return this.#owners.of(this.#context.view)
  }

  drain(now: Millis): void {
    while (this.#removed.isStale || this.#isMissedLess) {
      if (this.#isMissedLess) this.#tellMembers(now)
      this.#removed.look(now)
    }
    for (let output = this.ipam.pollOutput(); output !== undefined; output = this.ipam.pollOutput())
      this.#outputs.carryOut(output, now)
  }

  /** A missing member was removed, or is missed too long, which changes nothing in the view. */
  get #isMissedLess(): boolean {
    return this.#membersVersion !== this.#members.version
  }

  #tellMembers(now: Millis): void {
    this.#membersVersion = this.#members.version
    this.ipam.setReachable(this.#context.view.reachable, now, this.#members.all)
  }
}
