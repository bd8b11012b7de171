import type { PeerId } from '../address/mod.ts'
import { compareBytes, counted, equalBytes, toHex } from '../base/mod.ts'
import { PROTOCOL_VERSION_MAX } from '../peer/mod.ts'
import { GOODBYE_CODE, MESH_ID_BYTES, type Hello } from '../wire/mod.ts'
import type { NodeConfig } from './config.ts'
import type { Admission } from './neighbour.ts'
import type { NodeOutput } from './outputs.ts'
import type { NodePart, StoreRead } from './part.ts'
import { entriesOf } from './parts.ts'
import { decodeMesh, encodeMesh, type StoredMesh } from './stored.ts'

/** Of the store: absent until this peer was of a mesh. */
export const MESH_KEY = 'mesh'

export const NO_MESH = new Uint8Array(MESH_ID_BYTES)

/** What this peer says of its mesh in the hello. */
export interface MeshState {
  /** Zeros: none yet. */
  readonly meshId: Uint8Array
  /** Founded here, and nobody joined and nothing was allocated since. */
  readonly isPristine: boolean
  /** No address was ever given in it, as far as is known; so is a pristine one. */
  readonly isUnused: boolean
  readonly peersKnown: number
}

/** What this peer was told about the one at the other end of a link. */
export interface Invitation {
  /** This side dialled. */
  readonly isDialler: boolean
  /** The operator named the other one as a contact. */
  readonly isInvited: boolean
  /** The only mesh that this peer may come into from none; undefined: any. */
  readonly onlyMesh?: Uint8Array | undefined
}

export type MeshVerdict =
  | { readonly verdict: 'same' | 'wait' | 'theirs-joins-ours' }
  | { readonly verdict: 'join'; readonly meshId: Uint8Array }
  | { readonly verdict: 'refuse' | 'uninvited'; readonly text: string }

/**
 * Whether two peers can be of one mesh. Who has none, or one that is worth nothing because no address was ever given in
 * it, joins the other's; but only whom the operator named: else anybody who dials could draw a peer into his mesh. Two
 * meshes that are in use never merge: that is refused with both ids, their sizes, and what to do.
 */
export function judgeMesh(ours: MeshState, theirs: MeshState, invitation: Invitation): MeshVerdict {
  const weHave = !equalBytes(ours.meshId, NO_MESH)
  const theyHave = !equalBytes(theirs.meshId, NO_MESH)
  if (!weHave && !theyHave) return { verdict: 'wait' }
  if (!theyHave) return { verdict: 'theirs-joins-ours' }
  if (equalBytes(ours.meshId, theirs.meshId)) return { verdict: 'same' }
  const { onlyMesh } = invitation
  if (!weHave && onlyMesh !== undefined && !equalBytes(onlyMesh, theirs.meshId))
    return { verdict: 'refuse', text: otherThanInvited(onlyMesh, theirs.meshId) }
  const wouldJoin = !weHave || (ours.isUnused && givesWay(ours, theirs, invitation))
  if (wouldJoin) return invitation.isInvited ? { verdict: 'join', meshId: theirs.meshId } : UNINVITED
  if (theirs.isUnused) return { verdict: 'theirs-joins-ours' }
  return {
    verdict: 'refuse',
    text:
      `two different meshes: ${toHex(ours.meshId).slice(0, 8)} (${counted(ours.peersKnown, 'peer')}) and ` +
      `${toHex(theirs.meshId).slice(0, 8)} (${counted(theirs.peersKnown, 'peer')}); decide which one stays, and on each peer of the ` +
      'other run `weave-ts reset` and launch it with a peer of the first',
  }
}

/** For both sides. */
function otherThanInvited(invited: Uint8Array, met: Uint8Array): string {
  return (
    `two different meshes: one side may come into ${toHex(invited).slice(0, 8)} only (launch --mesh, or its invitation), and the ` +
    `other is of ${toHex(met).slice(0, 8)}; name a host of the first to it, or run \`weave-ts reset\` there and invite it into the other`
  )
}

/**
 * Whether an unused mesh gives way to another one. One with a single member gives way to one with more, of two such the
 * dialler's; of two that several are in that with the greater id. So every peer moves along one order, and meshes whose
 * members all name each other end as one.
 */
function givesWay(ours: MeshState, theirs: MeshState, { isDialler }: Invitation): boolean {
  if (!theirs.isUnused) return true
  if (ours.isPristine !== theirs.isPristine) return ours.isPristine
  return ours.isPristine ? isDialler : compareBytes(ours.meshId, theirs.meshId) > 0
}

/** For who dialled: the other side says it. */
const UNINVITED: MeshVerdict = {
  verdict: 'uninvited',
  text: 'the other side was not told to join this mesh; run `weave-ts connect` there, with an address of this host',
}

export function meshStateOf(hello: Hello): MeshState {
  const { meshId, isPristine, isUnused, peersKnown } = hello
  return { meshId, isPristine, isUnused: isUnused || isPristine, peersKnown }
}

/** Why a verdict lets nobody in; undefined when it does. */
export function refusalOf(verdict: MeshVerdict): Admission | undefined {
  switch (verdict.verdict) {
    case 'refuse':
      return { admitted: false, code: GOODBYE_CODE.otherMesh, text: verdict.text }
    case 'uninvited':
      return { admitted: false, code: GOODBYE_CODE.uninvited, text: verdict.text }
    case 'same':
    case 'wait':
    case 'theirs-joins-ours':
    case 'join':
      return undefined
  }
}

/**
 * Which mesh this peer is of, kept in the store.
 *
 * Of three meshes that nobody used, connected at one moment, two peers can each take a third one for their own. So both
 * sides of a join commit in turn: the joiner says so by its first ledger message; on it the founder, until then free to
 * join another mesh, stays for good and only then tells of its ledger; on that the joiner stays. Until then the joiner
 * takes in nobody else, and a crash finds it without a mesh.
 */
export class Membership implements NodePart {
  readonly name = 'mesh'
  readonly storePrefixes = [MESH_KEY]
  readonly #config: NodeConfig
  readonly #emit: (output: NodeOutput) => void
  #meshId: Uint8Array = NO_MESH
  #isPristine = false
  #isUsed = false
  #contact = ''
  #joining: { readonly through: PeerId; readonly contact: string; readonly isFounder: boolean } | undefined
  readonly #isFree: (contact: string) => boolean

  /** Reads the store itself: every other part is made for the mesh that this one holds. */
  constructor(
    config: NodeConfig,
    read: StoreRead,
    given: {
      emit: (output: NodeOutput) => void
      /** True when nothing was allocated here, and the contact that this peer joined through is no longer wanted. */
      isFree: (contact: string) => boolean
    },
  ) {
    this.#config = config
    this.#emit = given.emit
    this.#isFree = given.isFree
    const mesh = decodeMesh(entriesOf(this, read).find(([key]) => key === MESH_KEY)?.[1])
    if (mesh === undefined) return
    this.#meshId = mesh.meshId
    this.#isPristine = mesh.isPristine
    this.#isUsed = mesh.isUsed
    this.#contact = mesh.contact
  }

  /** 16 bytes; zeros while there is no mesh. */
  get meshId(): Uint8Array {
    return this.#meshId
  }

  get isMember(): boolean {
    return !equalBytes(this.#meshId, NO_MESH)
  }

  get isPristine(): boolean {
    return this.#isPristine
  }

  /** False once an address was given in the mesh, by whomever, for ever. */
  get isUnused(): boolean {
    return this.isMember && !this.#isUsed
  }

  /** The neighbour through which this peer joins, until that one has answered for its mesh. */
  get joiningThrough(): PeerId | undefined {
    return this.#joining?.through
  }

  /** True when there is a mesh to tell others of: not while nobody joined it, and all may yet be given up. */
  get isShared(): boolean {
    return this.isMember && !this.#isPristine
  }

  /** `isUsed`: an address was given in it. */
  set(meshId: Uint8Array, isPristine: boolean, contact = '', isUsed = false): void {
    this.found(meshId, isPristine, contact, isUsed)
    this.store()
  }

  /** The same, but the store is to hear of it by `store`. */
  found(meshId: Uint8Array, isPristine = true, contact = '', isUsed = false): void {
    this.#meshId = meshId
    this.#isPristine = isPristine
    this.#isUsed = isUsed
    this.#contact = contact
    this.#joining = undefined
  }

  /** Stores which mesh this peer is of. */
  store(): void {
    this.#persist({
      meshId: this.#meshId,
      isPristine: this.#isPristine,
      isUsed: this.#isUsed,
      contact: this.#contact,
    })
  }

  /** An address was given in the mesh: it never gives way any more. */
  markUsed(): void {
    if (!this.isUnused) return
    this.#isUsed = true
    this.#isPristine = false
    // Until a join is complete the store knows nothing of it.
    if (this.#joining === undefined)
      this.#persist({ meshId: this.#meshId, isPristine: false, isUsed: true, contact: this.#contact })
  }

  /** Takes the neighbour's mesh for this peer's, until `confirm` or `giveUp`. `contact`: what the operator calls it. */
  join(meshId: Uint8Array, through: PeerId, contact: string): void {
    this.#joining = { through, contact, isFounder: this.#isPristine }
    this.#meshId = meshId
    this.#isPristine = false
    this.#isUsed = false
    this.#persist({ meshId: NO_MESH, isPristine: false, isUsed: false, contact: '' })
  }

  /** The neighbour has told of its ledger: whoever was alone until now is so no longer. True when that was news. */
  confirm(from: PeerId): boolean {
    if (!this.isMember || (!this.#isPristine && this.joiningThrough !== from)) return false
    this.set(this.#meshId, false, this.#joining?.contact ?? '', this.#isUsed)
    return true
  }

  /** What this peer was about to join is gone: it has no mesh. Returns whether it had founded one before. */
  giveUp(): boolean {
    const isFounder = this.#joining?.isFounder ?? false
    this.set(NO_MESH, false)
    return isFounder
  }

  #persist(mesh: StoredMesh): void {
    this.#emit({ type: 'persist', puts: [[MESH_KEY, encodeMesh(mesh)]], deletes: [] })
  }

  /**
   * A join can be taken back while nothing came of it and the operator no longer wants it: then it counts as pristine.
   */
  state(peersKnown: number): MeshState {
    const isRevocable = this.#contact !== '' && this.#joining === undefined && this.#isFree(this.#contact)
    const isPristine = this.#isPristine || isRevocable
    return { meshId: this.#meshId, isPristine, isUnused: this.isUnused || isPristine, peersKnown }
  }

  /** What this peer says of itself. */
  hello(peersKnown: number): Hello {
    const { identity, incarnation, port, nickname, software } = this.#config
    return {
      signingPublic: identity.signingPublic,
      incarnation,
      ...this.state(peersKnown),
      version: PROTOCOL_VERSION_MAX,
      port,
      capabilities: 0,
      nickname,
      software,
    }
  }
}
