import { peerIdBytes, peerIdFromBytes, type PeerId } from '../address/mod.ts'
import { ByteReader, ByteWriter, Drop, equalBytes, printable, type Decoded } from '../base/mod.ts'
import { MESH_ID_BYTES } from './record.ts'
import { NICKNAME_BYTES_MAX } from './hello.ts'

/**
 * What the peers that decide who founds tell each other: a link message `election` holds the newest statement of each of
 * some peers, each signed by its author.
 *
 *     | count u8 | count × statement |
 *
 *     | signing key (32) | revision u64 | electorate (16) | size u16 | promised u32 | by (16) | accepted u32 | by (16) |
 *     | founder (16) | mesh id (16) | nickname text ≤ 63 | signature (64) |
 *
 * A round of 0 with zeros for the peer: none. The signature is over "weave-ts founding 1" and all that stands before it.
 */
export interface ElectionStatement {
  readonly signingPublic: Uint8Array
  /** Of the author, ascending: the higher counts. */
  readonly revision: number
  /** 16 bytes: who has a vote; statements for different ones are never counted together. */
  readonly electorate: Uint8Array
  /** How many have a vote, for words. */
  readonly size: number
  readonly promised: Ballot | undefined
  readonly accepted: Accepted | undefined
  /** The mesh of the author, once it is the one that founds; else zeros. */
  readonly meshId: Uint8Array
  readonly nickname: string
}

/** Each attempt of some seconds is one more: an elector that is far ahead lies, and would stop all others. */
export const ROUND_MAX = 0xf_ffff

/** An attempt to decide; of two the one with the greater round, then of the greater peer. */
export interface Ballot {
  readonly round: number
  readonly proposer: PeerId
}

export interface Accepted {
  readonly ballot: Ballot
  readonly founder: PeerId
}

export interface SignedElectionStatement {
  readonly statement: ElectionStatement
  readonly signature: Uint8Array
}

export const ELECTORATE_BYTES = 16
/** Statements in one message: with the longest nicknames 21 KiB. */
export const ELECTION_STATEMENTS_PER_MESSAGE = 64
const KEY_BYTES = 32
const ELECTION_SIGNATURE_BYTES = 64
const PEER_BYTES = 16
const NO_PEER = new Uint8Array(PEER_BYTES)
const ELECTION_LABEL = new TextEncoder().encode('weave-ts founding 1')

export function electionSignedBytes(statement: ElectionStatement): Uint8Array {
  return write(new ByteWriter().raw(ELECTION_LABEL), statement).finish()
}

export function encodeElection(statements: readonly SignedElectionStatement[]): Uint8Array {
  const writer = new ByteWriter(statements.length * 330).u8(statements.length)
  for (const { statement, signature } of statements) write(writer, statement).raw(signature)
  return writer.finish()
}

export function decodeElection(body: Uint8Array): Decoded<readonly SignedElectionStatement[]> {
  const reader = new ByteReader(body)
  const count = reader.u8()
  if (count === 0 || count > ELECTION_STATEMENTS_PER_MESSAGE) return new Drop('election-malformed')
  const all: SignedElectionStatement[] = []
  while (all.length < count && reader.ok) {
    const statement = read(reader)
    all.push({ statement, signature: reader.raw(ELECTION_SIGNATURE_BYTES).slice() })
  }
  return reader.done ? all : new Drop('election-malformed')
}

function write(writer: ByteWriter, statement: ElectionStatement): ByteWriter {
  const { promised, accepted } = statement
  writer.raw(statement.signingPublic).u64(statement.revision).raw(statement.electorate).u16(statement.size)
  writeBallot(writer, promised)
  writeBallot(writer, accepted?.ballot)
  writer.raw(accepted === undefined ? NO_PEER : peerIdBytes(accepted.founder))
  return writer.raw(statement.meshId).text(statement.nickname)
}

function writeBallot(writer: ByteWriter, ballot: Ballot | undefined): void {
  writer.u32(ballot?.round ?? 0).raw(ballot === undefined ? NO_PEER : peerIdBytes(ballot.proposer))
}

function read(reader: ByteReader): ElectionStatement {
  const signingPublic = reader.raw(KEY_BYTES).slice()
  const revision = reader.u64()
  const electorate = reader.raw(ELECTORATE_BYTES).slice()
  const size = reader.u16()
  const promised = readBallot(reader)
  const ballot = readBallot(reader)
  const founder = reader.raw(PEER_BYTES)
  const accepted = ballot === undefined ? undefined : { ballot, founder: peerIdFromBytes(founder) }
  // What could be written in two ways would not be what was signed.
  if (ballot === undefined && !equalBytes(founder, NO_PEER)) reader.fail()
  const meshId = reader.raw(MESH_ID_BYTES).slice()
  const nickname = reader.text(NICKNAME_BYTES_MAX)
  if (printable(nickname) !== nickname) reader.fail()
  return { signingPublic, revision, electorate, size, promised, accepted, meshId, nickname }
}

function readBallot(reader: ByteReader): Ballot | undefined {
  const round = reader.u32()
  const proposer = reader.raw(PEER_BYTES)
  if (round > ROUND_MAX) reader.fail()
  if (round > 0) return { round, proposer: peerIdFromBytes(proposer) }
  if (!equalBytes(proposer, NO_PEER)) reader.fail()
  return undefined
}
