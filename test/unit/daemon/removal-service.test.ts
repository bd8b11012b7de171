import t from 'tap'
import { peerIdFromBytes, shortPeerId } from '../../../lib/address/mod.ts'
import { peerCalled } from '../../../lib/daemon/removal-service.ts'

const id = (byte: number) => peerIdFromBytes(new Uint8Array(16).fill(byte))
const REPORT = {
  self: { peerId: id(1), nickname: 'here' },
  peers: [
    { peerId: id(2), nickname: 'web', isReachable: false },
    { peerId: id(3), nickname: 'web', isReachable: true },
    { peerId: id(4), nickname: 'db', isReachable: true },
  ],
  removed: [{ peerId: id(5), nickname: 'old' }],
  ipam: { takeovers: [{ victim: id(6) }], perPeer: [{ peer: id(7) }] },
} as unknown as Parameters<typeof peerCalled>[1]

t.test('a peer is found by nickname, id or short id, also when it was removed or only owns blocks', async t => {
  t.equal(peerCalled('db', REPORT), id(4))
  t.equal(peerCalled('here', REPORT), id(1))
  t.equal(peerCalled(id(2), REPORT), id(2))
  t.equal(peerCalled(shortPeerId(id(3)), REPORT), id(3))
  t.equal(peerCalled('old', REPORT), id(5))
  t.equal(peerCalled(id(6), REPORT), id(6))
  t.equal(peerCalled(id(7), REPORT), id(7))
})

t.test('two of one nickname are told apart, and who is unknown is said with who is away', async t => {
  t.throws(() => peerCalled('web', REPORT), { code: 'BAD_PEER', message: new RegExp(`${id(2)}, ${id(3)}`) })
  t.throws(() => peerCalled('nobody', REPORT), {
    code: 'PEER_UNKNOWN',
    message: `no peer is known that is called nobody; out of reach now: ${shortPeerId(id(2))}(web)`,
  })
})
