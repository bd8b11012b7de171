import t from 'tap'
import { endpointParts, parseEndpoint, peerIdFromBytes } from '../../../lib/address/mod.ts'
import { PathWay } from '../../../lib/node/path-way.ts'
import { VIA_LINK, type EngineOp } from '../../../lib/overlay/mod.ts'

const PEER_INDEX = 3
const ENDPOINT = parseEndpoint('192.0.2.1:6783')!
const [RELAY, OTHER] = [8, 9].map(byte => peerIdFromBytes(new Uint8Array(16).fill(byte))) as [never, never]

function world() {
  const orders: EngineOp[] = []
  const way = new PathWay(PEER_INDEX, op => orders.push(op))
  return { way, take: () => orders.splice(0) }
}

const via = (viaIndex: number) => ({ op: 'set-via', peerIndex: PEER_INDEX, viaIndex })
const to = (endpoint: typeof ENDPOINT | undefined) => ({
  op: 'set-endpoint',
  peerIndex: PEER_INDEX,
  endpoint: endpoint && endpointParts(endpoint),
})

t.test('goes through a relay where there is no endpoint, and is told of each only once', t => {
  const { way, take } = world()
  t.equal(way.setVia(RELAY, 5), true)
  t.equal(way.setVia(RELAY, 5), false)
  t.same(take(), [via(5)])
  t.equal(way.relayAnswered(40), true)
  t.equal(way.relayAnswered(50), false)
  t.equal(way.viaRttMs, 50)
  t.equal(way.setVia(OTHER, 6), true)
  t.equal(way.viaRttMs, undefined, 'another one has not answered')
  t.equal(way.setVia(undefined, -1), true)
  t.same(take(), [via(6), via(-1)])
  t.equal(way.via, undefined)
  t.end()
})

t.test('goes to an endpoint that is proved, past the relay, and back when that is left', t => {
  const { way, take } = world()
  way.setVia(RELAY, 5)
  take()
  way.goDirect(ENDPOINT, 10)
  t.same(take(), [to(ENDPOINT), via(-1)])
  way.setRoundTrip(20)
  t.same(way.direct, { endpoint: ENDPOINT, rttMs: 20 })
  t.equal(way.setVia(OTHER, 6), false, 'frames go on as they did')
  t.same(take(), [])
  way.leaveDirect()
  way.leaveDirect()
  t.same(take(), [to(undefined), via(6)])
  t.equal(way.direct, undefined)
  t.equal(way.provedEndpoint, ENDPOINT, 'where it was is remembered')
  t.end()
})

t.test('takes the relay for one thing to send and no longer', t => {
  const { way, take } = world()
  way.setVia(RELAY, 5)
  way.throughRelay(() => t.same(take(), [via(5)]))
  t.same(take(), [], 'it goes there anyway')
  way.goDirect(ENDPOINT, 10)
  take()
  way.throughRelay(() => t.same(take(), [via(5)]))
  t.same(take(), [via(-1)])
  t.end()
})

t.test('goes over the link where that has answered and no relay has, and through the relay as soon as it does', t => {
  const { way, take } = world()
  t.equal(way.linkAnswered(4), false, 'there is none')
  t.equal(way.setLink(true), false, 'frames go nowhere, as before')
  t.same(take(), [], 'not before it has answered')
  t.equal(way.linkAnswered(4), true)
  t.equal(way.linkAnswered(5), false)
  t.equal(way.detour, 'link')
  t.same(take(), [via(VIA_LINK)])
  t.equal(way.setVia(RELAY, 5), false, 'a relay that has not answered changes nothing')
  t.equal(way.detour, 'link')
  take()
  t.equal(way.relayAnswered(9), true)
  t.same(take(), [via(5)])
  t.equal(way.detour, 'relay')
  way.forgetRelayAnswer()
  t.same(take(), [via(VIA_LINK)])
  t.equal(way.setLink(false), true)
  t.same(take(), [via(5)], 'the relay may answer yet')
  t.equal(way.detour, undefined)
  t.end()
})

t.test('takes the link for one thing to send, whichever way frames go', t => {
  const { way, take } = world()
  way.setLink(true)
  way.goDirect(ENDPOINT, 10)
  take()
  way.overLink(() => t.same(take(), [via(VIA_LINK)]))
  t.same(take(), [via(-1)])
  way.linkAnswered(3)
  t.same(take(), [], 'frames go directly')
  way.leaveDirect()
  t.same(take(), [to(undefined), via(VIA_LINK)])
  way.forgetAnswers()
  t.same(take(), [via(-1)])
  t.end()
})

t.test('tells the engine of a spare relay, once', t => {
  const { way, take } = world()
  for (const index of [-1, 7, 7, -1]) way.setSpare(index)
  t.same(
    take(),
    [7, -1].map(spareIndex => ({ op: 'set-spare', peerIndex: PEER_INDEX, spareIndex })),
  )
  t.end()
})
