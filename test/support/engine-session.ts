import type { NativeEngine } from '../../lib/io/native-engine.ts'

export const LOOPBACK = Uint8Array.of(127, 0, 0, 1)

/**
 * Lets one engine seal for another one on this host: each is peer 1 of the other, and both of its sessions have one key. The
 * far one is told nothing of where to send.
 */
export function sealTowards(near: NativeEngine, far: NativeEngine, key: Uint8Array): void {
  const session = { peerIndex: 1, cipher: 'chacha20-poly1305', sendKey: key, receiveKey: key } as const
  for (const engine of [near, far]) engine.setPeer(1, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8))
  near.addSession({ ...session, receiverIndex: 5, remoteIndex: 6 })
  far.addSession({ ...session, receiverIndex: 6, remoteIndex: 5 })
  near.sealWith(1, 5)
  near.setEndpoint(1, { ip: LOOPBACK, port: far.describe().port })
}
