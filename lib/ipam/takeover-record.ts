import { firstAddress, PEER_ID_BYTES, peerIdBytes, peerIdFromBytes, type Cidr, type PeerId } from '../address/mod.ts'
import { assert, ByteReader, ByteWriter, Drop, toHex, utf8, type Decoded } from '../base/mod.ts'
import { peerIdOf, type CryptoSuite } from '../crypto/mod.ts'
import { TAKEOVER_RUNS_MAX, TERM_MAX } from './constants.ts'
import { joinStretches } from './stretches.ts'
import type { Giver, GrantScope, Stretch } from './title.ts'

/**
 * That one peer takes over what another one owned: the value of a ledger record of kind `takeover`, whose key is the
 * id. It is signed by its author, so that whoever owns blocks by it may publish it too. All integers are little-endian.
 *
 *     | author's key (32) | signature (64) | body: | range address u32 | range prefix u8 | block prefix u8 |
 *     | victim (16) | term u32 | flags u8: 1 forced | runs u16 ≤ 1,024 | runs × | first block u32 | blocks u32 | |
 *
 * The signature is over "weave-ts takeover 1" ‖ mesh id ‖ author ‖ body; the id is the first 16 bytes of the
 * BLAKE2b-256 of the same. Runs ascend and do not overlap; neighbours count as one. Bytes after the runs are ignored. The
 * victim may be the author: that makes a new root for what it owns.
 */
export interface Takeover {
  /** 32 hex digits. */
  readonly id: string
  readonly author: PeerId
  readonly victim: PeerId
  /** Of all its titles: above that of every block which it names. */
  readonly term: number
  /** The author gives addresses of it before it is settled. */
  readonly isForced: boolean
  readonly runs: readonly Stretch[]
  /** What the ledger carries. */
  readonly value: Uint8Array
}

/** How a takeover is named in the ledger and by titles. */
export const TAKEOVER_ID_BYTES = 16

const TAKEOVER_DOMAIN = utf8('weave-ts takeover 1')
const TAKEOVER_HASH_BYTES = 32
const AUTHOR_KEY_BYTES = 32
const AUTHOR_SIGNATURE_BYTES = 64
const FLAG_FORCED = 1

export type TakeoverPlan = Pick<Takeover, 'victim' | 'term' | 'isForced' | 'runs'>

export function makeTakeover(
  suite: Pick<CryptoSuite, 'hash'>,
  author: Giver,
  scope: GrantScope,
  plan: TakeoverPlan,
): Takeover {
  const { victim, term, isForced, runs } = plan
  assert(runs.length <= TAKEOVER_RUNS_MAX && term <= TERM_MAX, `${runs.length} runs of term ${term}`)
  const writer = new ByteWriter(64 + 8 * runs.length)
  writer.u32(scope.range.address).u8(scope.range.prefix).u8(scope.blockPrefix)
  writer
    .raw(peerIdBytes(victim))
    .u32(term)
    .u8(isForced ? FLAG_FORCED : 0)
  writer.u16(runs.length)
  for (const { first, count } of runs) writer.u32(first).u32(count)
  const body = writer.finish()
  const signed = signedBytes(scope.meshId, author.peerId, body)
  const value = new ByteWriter(96 + body.length).raw(author.signingPublic).raw(author.sign(signed)).raw(body).finish()
  return { id: idOf(suite, signed), author: author.peerId, ...plan, value }
}

/**
 * Reads and checks one. Drops: `takeover-short`, `takeover-runs`, `takeover-key` (the key is not its id),
 * `takeover-range` (about another range or block size), `takeover-signature`.
 */
export function readTakeover(
  suite: Pick<CryptoSuite, 'hash' | 'verify'>,
  scope: GrantScope,
  blockCount: number,
  key: Uint8Array,
  value: Uint8Array,
): Decoded<Takeover> {
  const reader = new ByteReader(value)
  const authorKey = reader.raw(AUTHOR_KEY_BYTES)
  const signature = reader.raw(AUTHOR_SIGNATURE_BYTES)
  const body = value.subarray(AUTHOR_KEY_BYTES + AUTHOR_SIGNATURE_BYTES)
  const range: Cidr = { address: reader.u32(), prefix: reader.u8() }
  const blockPrefix = reader.u8()
  const victim = peerIdFromBytes(reader.raw(PEER_ID_BYTES))
  const term = reader.u32()
  const flags = reader.u8()
  const runs = readStretches(reader, blockCount)
  if (!reader.ok) return new Drop('takeover-short')
  if (runs === undefined || term === 0 || term > TERM_MAX) return new Drop('takeover-runs')
  const isOurs = range.address === scope.range.address && range.prefix === scope.range.prefix
  if (!isOurs || blockPrefix !== scope.blockPrefix || range.address !== firstAddress(range))
    return new Drop('takeover-range')
  const author = peerIdOf(suite, authorKey)
  const signed = signedBytes(scope.meshId, author, body)
  const id = idOf(suite, signed)
  if (id !== toHex(key)) return new Drop('takeover-key')
  if (!suite.verify(authorKey, signed, signature)) return new Drop('takeover-signature')
  return { id, author, victim, term, isForced: (flags & FLAG_FORCED) !== 0, runs, value: value.slice() }
}

/** True when all these blocks are of the takeover. */
export function coversStretch({ runs }: Takeover, { first, count }: Stretch): boolean {
  return runs.some(run => first >= run.first && first + count <= run.first + run.count)
}

/** Undefined when they are too many, empty, not in order, or past the last block. */
function readStretches(reader: ByteReader, blockCount: number): Stretch[] | undefined {
  const count = reader.u16()
  if (count > TAKEOVER_RUNS_MAX) return undefined
  const runs: Stretch[] = []
  let free = 0
  for (let i = 0; i < count; i++) {
    const run = { first: reader.u32(), count: reader.u32() }
    if (!reader.ok) return undefined
    if (run.first < free || run.count === 0 || run.first + run.count > blockCount) return undefined
    free = run.first + run.count
    runs.push(run)
  }
  return joinStretches(runs)
}

function signedBytes(meshId: Uint8Array, author: PeerId, body: Uint8Array): Uint8Array {
  return new ByteWriter(64 + body.length).raw(TAKEOVER_DOMAIN).raw(meshId).raw(peerIdBytes(author)).raw(body).finish()
}

function idOf(suite: Pick<CryptoSuite, 'hash'>, signed: Uint8Array): string {
  return toHex(suite.hash(signed, TAKEOVER_HASH_BYTES).subarray(0, TAKEOVER_ID_BYTES))
}
