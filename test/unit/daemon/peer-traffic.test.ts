import fc from 'fast-check'
import t from 'tap'
import { PeerTraffic } from '../../../lib/daemon/peer-traffic.ts'
import type { EngineOp, EngineSession, SessionTotals } from '../../../lib/overlay/mod.ts'

function totals(bytes: number): SessionTotals {
  return { sentDatagrams: bytes, sentBytes: 10 * bytes, receivedDatagrams: 2 * bytes, receivedBytes: 20 * bytes }
}

function add(peerIndex: number, receiverIndex: number): EngineOp {
  return { op: 'add-session', session: { peerIndex, receiverIndex } as EngineSession }
}

/** A data plane that counts by session, and forgets what is removed. */
function world() {
  const sessions = new Map<number, number>()
  const traffic = new PeerTraffic(() => ({
    sessionTotals: index => (sessions.has(index) ? totals(sessions.get(index)!) : undefined),
  }))
  const order = (op: EngineOp) => {
    traffic.note(op)
    if (op.op === 'add-session') sessions.set(op.session.receiverIndex, 0)
    if (op.op === 'remove-session') sessions.delete(op.receiverIndex)
  }
  return { sessions, traffic, order }
}

t.test('what a peer sent and got stays counted when its keys change', t => {
  const { sessions, traffic, order } = world()
  order(add(1, 11))
  sessions.set(11, 5)
  order(add(1, 12))
  sessions.set(12, 1)
  t.strictSame(traffic.totals(), new Map([[1, totals(6)]]))
  order({ op: 'remove-session', receiverIndex: 11 })
  t.strictSame(traffic.totals(), new Map([[1, totals(6)]]))
  sessions.set(12, 3)
  order({ op: 'remove-session', receiverIndex: 12 })
  t.strictSame(traffic.totals(), new Map([[1, totals(8)]]), 'also without a session')
  t.end()
})

t.test('a peer that is removed is forgotten, and its index is another one', t => {
  const { sessions, traffic, order } = world()
  order(add(1, 11))
  sessions.set(11, 5)
  order({ op: 'remove-peer', peerIndex: 1 })
  t.equal(traffic.totals().size, 0)
  order(add(1, 13))
  sessions.set(13, 2)
  order({ op: 'remove-session', receiverIndex: 11 })
  t.strictSame(traffic.totals(), new Map([[1, totals(2)]]))
  t.end()
})

t.test('no count of a peer goes backwards while it is there', t => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('add' as const), peer: fc.nat(3) }),
    fc.record({ kind: fc.constant('remove' as const), peer: fc.nat(3) }),
    fc.record({ kind: fc.constant('count' as const), peer: fc.nat(3) }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), steps => {
      const { sessions, traffic, order } = world()
      const own = new Map<number, number[]>()
      let next = 1
      const last = new Map<number, number>()
      for (const { kind, peer } of steps) {
        const known = own.get(peer) ?? []
        if (kind === 'add') {
          order(add(peer, next))
          own.set(peer, [...known, next++])
        } else if (known.length === 0) continue
        else if (kind === 'remove') {
          order({ op: 'remove-session', receiverIndex: known[0]! })
          own.set(peer, known.slice(1))
        } else sessions.set(known.at(-1)!, sessions.get(known.at(-1)!)! + 7)
        for (const [index, { sentBytes }] of traffic.totals()) {
          if (sentBytes < (last.get(index) ?? 0)) return false
          last.set(index, sentBytes)
        }
      }
      return true
    }),
  )
  t.end()
})
