import { MEASURED_BURST_MAX } from '../../lib/overlay/constants.ts'
import type { EngineControl } from '../../lib/overlay/packet-engine.ts'
import { DATAGRAM_HEADER_BYTES, DATAGRAM_KIND, DATAGRAM_TAG_BYTES, DATAGRAM_TYPE_RAW } from '../../lib/wire/datagram.ts'
import { MEASURED_AT, MEASURED_BYTES_MIN } from '../../lib/wire/measure-message.ts'
import { hasWay, isTooBig, viewOf, type MemoryPeer } from './memory-peer.ts'

const RAW_BYTES_MIN = DATAGRAM_HEADER_BYTES + 1 + DATAGRAM_TAG_BYTES

/** Whether it is a test datagram past all sessions with this token. */
export function isRawOf(token: Uint8Array | undefined, datagram: Uint8Array): boolean {
  const at = MEASURED_AT.token
  return datagram[0] === DATAGRAM_TYPE_RAW && token?.every((byte, i) => datagram[at + i] === byte) === true
}

/** Sends test datagrams as the engine does; how many left. */
export function measuredSent(
  peers: ReadonlyMap<number, MemoryPeer>,
  [peerIndex, body, first, copies, isRaw]: Parameters<EngineControl['sendMeasured']>,
  count: (counter: string, by?: number) => void,
  send: (peer: MemoryPeer, datagram: Uint8Array) => boolean,
): number {
  if (body.length < (isRaw ? RAW_BYTES_MIN : MEASURED_BYTES_MIN) || copies < 1 || copies > MEASURED_BURST_MAX) return 0
  const peer = peers.get(peerIndex)
  const plaintext = isRaw ? body.slice() : Uint8Array.of(DATAGRAM_KIND.control, ...body)
  const hasNoWay = peer !== undefined && peer.via < 0 && !hasWay(peer)
  if (peer?.session === undefined || hasNoWay) {
    count(`drop:${peer === undefined ? 'no-peer' : hasNoWay ? 'no-path' : 'no-session'}`)
    return 0
  }
  if (isRaw && peer.via !== -1) {
    count('drop:no-path')
    return 0
  }
  if (isRaw ? body.length > peer.pathBytes : isTooBig(peer, peers, plaintext)) {
    count('drop:too-big', copies)
    return 0
  }
  let left = 0
  for (let i = 0; i < copies; i++) {
    viewOf(plaintext).setUint32((isRaw ? 0 : 1) + MEASURED_AT.number, first + i, true)
    const datagram = isRaw ? plaintext.slice() : peer.session.seal(plaintext)
    if (datagram === undefined) break
    if (send(peer, datagram)) left++
  }
  return left
}
