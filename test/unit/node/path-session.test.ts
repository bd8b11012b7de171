import t from 'tap'
import { peerIdFromBytes } from '../../../lib/address/mod.ts'
import { PathSession } from '../../../lib/node/path-session.ts'
import type { DataPathOutput } from '../../../lib/node/path-state.ts'
import type { PeerSession, SessionOutput } from '../../../lib/noise/mod.ts'
import { encodeControlHandshake } from '../../../lib/wire/mod.ts'

const PEER = peerIdFromBytes(new Uint8Array(16).fill(1))
const PEER_INDEX = 3
const BODY = Uint8Array.of(1, 2, 3)

/** What the session says is pushed by the test; it is a seam here, as in the test of the path. */
function world() {
  const said: SessionOutput[] = []
  const outputs: (DataPathOutput | { type: 'keys' | 'end' })[] = []
  const calls: string[] = []
  const call =
    (name: string) =>
    (...args: readonly unknown[]) =>
      void calls.push([name, ...args.filter(arg => typeof arg === 'number')].join(' '))
  const session = new PathSession({
    peerId: PEER,
    peerIndex: PEER_INDEX,
    session: {
      ...Object.fromEntries(
        ['start', 'handshakeNow', 'restart', 'stop', 'handleConfirmed', 'handleTimeout', 'handleMessage'].map(name => [
          name,
          call(name),
        ]),
      ),
      pollOutput: () => said.shift(),
      report: () => ({ remoteIncarnation: 'aa' }),
    } as unknown as PeerSession,
    emit: output => outputs.push(output),
    onKeys: () => outputs.push({ type: 'keys' }),
    onEnd: () => outputs.push({ type: 'end' }),
  })
  const take = () => outputs.splice(0)
  const says = (...outputs: SessionOutput[]) => {
    said.push(...outputs)
    session.handleTimeout(0)
    return take()
  }
  const open = (receiverIndex: number) => says({ type: 'add-session', session: { receiverIndex } } as SessionOutput)
  return { session, said, calls, take, says, open }
}

t.test('tells the engine of keys, and the path when they come and go', t => {
  const w = world()
  t.match(w.open(7), [{ op: { op: 'add-session', session: { peerIndex: PEER_INDEX, receiverIndex: 7 } } }])
  t.match(w.says({ type: 'seal-with', receiverIndex: 7 }), [
    { op: { op: 'seal-with', peerIndex: PEER_INDEX, receiverIndex: 7 } },
    { type: 'keys' },
  ])
  t.equal(w.session.sealIndex, 7)
  t.same(w.says({ type: 'confirm' } as SessionOutput), [{ type: 'keys' }])
  t.match(w.says({ type: 'seal-with', receiverIndex: 0 }), [{ op: { receiverIndex: 0 } }, { type: 'end' }])
  t.match(w.says({ type: 'remove-session', receiverIndex: 7 }), [{ op: { op: 'remove-session', receiverIndex: 7 } }])
  t.equal(w.session.control.size, 0)
  t.end()
})

t.test('counts the control datagrams of each key that it has, both ways', t => {
  const w = world()
  w.open(7)
  w.open(8)
  w.says({ type: 'seal-with', receiverIndex: 7 })
  w.session.send(BODY)
  w.session.send(BODY, undefined, 2)
  w.session.reply(8, BODY)
  w.session.handleOpened(8, 5)
  w.session.handleOpened(99, 5)
  t.same(
    [...w.session.control],
    [
      [7, 3],
      [8, 2],
    ],
  )
  t.same(w.calls.slice(-2), ['handleConfirmed 8 5', 'handleConfirmed 99 5'])
  t.match(w.take(), [{ op: { receiverIndex: 7 } }, { op: { copies: 2 } }, { op: { receiverIndex: 8, body: BODY } }])
  t.end()
})

t.test('answers a handshake on the way that it came by', t => {
  const w = world()
  w.open(7)
  const message = { type: 'message', bytes: BODY } as SessionOutput
  w.said.push(message)
  w.session.handleHandshake(BODY, 0)
  t.same(w.take(), [{ type: 'handshake', to: PEER, body: BODY }])
  w.said.push(message)
  w.session.handleHandshake(BODY, 0, 7)
  t.match(w.take(), [{ op: { op: 'send-control', receiverIndex: 7, body: encodeControlHandshake(BODY) } }])
  t.same(w.says(message), [{ type: 'handshake', to: PEER, body: BODY }], 'later ones go through the mesh again')
  t.end()
})

t.test('begins at once where frames wait, and anew when the remote lives another life', t => {
  const w = world()
  w.session.start(1, false)
  w.session.start(2, true)
  w.session.meet(Uint8Array.of(0xaa), 3)
  w.session.meet(Uint8Array.of(0xbb), 4)
  t.same(w.calls, ['start 1', 'start 2', 'handshakeNow 2', 'restart 4'])
  t.end()
})

t.test('tells what the operator should know', t => {
  const w = world()
  t.same(w.says({ type: 'established' } as SessionOutput), [{ type: 'established' }, { type: 'changed', peer: PEER }])
  t.same(w.says({ type: 'failed', reason: 'no answer' } as SessionOutput), [
    { type: 'note', peer: PEER, text: 'no answer' },
  ])
  t.end()
})
