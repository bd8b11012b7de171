import t from 'tap'
import { peerIdFromBytes, shortPeerId } from '../../../lib/address/mod.ts'
import { otherPeer, peerCalled } from '../../../lib/daemon/peer-lookup.ts'
import { peerNumber } from '../../support/graphs.ts'
import { nodeReport, peer } from '../../support/node-reports.ts'

const [ONE, TWO] = [peerNumber(1), peerNumber(2)]
const report = nodeReport({ peers: [peer(1), peer(2), peer(3, { nickname: 'n2' })] })
const lookUp = (text: string, at: readonly string[] | undefined = undefined) =>
  otherPeer(text, report, () => at as never)

t.test('a peer is found by nickname, id, how that begins, and an address behind it', async t => {
  t.equal(lookUp('n1'), ONE)
  t.equal(lookUp(TWO), TWO)
  t.equal(lookUp(ONE.slice(0, 8)), ONE)
  t.equal(lookUp('10.32.0.1', [TWO]), TWO)
})

t.test('what is nobody, too many or this peer is refused', async t => {
  t.throws(() => lookUp('nobody'), { code: 'PEER_UNKNOWN' })
  t.throws(() => lookUp(ONE.slice(0, 3)), { code: 'PEER_UNKNOWN' }, 'too short')
  t.throws(() => lookUp('n2'), { code: 'BAD_PEER', message: /2 peers/ })
  t.throws(() => lookUp('10.32.0.1', [ONE, TWO]), { code: 'BAD_PEER' })
  t.throws(() => lookUp('self'), { code: 'BAD_PEER', message: /this peer itself/ })
})

const id = (byte: number) => peerIdFromBytes(new Uint8Array(16).fill(byte))
const REPORT = {
  self: { peerId: id(1), nickname: 'here' },
  peers: [
    { peerId: id(2), nickname: 'web', isReachable: false },
    { peerId: id(3), nickname: 'web', isReachable: true },
    { peerId: id(4), nickname: 'db', isReachable: true },
    { peerId: id(8), nickname: 'new', isReachable: false },
  ],
  neighbours: [{ peerId: id(8) }],
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
  t.equal(peerCalled(id(4).slice(0, 4), REPORT), id(4))
  t.equal(peerCalled(`${shortPeerId(id(3))}(web)`, REPORT), id(3), 'as outputs print it')
  t.throws(() => peerCalled(`${shortPeerId(id(3))}(db)`, REPORT), { code: 'PEER_UNKNOWN' })
  t.throws(() => peerCalled(id(4).slice(0, 3), REPORT), { code: 'PEER_UNKNOWN', remedy: /first 4 or more characters/ })
})

t.test('two of one nickname are told apart, and who is unknown is said with who is away', async t => {
  t.throws(() => peerCalled('web', REPORT), { code: 'BAD_PEER', message: new RegExp(`${id(2)}, ${id(3)}`) })
  t.throws(() => peerCalled('nobody', REPORT), {
    code: 'PEER_UNKNOWN',
    message: `no peer is known that is called nobody; out of reach now: ${shortPeerId(id(2))}(web)`,
  })
})
