import { peerIdBytes, type Cidr, type PeerId } from '../address/mod.ts'
import { ByteWriter, utf8 } from '../base/mod.ts'
import type { Founding } from './founding.ts'
import type { Register } from './register.ts'

/** A register with what proves it: the founding, a takeover, or the grant of whoever had the title before. */
export type Title = FoundingTitle | TakeoverTitle | GrantTitle

/** Of every block, and of the founder; the mesh id proves it. */
export interface FoundingTitle extends Register {
  readonly type: 'founding'
  readonly founding: Founding
}

/** Of the blocks of a peer that is gone, and of whoever took them over. */
export interface TakeoverTitle extends Register {
  readonly type: 'takeover'
  /** 32 hex digits. */
  readonly takeover: string
}

/** Of blocks that the owner before handed on, and signed that it did. */
export interface GrantTitle extends Register, Stretch {
  readonly type: 'grant'
  readonly parent: Title
  /** Ed25519, 32 bytes: the key of the parent's owner. */
  readonly giverKey: Uint8Array
  /** 64 bytes, over `grantSignedBytes`. */
  readonly signature: Uint8Array
}

/** Consecutive blocks of the range. */
export interface Stretch {
  readonly first: number
  /** 1 or more. */
  readonly count: number
}

/** Where titles begin. */
export type RootTitle = FoundingTitle | TakeoverTitle

export function rootOf(title: Title): RootTitle {
  let root = title
  while (root.type === 'grant') root = root.parent
  return root
}

/** The titles from the root's first grant to this one. */
export function grantsOf(title: Title): GrantTitle[] {
  const grants: GrantTitle[] = []
  for (let at = title; at.type === 'grant'; at = at.parent) grants.unshift(at)
  return grants
}

const GRANT_DOMAIN = utf8('weave-ts grant 1')

/** What the numbers of blocks mean: they are numbers of one mesh and one range only. */
export interface GrantScope {
  readonly meshId: Uint8Array
  readonly range: Cidr
  readonly blockPrefix: number
}

/** What a giver signs: docs/protocol.md §10.1. */
export function grantSignedBytes(scope: GrantScope, grant: Stretch & Register): Uint8Array {
  const { meshId, range, blockPrefix } = scope
  return new ByteWriter(80)
    .raw(GRANT_DOMAIN)
    .raw(meshId)
    .u32(range.address)
    .u8(range.prefix)
    .u8(blockPrefix)
    .u32(grant.first)
    .u32(grant.count)
    .u32(grant.term)
    .u32(grant.seq)
    .raw(peerIdBytes(grant.owner))
    .finish()
}

/** Who gives, as far as titles need it. */
export interface Giver {
  readonly peerId: PeerId
  readonly signingPublic: Uint8Array
  sign(message: Uint8Array): Uint8Array
}

/** The title of `to` on blocks of `parent`'s owner, which is `giver`. */
export function grant(giver: Giver, scope: GrantScope, parent: Title, stretch: Stretch, to: PeerId): GrantTitle {
  const register = { term: parent.term, seq: parent.seq + 1, owner: to }
  const signature = giver.sign(grantSignedBytes(scope, { ...register, ...stretch }))
  const { first, count } = stretch
  return { type: 'grant', ...register, first, count, parent, giverKey: giver.signingPublic, signature }
}
