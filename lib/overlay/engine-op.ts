import type { EndpointParts } from '../address/mod.ts'
import type { BridgeAddress, EngineControl, EngineSession } from './packet-engine.ts'

/** One call of EngineControl as data: what the node asks of the packet engine, in order. */
export type EngineOp =
  | { readonly op: 'set-self'; readonly shortId: Uint8Array }
  | { readonly op: 'set-peer'; readonly peerIndex: number; readonly shortId: Uint8Array }
  | { readonly op: 'remove-peer'; readonly peerIndex: number }
  | { readonly op: 'add-session'; readonly session: EngineSession }
  | { readonly op: 'remove-session'; readonly receiverIndex: number }
  | { readonly op: 'seal-with'; readonly peerIndex: number; readonly receiverIndex: number }
  | { readonly op: 'set-endpoint'; readonly peerIndex: number; readonly endpoint: EndpointParts | undefined }
  | {
      readonly op: 'set-path-bytes'
      readonly peerIndex: number
      readonly bytes: number
      readonly isFound: boolean
      readonly hasTrains: boolean
    }
  | { readonly op: 'set-joining'; readonly peerIndex: number; readonly isOn: boolean }
  | { readonly op: 'set-bridge-addresses'; readonly addresses: readonly BridgeAddress[] }
  | { readonly op: 'set-via'; readonly peerIndex: number; readonly viaIndex: number }
  | { readonly op: 'set-spare'; readonly peerIndex: number; readonly spareIndex: number }
  | {
      readonly op: 'set-origin-keys'
      readonly peerIndex: number
      readonly to: Uint8Array
      readonly from: Uint8Array
    }
  | { readonly op: 'inject-datagrams'; readonly peerIndex: number; readonly bundle: Uint8Array }
  | {
      readonly op: 'send-control'
      readonly receiverIndex: number
      readonly body: Uint8Array
      readonly endpoint: EndpointParts | undefined
      /** Default: one. */
      readonly copies?: number
    }

export function applyEngineOp(engine: EngineControl, op: EngineOp): void {
  switch (op.op) {
    case 'set-self':
      return engine.setSelf(op.shortId)
    case 'set-peer':
      return engine.setPeer(op.peerIndex, op.shortId)
    case 'remove-peer':
      return engine.removePeer(op.peerIndex)
    case 'add-session':
      return engine.addSession(op.session)
    case 'remove-session':
      return engine.removeSession(op.receiverIndex)
    case 'seal-with':
      return engine.sealWith(op.peerIndex, op.receiverIndex)
    case 'set-endpoint':
      return engine.setEndpoint(op.peerIndex, op.endpoint)
    case 'set-path-bytes':
      return engine.setPathBytes(op.peerIndex, op.bytes, op.isFound, op.hasTrains)
    case 'set-joining':
      return engine.setJoining(op.peerIndex, op.isOn)
    case 'set-bridge-addresses':
      return engine.setBridgeAddresses(op.addresses)
    case 'set-via':
      return engine.setVia(op.peerIndex, op.viaIndex)
    case 'set-spare':
      return engine.setSpare(op.peerIndex, op.spareIndex)
    case 'set-origin-keys':
      return engine.setOriginKeys(op.peerIndex, op.to, op.from)
    case 'inject-datagrams':
      return engine.injectDatagrams(op.peerIndex, op.bundle)
    case 'send-control':
      // A datagram that cannot be sent is a lost datagram: probing finds out.
      engine.sendControl(op.receiverIndex, op.body, op.endpoint, op.copies)
  }
}
