import type { Endpoint } from '../address/mod.ts'
import { assert, ByteReader, ByteWriter, Drop, fromHex, isPrintable, toHex, utf8, type Decoded } from '../base/mod.ts'
import {
  INCARNATION_BYTES,
  NICKNAME_BYTES_MAX,
  SOFTWARE_VERSION_BYTES_MAX,
  readEndpoint,
  writeEndpoint,
} from '../wire/mod.ts'
import { ADVERTISED_ENDPOINTS_MAX } from './constants.ts'

/** Bits of `PeerInfo.capabilities`. */
export const PEER_CAPABILITY = {
  /** Takes several datagrams of one flow in one frame of the flag `gsoUdp`, and cuts it where its kernel does not. */
  joinedDatagrams: 1,
} as const

/**
 * The value of a peer's `peer` record: what it says of itself. Bytes after the last field are ignored.
 *
 *     | incarnation (8) | protocol version u8 | UDP port u16 | capabilities u32 | nickname length u16 | nickname … |
 *     | software version length u16 | software version … | endpoint count u8 | endpoints … |
 *
 * Texts are UTF-8 without control characters, for they are shown on terminals.
 */
export interface PeerInfo {
  /** At most 63 bytes of UTF-8. */
  readonly nickname: string
  /** A random number of this start of the peer: 16 hex characters. */
  readonly incarnation: string
  /** At most 63 bytes of UTF-8. */
  readonly softwareVersion: string
  readonly protocolVersion: number
  readonly udpPort: number
  /** A 32-bit set. */
  readonly capabilities: number
  /** At most 16. */
  readonly endpoints: readonly Endpoint[]
}

/** True for what `PeerInfo.nickname` may hold. */
export function isNickname(text: string): boolean {
  return text.length > 0 && isShownText(text, NICKNAME_BYTES_MAX)
}

function isShownText(text: string, bytesMax: number): boolean {
  return utf8(text).length <= bytesMax && isPrintable(text)
}

export function encodePeerInfo(info: PeerInfo): Uint8Array {
  const incarnation = fromHex(info.incarnation)
  assert(incarnation?.length === INCARNATION_BYTES, `incarnation ${info.incarnation}`)
  assert(isNickname(info.nickname), `nickname ${info.nickname}`)
  assert(isShownText(info.softwareVersion, SOFTWARE_VERSION_BYTES_MAX), `software version ${info.softwareVersion}`)
  assert(info.endpoints.length <= ADVERTISED_ENDPOINTS_MAX, `${info.endpoints.length} advertised endpoints`)
  const writer = new ByteWriter()
    .raw(incarnation)
    .u8(info.protocolVersion)
    .u16(info.udpPort)
    .u32(info.capabilities)
    .text(info.nickname)
    .text(info.softwareVersion)
    .u8(info.endpoints.length)
  for (const endpoint of info.endpoints) writeEndpoint(writer, endpoint)
  return writer.finish()
}

export function decodePeerInfo(value: Uint8Array): Decoded<PeerInfo> {
  const reader = new ByteReader(value)
  const incarnation = toHex(reader.raw(INCARNATION_BYTES))
  const protocolVersion = reader.u8()
  const udpPort = reader.u16()
  const capabilities = reader.u32()
  const nickname = reader.text(NICKNAME_BYTES_MAX)
  const softwareVersion = reader.text(SOFTWARE_VERSION_BYTES_MAX)
  const count = reader.u8()
  if (!reader.ok || udpPort === 0 || count > ADVERTISED_ENDPOINTS_MAX) return new Drop('peer-malformed')
  const endpoints: Endpoint[] = []
  for (let i = 0; i < count; i++) {
    const endpoint = readEndpoint(reader)
    if (endpoint !== undefined) endpoints.push(endpoint)
  }
  if (!reader.ok) return new Drop('peer-malformed')
  if (!isNickname(nickname) || !isShownText(softwareVersion, SOFTWARE_VERSION_BYTES_MAX)) return new Drop('peer-text')
  return { nickname, incarnation, softwareVersion, protocolVersion, udpPort, capabilities, endpoints }
}
