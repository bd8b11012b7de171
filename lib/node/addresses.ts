import { formatCidr, shortPeerId, type Ipv4, type PeerId } from '../address/mod.ts'
import { BoundedMap, WeaveError, equalBytes, isDrop, soonest, type Millis } from '../base/mod.ts'
import {
  Ipam,
  LEASE_HOLDER,
  decodeLease,
  decodePageKey,
  decodePartKey,
  encodeLease,
  encodePageKey,
  encodePartKey,
  rangeChangedError,
  type AddressForm,
  type Lease,
  type LeaseHolder,
  type PeerRemoval,
} from '../ipam/mod.ts'
import type { RecordChange } from '../ledger/mod.ts'
import type { BlockOwners } from '../overlay/mod.ts'
import {
  RECORD_KIND,
  ROUTED_KIND,
  decodeIpamAnswer,
  decodeIpamRequest,
  decodeIpamReturn,
  encodeIpamAnswer,
  encodeIpamRequest,
  encodeIpamReturn,
  type IpamMessage,
  type LedgerRecord,
  type RoutedMessage,
} from '../wire/mod.ts'
import { COLLECT_INTERVAL_MS, REMOVED_MAX } from './constants.ts'
import type { NodeContext } from './context.ts'
import type { NodePart, StoreEntry } from './part.ts'

const LEASE_PREFIX = 'lease/'
const KEPT_PREFIX = 'ipam/'

const NO_KEY = new Uint8Array(0)

/** Carries address management over the ledger and the mesh, and keeps its leases in the store. */
export class Addresses implements NodePart {
  readonly name = 'addresses'
  readonly storePrefixes = [LEASE_PREFIX, KEPT_PREFIX]
  readonly recordKinds = [RECORD_KIND.blocks, RECORD_KIND.assigned, RECORD_KIND.takeover, RECORD_KIND.acks]
  readonly routedKinds = [ROUTED_KIND.ipamRequest, ROUTED_KIND.ipamAnswer, ROUTED_KIND.ipamReturn]
  readonly ipam: Ipam
  readonly #context: NodeContext
  readonly #onOwnersChanged: () => void
  #takeoversVersion = 0
  readonly #removed = new BoundedMap<PeerId, string>(REMOVED_MAX)
  #isStoreWritable = true
  /** Removed peers whose records were dropped, and whether some were there again at the last look. */
  readonly #forgotten = new Map<PeerId, boolean>()
  /** When it is looked again for them. */
  #forgetAt: Millis | undefined
  #owners: { version: number; viewVersion: number; owners: BlockOwners } | undefined

  /** `onOwnersChanged`: a block may have changed hands. */
  constructor(context: NodeContext, onOwnersChanged: () => void) {
    this.#context = context
    this.#onOwnersChanged = onOwnersChanged
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
      nameOf: peer => `${shortPeerId(peer)}(${this.#context.view.nicknameOf(peer)})`,
    })
  }

  /**
   * Takes up what the store and the ledger hold.
   * @throws WeaveError RANGE_CHANGED
   */
  restore(entries: readonly StoreEntry[], now: Millis): void {
    const leases: Lease[] = []
    const strange: { readonly key: Uint8Array; readonly value: Uint8Array }[] = []
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
    // Titles rest on takeovers: so these come first.
    for (const kind of [RECORD_KIND.takeover, RECORD_KIND.acks])
      for (const { owner, key, value } of this.#context.ledger.records(kind)) this.#takeIn(owner, kind, key, value, now)
    for (const { owner, key, value } of this.#context.ledger.records(RECORD_KIND.blocks)) {
      const drop = this.#readInto(owner, RECORD_KIND.blocks, key, value, now)
      if (drop?.reason === 'blocks-range-differs' && owner === this.#context.config.identity.peerId)
        throw rangeChangedError(this.#context.config.range, value, leases)
      if (drop?.reason === 'blocks-unproved' && owner === this.#context.config.identity.peerId)
        strange.push({ key, value })
    }
    for (const { owner, key, value } of this.#context.ledger.records(RECORD_KIND.assigned))
      this.#readInto(owner, RECORD_KIND.assigned, key, value, now)
    this.ipam.start(now)
    this.drain(now)
    this.#removeStrange(strange)
  }

  /** Own statements of another mesh: the process ended while it left that one. */
  #removeStrange(strange: readonly { readonly key: Uint8Array; readonly value: Uint8Array }[]): void {
    const { ledger, config } = this.#context
    for (const { key, value } of strange) {
      const now = ledger.get(config.identity.peerId, RECORD_KIND.blocks, key)
      if (now !== undefined && equalBytes(now.value, value)) ledger.remove(RECORD_KIND.blocks, key)
    }
  }

  handleRecord({ owner, kind, key, record }: RecordChange, now: Millis): void {
    this.#onOwnersChanged()
    const value = record === undefined || record.isTombstone ? undefined : record.value
    this.#takeIn(owner, kind, key, value, now)
    this.drain(now)
  }

  #takeIn(owner: PeerId, kind: number, key: Uint8Array, value: Uint8Array | undefined, now: Millis): void {
    const drop = this.#readInto(owner, kind, key, value, now)
    if (drop !== undefined) this.#context.drop(drop.reason)
  }

  #readInto(owner: PeerId, kind: number, key: Uint8Array, value: Uint8Array | undefined, now: Millis) {
    if (kind === RECORD_KIND.takeover) return this.ipam.setTakeover(owner, key, value, now)
    if (kind === RECORD_KIND.acks) return this.ipam.setAcks(owner, value, now)
    if (kind === RECORD_KIND.assigned) {
      const part = decodePartKey(key)
      return isDrop(part) ? part : this.ipam.setAssigned(owner, part, value, now)
    }
    const page = decodePageKey(key)
    return isDrop(page) ? page : this.ipam.setStatements(owner, page, value, now)
  }

  handleRouted({ source: from, routedKind, body }: RoutedMessage, now: Millis): void {
    if (routedKind === ROUTED_KIND.ipamRequest) {
      const request = decodeIpamRequest(body)
      if (isDrop(request)) return this.#context.drop(request.reason)
      // What is handed on must be stored before it is said. Who asked asks somebody else when no answer comes.
      if (!this.#isStoreWritable) return this.#context.drop('store-full')
      if (this.ipam.hold !== undefined) return this.#context.drop('ipam-held')
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
    const { view } = this.#context
    this.ipam.setReachable(view.reachable, now, view.members)
    this.#forgetRemoved(now)
    this.drain(now)
  }

  /** Who left for good said so by a tombstone of what it is; there was no time to give back what it had borrowed. */
  #reclaimLeft(now: Millis): void {
    const { view, ledger } = this.#context
    const hasLeft = (peer: PeerId) =>
      !view.reachable.has(peer) && ledger.held(peer, RECORD_KIND.peer, NO_KEY)?.isTombstone === true
    const { version } = this.ipam.loans
    this.ipam.loans.endOf(hasLeft)
    if (version !== this.ipam.loans.version) this.ipam.handleTimeout(now)
  }

  /**
   * Neighbours that have not heard of it yet bring the records of a removed peer back, so it is looked again and again. It
   * brings them itself when it returns, and is reached a moment later: so they are left alone at first.
   */
  #forgetRemoved(now: Millis): void {
    this.#takeoversVersion = this.ipam.takeovers.version
    const { view, ledger, neighbours } = this.#context
    this.#reclaimLeft(now)
    const removed = this.ipam.takeovers.removed()
    const isDue = this.#forgetAt === undefined || now >= this.#forgetAt
    for (const peer of this.#forgotten.keys()) if (!removed.has(peer)) this.#forgotten.delete(peer)
    for (const peer of removed) {
      const isHeld = ledger.lastSeqOf(peer) > 0 && neighbours.neighbour(peer) === undefined
      const isBack = this.#forgotten.get(peer)
      if (isBack === undefined || (isBack && isHeld && isDue)) {
        if (view.members.has(peer)) this.#remember(peer)
        ledger.forgetOwner(peer)
        this.#forgotten.set(peer, false)
      } else if (isDue) this.#forgotten.set(peer, isHeld)
    }
    if (isDue) this.#forgetAt = removed.size === 0 ? undefined : now + COLLECT_INTERVAL_MS
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

  #remember(peer: PeerId): void {
    this.#removed.set(peer, this.#context.view.nicknameOf(peer))
  }

  /** Nicknames of peers that were removed, and are known no more. */
  get removed(): ReadonlyMap<PeerId, string> {
    return this.#removed.entries
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
    const blocks = this.ipam.leave(heir, now)
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
    const blocks = this.ipam.leave(heir, now, false)
    this.drain(now)
    return { heir, blocks }
  }

  handleTimeout(now: Millis): void {
    if (this.#forgetAt !== undefined && now >= this.#forgetAt) this.#forgetRemoved(now)
    const due = this.ipam.pollTimeout()
    if (due === undefined || now < due.at) return
    this.ipam.handleTimeout(now)
    this.drain(now)
  }

  pollTimeout(): { readonly at: Millis; readonly reason: string } | undefined {
    const forget = this.#forgetAt === undefined ? undefined : { at: this.#forgetAt, reason: 'forget removed' }
    return soonest([this.ipam.pollTimeout(), forget])
  }

  /** True while this peer owns a block, or a container here an address. */
  get holdsAny(): boolean {
    return this.ipam.ownsBlocks || this.ipam.leases().length > 0
  }

  /** Whose blocks they are, in peer indices. */
  owners(): BlockOwners | undefined {
    if (!this.ipam.isReady) return undefined
    const { version } = this.ipam
    const viewVersion = this.#context.view.indexVersion
    if (this.#owners?.version === version && this.#owners.viewVersion === viewVersion) return this.#owners.owners
    const { first, blockSize, ownerOf, lent } = this.ipam.ownership()
    const indexOf = (peer: PeerId | undefined) => (peer === undefined ? -1 : (this.#context.view.indexOf(peer) ?? -1))
    const byAddress = [...lent].sort((a, b) => a.address - b.address)
    const owners = {
      first,
      blockSize,
      ownerOf: Int32Array.from(ownerOf, indexOf),
      lentAddresses: Uint32Array.from(byAddress, loan => loan.address),
      lentTo: Int32Array.from(byAddress, loan => indexOf(loan.peer)),
    }
    this.#owners = { version, viewVersion, owners }
    return owners
  }

  drain(now: Millis): void {
    const { ledger } = this.#context
    if (this.#takeoversVersion !== this.ipam.takeovers.version) this.#forgetRemoved(now)
    for (let output = this.ipam.pollOutput(); output !== undefined; output = this.ipam.pollOutput()) {
      switch (output.type) {
        case 'publish':
          if (output.value === undefined) ledger.remove(RECORD_KIND.blocks, encodePageKey(output.page))
          else ledger.put(RECORD_KIND.blocks, encodePageKey(output.page), output.value)
          break
        case 'takeover':
          if (output.value === undefined) ledger.remove(RECORD_KIND[output.kind], output.key)
          else ledger.put(RECORD_KIND[output.kind], output.key, output.value)
          break
        case 'assign':
          if (output.value === undefined) ledger.remove(RECORD_KIND.assigned, encodePartKey(output.part))
          else ledger.put(RECORD_KIND.assigned, encodePartKey(output.part), output.value)
          break
        case 'keep':
          this.#keep(KEPT_PREFIX + output.key, output.value)
          break
        case 'lease':
          this.#keep(leaseKey(output.lease), encodeLease(output.lease))
          break
        case 'unlease':
          this.#keep(leaseKey(output.lease), undefined)
          break
        case 'send': {
          // What was handed on must be in the store and on its way before anybody is told.
          this.#context.flush(now)
          const [kind, body] = routed(output.message)
          this.#context.route(output.to, kind, body, now)
          break
        }
        case 'done':
          this.#context.flush(now)
          this.#context.emit({ type: 'allocated', id: output.id, cidrs: output.cidrs })
          break
        case 'failed':
          this.#context.emit({ type: 'refused', id: output.id, error: output.error })
          break
      }
    }
  }

  #keep(key: string, value: Uint8Array | undefined): void {
    const isGone = value === undefined
    this.#context.emit({ type: 'persist', puts: isGone ? [] : [[key, value]], deletes: isGone ? [key] : [] })
  }
}

function routed(message: IpamMessage): [number, Uint8Array] {
  switch (message.kind) {
    case 'ipam-request':
      return [ROUTED_KIND.ipamRequest, encodeIpamRequest(message)]
    case 'ipam-answer':
      return [ROUTED_KIND.ipamAnswer, encodeIpamAnswer(message)]
    case 'ipam-return':
      return [ROUTED_KIND.ipamReturn, encodeIpamReturn(message)]
  }
}

function leaseKey(lease: Lease): string {
  return `${LEASE_PREFIX}${formatCidr({ address: lease.address, prefix: 32 })}`
}
