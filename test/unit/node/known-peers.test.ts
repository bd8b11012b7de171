import t from 'tap'
import type { EngineOp } from '../../../lib/overlay/mod.ts'
import { PEER_CAPABILITY, type PeerInfo } from '../../../lib/topology/mod.ts'
import { KnownPeers } from '../../../lib/node/known-peers.ts'
import { peerIdFromBytes, type PeerId } from '../../../lib/address/mod.ts'

const idOf = (number: number): PeerId => peerIdFromBytes(new Uint8Array(16).fill(number))

const infoOf = (capabilities: number): PeerInfo => ({
  nickname: 'b',
  incarnation: '0011223344556677',
  softwareVersion: '',
  protocolVersion: 1,
  udpPort: 6783,
  capabilities,
  endpoints: [],
})

t.test('the engine is told whether a peer takes joined datagrams, when that changes', async t => {
  const ops: EngineOp[] = []
  const known = new KnownPeers(idOf(1), [], op => ops.push(op))
  const told = () => ops.splice(0).flatMap(op => (op.op === 'set-joining' ? [op.isOn] : []))
  const { index } = known.ensure(idOf(2))
  t.same(told(), [], 'no peer does unless it says so')
  known.setInfo(idOf(2), infoOf(0), [])
  known.setInfo(idOf(2), infoOf(2), [])
  t.same(told(), [], 'other capabilities')
  known.setInfo(idOf(2), infoOf(PEER_CAPABILITY.joinedDatagrams | 2), [])
  t.same(ops, [{ op: 'set-joining', peerIndex: index, isOn: true }])
  t.same(told(), [true])
  known.setInfo(idOf(2), infoOf(PEER_CAPABILITY.joinedDatagrams), [])
  t.same(told(), [], 'as before')
  known.setInfo(idOf(2), undefined, [])
  t.same(told(), [false], 'its record is withdrawn')
  known.setInfo(idOf(3), infoOf(1), [])
  t.same(ops, [], 'nobody knows that one')
})
