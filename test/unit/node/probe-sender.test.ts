import t from 'tap'
import { endpointParts, parseEndpoint, peerIdFromBytes, type EndpointParts } from '../../../lib/address/mod.ts'
import { isDrop } from '../../../lib/base/mod.ts'
import { LOSS_PROBES_MIN, PROBE_ANSWER_MAX_MS } from '../../../lib/node/constants.ts'
import { PathWay } from '../../../lib/node/path-way.ts'
import { ProbeSender } from '../../../lib/node/probe-sender.ts'
import { VIA_LINK } from '../../../lib/overlay/mod.ts'
import { decodeControl } from '../../../lib/wire/mod.ts'
import { seededChance } from '../../support/seeded-chance.ts'

const ONE = parseEndpoint('192.0.2.1:6783')!
const TWO = parseEndpoint('192.0.2.2:6783')!
const RELAY = peerIdFromBytes(new Uint8Array(16).fill(9))
const OTHER_RELAY = peerIdFromBytes(new Uint8Array(16).fill(8))
const VIA_RELAY = 5

function world() {
  let viaIndex: number | undefined
  const sent: { body: Uint8Array; endpoint: EndpointParts | undefined; viaIndex: number | undefined }[] = []
  const way = new PathWay(3, op => {
    if (op.op === 'set-via') viaIndex = op.viaIndex
  })
  const session = {
    sealIndex: 77,
    send: (body: Uint8Array, endpoint?: EndpointParts) => void sent.push({ body, endpoint, viaIndex }),
    reply: (_receiver: number, body: Uint8Array, endpoint?: EndpointParts) =>
      void sent.push({ body, endpoint, viaIndex }),
  }
  const sender = new ProbeSender({ session, way, chance: seededChance(5) })
  const tokenOf = (body: Uint8Array) => {
    const message = decodeControl(body)
    return isDrop(message) || message.type !== 'probe' ? -1 : message.token
  }
  return { way, session, sender, take: () => sent.splice(0), tokenOf }
}

t.test('sends each probe by its way, and knows by which it went when it is answered, once', t => {
  const w = world()
  w.way.setVia(RELAY, VIA_RELAY)
  w.way.setLink(true)
  w.way.goDirect(ONE, 10)
  for (const [i, by] of ([TWO, 'relay', 'link'] as const).entries()) w.sender.send(by, 100 + i)
  const sent = w.take()
  t.match(sent, [
    { endpoint: endpointParts(TWO), viaIndex: -1 },
    { endpoint: undefined, viaIndex: VIA_RELAY },
    { endpoint: undefined, viaIndex: VIA_LINK },
  ])
  const tokens = sent.map(({ body }) => w.tokenOf(body))
  t.match(w.sender.take(tokens[2]!), { by: 'link', sentAt: 102 })
  t.match(w.sender.take(tokens[0]!), { by: TWO, sentAt: 100 })
  t.equal(w.sender.take(tokens[0]!), undefined)
  w.sender.clear()
  t.equal(w.sender.take(tokens[1]!), undefined, 'of a path that is no more')
  t.end()
})

t.test('what is answered through a relay that is none any more, or another one, says nothing', t => {
  const w = world()
  const probe = () => {
    w.sender.send('relay', 0)
    return w.tokenOf(w.take()[0]!.body)
  }
  w.way.setVia(RELAY, VIA_RELAY)
  const [one, two, three] = [probe(), probe(), probe()]
  t.match(w.sender.take(one), { by: 'relay' })
  w.way.setVia(undefined, -1)
  t.equal(w.sender.take(two), undefined)
  w.way.setVia(OTHER_RELAY, VIA_RELAY + 1)
  t.equal(w.sender.take(three), undefined)
  t.end()
})

t.test('sends nothing to many without keys', t => {
  const w = world()
  w.session.sealIndex = 0
  w.sender.sendAll([ONE, TWO], 0)
  t.same(w.take(), [])
  w.session.sealIndex = 77
  w.sender.sendAll([ONE, TWO], 0)
  t.equal(w.take().length, 2)
  t.end()
})

t.test('an answer is awaited from whom was asked, for as long as it may take', t => {
  const w = world()
  w.sender.send(ONE, 100)
  t.equal(w.sender.isAwaited(ONE, 100 + PROBE_ANSWER_MAX_MS - 1), true)
  t.equal(w.sender.isAwaited(ONE, 100 + PROBE_ANSWER_MAX_MS), false)
  t.equal(w.sender.isAwaited(TWO, 100), false)
  t.end()
})

t.test('of the loss count only the probes by the way that frames take', t => {
  const w = world()
  w.way.goDirect(ONE, 10)
  for (let i = 0; i < 2 * LOSS_PROBES_MIN; i++) {
    w.sender.send(TWO, i)
    w.sender.send(ONE, i)
    const [, ofPath] = w.take()
    if (i % 2 === 0) w.sender.take(w.tokenOf(ofPath!.body))
  }
  const now = 2 * LOSS_PROBES_MIN + PROBE_ANSWER_MAX_MS
  t.equal(w.sender.lossPercent(now), 50)
  w.sender.wayChanged()
  t.equal(w.sender.lossPercent(now), undefined)
  t.end()
})

t.test('answers to where a probe came from, and one that came by a detour by every one that there is', t => {
  const w = world()
  const reply = Uint8Array.of(1)
  t.equal(w.sender.answer(7, reply, undefined), false, 'there is none')
  t.match(w.take(), [{ endpoint: undefined, viaIndex: undefined }])
  w.way.setVia(RELAY, VIA_RELAY)
  w.way.setLink(true)
  w.way.goDirect(ONE, 10)
  t.equal(w.sender.answer(7, reply, endpointParts(TWO)), false)
  t.match(w.take(), [{ endpoint: endpointParts(TWO), viaIndex: -1 }])
  t.equal(w.sender.answer(7, reply, undefined), true)
  t.match(
    w.take().map(({ viaIndex }) => viaIndex),
    [VIA_RELAY, VIA_LINK],
  )
  t.end()
})
