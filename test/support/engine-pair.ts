import type { EndpointParts } from '../../lib/address/mod.ts'
import type { MemoryEngine } from './memory-engine.ts'

/**
 * Makes an engine know another one, both by their numbers: its id and the keys of broadcasts; and, with its endpoint, a
 * session of which the other one has the far end.
 */
export function acquaint(engine: MemoryEngine, self: number, peer: number, endpoint: EndpointParts | undefined): void {
  const key = (bytes: number, from: number, to: number) => new Uint8Array(bytes).fill(from * 16 + to)
  engine.setPeer(peer, new Uint8Array(8).fill(peer + 1))
  engine.setOriginKeys(peer, key(16, self, peer), key(16, peer, self))
  if (endpoint === undefined) return
  engine.setEndpoint(peer, endpoint)
  const receiverIndex = 1 + self * 1000 + peer
  engine.addSession({
    peerIndex: peer,
    receiverIndex,
    remoteIndex: 1 + peer * 1000 + self,
    cipher: 'chacha20-poly1305',
    sendKey: key(32, self, peer),
    receiveKey: key(32, peer, self),
  })
  engine.sealWith(peer, receiverIndex)
}
