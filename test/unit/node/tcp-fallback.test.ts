import t from 'tap'
import { peerIdFromBytes, type PeerId } from '../../../lib/address/mod.ts'
import { isDrop } from '../../../lib/base/mod.ts'
import {
  DATAGRAM_QUEUE_MAX_BYTES,
  DATAGRAM_QUEUES_BYTES_MAX,
  DATAGRAM_WINDOW_FIRST_BYTES,
} from '../../../lib/node/constants.ts'
import type { NodeContext } from '../../../lib/node/context.ts'
import type { NodeOutput } from '../../../lib/node/mod.ts'
import { TcpFallback } from '../../../lib/node/tcp-fallback.ts'
import { bundleOf, decodeLinkMessage, type LinkMessage } from '../../../lib/wire/mod.ts'

const [A, B] = [1, 2].map(byte => peerIdFromBytes(new Uint8Array(16).fill(byte))) as [PeerId, PeerId]
const BUNDLE = bundleOf(new Uint8Array(16_000))

interface Up {
  connection: number
  isBehind: boolean
}

function world() {
  const neighbours = new Map<PeerId, Up>([[A, { connection: 1, isBehind: false }]])
  const sent: { readonly to: PeerId; readonly message: LinkMessage }[] = []
  const outputs: NodeOutput[] = []
  const drops = new Map<string, number>()
  const fallback = new TcpFallback({
    neighbours: {
      neighbour: (peer: PeerId) => neighbours.get(peer),
      send: (to: PeerId, bytes: Uint8Array) => {
        const message = decodeLinkMessage(bytes)
        if (!isDrop(message)) sent.push({ to, message })
        return true
      },
    },
    view: { indexOf: (peer: PeerId) => [A, B].indexOf(peer) + 1 },
    emit: (output: NodeOutput) => outputs.push(output),
    drop: (reason: string) => drops.set(reason, (drops.get(reason) ?? 0) + 1),
  } as unknown as NodeContext)
  const carried = () => sent.filter(({ message }) => message.type === 'datagrams').length
  const taken = (bytes: number, now: number) => fallback.handleMessage(A, { type: 'datagrams-taken', bytes }, now)
  return { neighbours, sent, outputs, drops, fallback, carried, taken }
}

t.test('sends what is handed over at once, as far as the window goes, and the rest as it is taken', t => {
  const { fallback, carried, taken, drops } = world()
  const most = Math.floor(DATAGRAM_WINDOW_FIRST_BYTES / BUNDLE.length)
  for (let i = 0; i < most + 2; i++) fallback.handleHanded(A, BUNDLE, 0)
  t.equal(carried(), most)
  taken(BUNDLE.length, 5)
  t.ok(carried() > most)
  taken(2 * BUNDLE.length, 6)
  t.equal(carried(), most + 2)
  t.equal(drops.size, 0)
  t.end()
})

t.test('drops by number what the queue of a neighbour does not take, whatever it does', t => {
  const { fallback, drops, taken } = world()
  for (let i = 0; i < 1_000; i++) fallback.handleHanded(A, BUNDLE, 0)
  const kept = 1_000 - (drops.get('link-full') ?? 0)
  t.ok(kept * BUNDLE.length <= DATAGRAM_WINDOW_FIRST_BYTES + DATAGRAM_QUEUE_MAX_BYTES, `${kept} are kept`)
  taken(BUNDLE.length * 999, 1)
  t.equal(drops.get('link-datagrams-taken'), 1, 'more than was sent')
  t.end()
})

t.test('all links together keep no more than their bound', t => {
  const { fallback, neighbours, drops } = world()
  let handed = 0
  for (let i = 0; i < 300; i++) {
    const peer = peerIdFromBytes(Uint8Array.from({ length: 16 }, (_, at) => (at === 0 ? i & 255 : i >> 8)))
    neighbours.set(peer, { connection: 10 + i, isBehind: true })
    for (let n = 0; n < 20; n++, handed++) fallback.handleHanded(peer, BUNDLE, 0)
  }
  const kept = handed - (drops.get('link-full') ?? 0)
  t.ok(kept * BUNDLE.length <= DATAGRAM_QUEUES_BYTES_MAX, `${kept} bundles`)
  neighbours.clear()
  fallback.viewChanged()
  neighbours.set(A, { connection: 9_000, isBehind: true })
  const before = drops.get('link-full')
  fallback.handleHanded(A, BUNDLE, 0)
  t.equal(drops.get('link-full'), before, 'what links that are gone had kept is no more')
  t.end()
})

t.test('waits for a neighbour that is behind with control messages, and goes on when it has caught up', t => {
  const { fallback, neighbours, carried } = world()
  neighbours.get(A)!.isBehind = true
  fallback.handleHanded(A, BUNDLE, 0)
  t.equal(carried(), 0)
  neighbours.get(A)!.isBehind = false
  fallback.handleCaughtUp(A, 1)
  t.equal(carried(), 1)
  t.end()
})

t.test('counts anew with another link, and drops what is for nobody', t => {
  const { fallback, neighbours, carried, drops, taken } = world()
  for (let i = 0; i < 10; i++) fallback.handleHanded(A, BUNDLE, 0)
  const before = carried()
  neighbours.set(A, { connection: 2, isBehind: false })
  taken(BUNDLE.length, 1)
  t.equal(drops.get('link-datagrams-taken'), 1, 'of the link before')
  fallback.handleHanded(A, BUNDLE, 1)
  t.equal(carried(), before + 1, 'what waited for that is not sent any more')
  fallback.handleHanded(B, BUNDLE, 1)
  t.equal(drops.get('link-gone'), 1)
  t.end()
})

t.test('gives what comes to the engine, and says how much it was', t => {
  const { fallback, outputs, sent } = world()
  for (let i = 0; i < 2; i++) fallback.handleMessage(A, { type: 'datagrams', bundle: BUNDLE }, 0)
  t.match(outputs, [
    { type: 'engine', op: { op: 'inject-datagrams', peerIndex: 1, bundle: BUNDLE } },
    { type: 'engine', op: { op: 'inject-datagrams' } },
  ])
  t.match(
    sent.map(({ message }) => message),
    [
      { type: 'datagrams-taken', bytes: BUNDLE.length },
      { type: 'datagrams-taken', bytes: 2 * BUNDLE.length },
    ],
  )
  t.end()
})
