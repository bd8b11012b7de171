import { hash } from '@stablelib/blake2b'
import { parseCidr, parseEndpoint } from '../address/mod.ts'
import {
  ByteReader,
  ByteWriter,
  WeaveError,
  assert,
  concatBytes,
  counted,
  equalBytes,
  fromBase32,
  fromHex,
  toBase32,
  toHex,
  utf8,
} from '../base/mod.ts'

/** What a new host needs to come into a mesh. */
export interface Invite {
  /** 32 hex characters. */
  readonly mesh: string
  /** ip:port of the host that invites, then of other members that it reached, 1 to 16 in all. */
  readonly endpoints: readonly string[]
  /** Of the mesh, as `--ipalloc-range` of all its peers. */
  readonly range: string
  /** Under which containers are found by name, as `--dns-domain`. */
  readonly domain: string
  /** The mesh secret; empty: an open mesh. */
  readonly secret: string
}

const INVITE_VERSION = '1'
const INVITE_PREFIX = `weave${INVITE_VERSION}-`
const MESH_BYTES = 16
const INVITE_CHECKSUM_BYTES = 8
export const INVITED_ENDPOINTS_MAX = 16
const INVITED_TEXT_BYTES_MAX = 255
const INVITED_SECRET_BYTES_MAX = 4096
/** They hold the length and the first bytes after it. */
const HEAD_CHARACTERS = 8
/** More than the longest one has, with what may be wrapped around it. */
export const INVITE_CHARACTERS_MAX = 16 * 1024

/**
 * One string without spaces: `weave1-` and, in base32 (RFC 4648, lower case, without padding):
 *
 *     u16 length of what follows
 *     mesh id, 16 bytes
 *     u8 count of endpoints, and these; then the range, the domain and the secret: u16 length, UTF-8
 *     BLAKE2b-64 of `weave1-` and all that
 *
 * Integers are little-endian. Whoever holds it may join: it is as secret as the secret.
 */
export function encodeInvite({ mesh, endpoints, range, domain, secret }: Invite): string {
  const meshId = fromHex(mesh)
  assert(meshId?.length === MESH_BYTES, 'a mesh id is 32 hex characters')
  const body = new ByteWriter().raw(meshId).u8(endpoints.length)
  for (const text of [...endpoints, range, domain, secret]) body.text(text)
  const sealed = concatBytes(new ByteWriter().u16(body.length + INVITE_CHECKSUM_BYTES).finish(), body.finish())
  return INVITE_PREFIX + toBase32(concatBytes(sealed, checksumOf(sealed)))
}

/**
 * Reads what somebody pasted; line ends and spaces in it do not count.
 * @throws WeaveError BAD_INVITATION with what is wrong; nothing of the text is in it
 */
export function decodeInvite(text: string): Invite {
  if (text.length > INVITE_CHARACTERS_MAX) throw bad(`it is longer than ${INVITE_CHARACTERS_MAX} characters`)
  const joined = text.replace(/\s+/g, '').toLowerCase()
  if (joined === '') throw bad('it is empty')
  const version = /^weave(\d{1,3})-/.exec(joined)?.[1]
  if (version === undefined) throw bad(`it does not begin with ${INVITE_PREFIX}, so it is no invitation`)
  if (version !== INVITE_VERSION)
    throw bad(`it is of version ${version}, and this program reads version ${INVITE_VERSION}; update the older host`)
  const packed = joined.slice(INVITE_PREFIX.length)
  if (packed.length < HEAD_CHARACTERS) throw bad('it is cut off')
  const head = fromBase32(packed.slice(0, HEAD_CHARACTERS))
  if (head === undefined) throw damaged()
  const needed = Math.ceil(((2 + new ByteReader(head).u16()) * 8) / 5)
  if (packed.length < needed) throw bad(`it is cut off, ${counted(needed - packed.length, 'character')} too short`)
  if (packed.length > needed) throw bad(`it is ${counted(packed.length - needed, 'character')} too long`)
  const bytes = fromBase32(packed)
  if (bytes === undefined || bytes.length < 2 + INVITE_CHECKSUM_BYTES) throw damaged()
  const sealed = bytes.subarray(0, -INVITE_CHECKSUM_BYTES)
  if (!equalBytes(bytes.subarray(-INVITE_CHECKSUM_BYTES), checksumOf(sealed))) throw damaged()
  const invite = fieldsOf(sealed.subarray(2))
  if (invite === undefined) throw bad('what it says cannot be')
  return invite
}

function fieldsOf(body: Uint8Array): Invite | undefined {
  const reader = new ByteReader(body)
  const mesh = toHex(reader.raw(MESH_BYTES))
  const count = reader.u8()
  if (count < 1 || count > INVITED_ENDPOINTS_MAX) return undefined
  const endpoints = Array.from({ length: count }, () => reader.text(INVITED_TEXT_BYTES_MAX))
  const [range, domain] = [reader.text(INVITED_TEXT_BYTES_MAX), reader.text(INVITED_TEXT_BYTES_MAX)]
  const secret = reader.text(INVITED_SECRET_BYTES_MAX)
  const isSound = reader.done && parseCidr(range) !== undefined && /^[\w.-]+$/.test(domain)
  if (!isSound || endpoints.some(one => parseEndpoint(one) === undefined)) return undefined
  return { mesh, endpoints, range, domain, secret }
}

function checksumOf(sealed: Uint8Array): Uint8Array {
  return hash(concatBytes(utf8(INVITE_PREFIX), sealed), INVITE_CHECKSUM_BYTES)
}

function damaged(): WeaveError {
  return bad('a character of it is wrong')
}

function bad(what: string): WeaveError {
  return new WeaveError(
    'BAD_INVITATION',
    `the invitation cannot be used: ${what}`,
    'copy the whole line that `weave-ts invite` prints on a host of the mesh',
  )
}
