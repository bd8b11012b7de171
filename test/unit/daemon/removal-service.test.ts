import t from 'tap'
import { peerIdFromBytes } from '../../../lib/address/mod.ts'
import { RemovalService } from '../../../lib/daemon/removal-service.ts'
import type { PeerRemoval } from '../../../lib/ipam/mod.ts'
import type { NodeReport } from '../../../lib/node/mod.ts'

const id = (byte: number) => peerIdFromBytes(new Uint8Array(16).fill(byte))

/** What `rmpeer` answers after a removal that went so, when the peer owns so many blocks then. */
function answerTo(removal: PeerRemoval, blocks: number) {
  const report = {
    self: { peerId: id(1), nickname: 'here' },
    peers: [{ peerId: id(2), nickname: 'web', isReachable: false }],
    neighbours: [],
    removed: [],
    ipam: { takeovers: [], perPeer: [{ peer: id(2), blocks }] },
  } as unknown as NodeReport
  const service = new RemovalService({
    input: () => ({ removal, unreachedMs: 7_900 }) as never,
    report: () => report,
    requireStore: () => {},
  })
  return () => service.calls.rmpeer({ peer: id(2), force: false }, undefined as never)
}

t.test('a peer that still owns blocks is not called removed', async t => {
  const kept = { code: 'IPAM_WAITING', message: /still owns 4 address blocks/ }
  t.throws(answerTo({ outcome: 'begun', takeovers: [] }, 4), kept)
  const progress = { id: 'x', author: id(4), victim: id(2), agreed: 2, needed: 2, waitsFor: [], isForced: false }
  t.throws(answerTo({ outcome: 'begun', takeovers: [{ ...progress, blocks: 1, isSettled: true }] }, 4), kept)
  t.match(answerTo({ outcome: 'begun', takeovers: [{ ...progress, blocks: 4, isSettled: true }] }, 0)(), {
    state: 'settled',
    blocks: 4,
    unreachedSeconds: 7,
  })
})

t.test('that the terms of its blocks are used up is said as such', async t => {
  const spent = { code: 'IPAM_WAITING', message: /greatest term that there is \(2147483647\)/ }
  t.throws(answerTo({ outcome: 'spent' }, 4), spent)
})

t.test('the blocks that wait are counted, without those that are taken over already', async t => {
  const progress = { id: 'x', author: id(4), victim: id(2), agreed: 1, needed: 2, waitsFor: [id(4)], isForced: false }
  const settled = { ...progress, blocks: 1, isSettled: true }
  const waiting = { ...progress, blocks: 0, isSettled: false }
  t.match(answerTo({ outcome: 'begun', takeovers: [settled, waiting] }, 0)(), { state: 'waiting', blocks: 0 })
})
