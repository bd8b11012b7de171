import { ByteReader, ByteWriter, Drop, printable, type Decoded } from '../base/mod.ts'
import { MESH_ID_BYTES } from './record.ts'

/**
 * Who a peer is: the payload of the second and third handshake message.
 *
 *     | signing public key (32) | incarnation (8) | mesh id (16, zero: none yet) | flags u8 | version u8 | port u16 |
 *     | capabilities u32 | peers known u16 | nickname (16-bit length, text) | software |
 *
 * Bytes that follow are of a later version and are ignored.
 */
export interface Hello {
  readonly signingPublic: Uint8Array
  /** 8 random bytes of this start. */
  readonly incarnation: Uint8Array
  readonly meshId: Uint8Array
  /** True while the mesh was founded here and nobody joined and nothing was allocated: it may be given up. */
  readonly isPristine: boolean
  /** True while no address was ever given in the mesh, as far as this peer knows. */
  readonly isUnused: boolean
  /** Protocol version: the highest that the initiator offers, the one that the responder chose. */
  readonly version: number
  /** TCP and UDP port that this peer listens on. */
  readonly port: number
  readonly capabilities: number
  readonly peersKnown: number
  readonly nickname: string
  readonly software: string
}

export const INCARNATION_BYTES = 8
export const NICKNAME_BYTES_MAX = 63
export const SOFTWARE_VERSION_BYTES_MAX = 63
const FLAG_PRISTINE = 1
const FLAG_UNUSED = 2

export function encodeHello(hello: Hello): Uint8Array {
  return new ByteWriter()
    .raw(hello.signingPublic)
    .raw(hello.incarnation)
    .raw(hello.meshId)
    .u8((hello.isPristine ? FLAG_PRISTINE : 0) | (hello.isUnused ? FLAG_UNUSED : 0))
    .u8(hello.version)
    .u16(hello.port)
    .u32(hello.capabilities)
    .u16(Math.min(hello.peersKnown, 0xffff))
    .text(hello.nickname)
    .text(hello.software)
    .finish()
}

export function decodeHello(bytes: Uint8Array): Decoded<Hello> {
  const reader = new ByteReader(bytes)
  const signingPublic = reader.raw(32).slice()
  const incarnation = reader.raw(INCARNATION_BYTES).slice()
  const meshId = reader.raw(MESH_ID_BYTES).slice()
  const flags = reader.u8()
  const hello = {
    signingPublic,
    incarnation,
    meshId,
    isPristine: (flags & FLAG_PRISTINE) !== 0,
    isUnused: (flags & FLAG_UNUSED) !== 0,
    version: reader.u8(),
    port: reader.u16(),
    capabilities: reader.u32(),
    peersKnown: reader.u16(),
    nickname: reader.text(NICKNAME_BYTES_MAX),
    software: reader.text(SOFTWARE_VERSION_BYTES_MAX),
  }
  if (!reader.ok || hello.port === 0) return new Drop('hello-malformed')
  return { ...hello, nickname: printable(hello.nickname) }
}
