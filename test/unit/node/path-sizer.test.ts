import t from 'tap'
import { endpointParts, parseEndpoint, type EndpointParts } from '../../../lib/address/mod.ts'
import { isDrop } from '../../../lib/base/mod.ts'
import { PathSize } from '../../../lib/node/path-size.ts'
import { PathSizer } from '../../../lib/node/path-sizer.ts'
import type { EngineOp } from '../../../lib/overlay/mod.ts'
import { decodeControl } from '../../../lib/wire/mod.ts'
import { seededChance } from '../../support/seeded-chance.ts'

const ENDPOINT = parseEndpoint('192.0.2.1:6783')!
const PEER_INDEX = 3
/** Type, counter and tag of the datagram, and the kind byte. */
const DATAGRAM_BYTES = 33

function world() {
  const orders: EngineOp[] = []
  const notes: string[] = []
  const probes: { token: number; bytes: number; endpoint: EndpointParts | undefined }[] = []
  const sizer = new PathSizer({
    peerIndex: PEER_INDEX,
    size: new PathSize({ chance: seededChance(3), underlayBytes: 1500 }),
    session: {
      send: (body, endpoint) => {
        const message = decodeControl(body)
        if (!isDrop(message) && message.type === 'probe')
          probes.push({ token: message.token, bytes: body.length + DATAGRAM_BYTES, endpoint })
      },
    },
    order: op => orders.push(op),
    onNote: text => notes.push(text),
  })
  return { sizer, orders, notes, probes: () => probes.splice(0) }
}

t.test('the probes go to the endpoint, or to where frames go, and none over the link', t => {
  const { sizer, probes } = world()
  sizer.begin(ENDPOINT, 5, 0)
  sizer.handleLarge(0)
  t.match(probes()[0], { endpoint: endpointParts(ENDPOINT) })
  sizer.begin('relay', 5, 0)
  sizer.handleLarge(0)
  const relayed = probes()
  t.ok(relayed.length > 0)
  t.ok(relayed.every(({ endpoint }) => endpoint === undefined))
  sizer.begin('link', 0, 0)
  t.same(probes(), [])
  t.equal(sizer.pollTimeout(), undefined)
  t.end()
})

t.test('the engine is told of what is found, and the log where that is less than it might be', t => {
  const { sizer, orders, notes, probes } = world()
  sizer.begin(ENDPOINT, 5, 0)
  sizer.handleLarge(0)
  for (let now = 0; now < 5_000; now += 10) {
    for (const { token, bytes } of probes()) if (bytes <= 1252) t.equal(sizer.handleReply(token, now), true)
    sizer.handleTimeout(now)
  }
  t.match(orders.at(-1), { op: 'set-path-bytes', peerIndex: PEER_INDEX, bytes: 1252, isFound: true })
  t.same(notes, ['path MTU 1280: packets up to 1198 bytes go whole'])
  t.equal(sizer.report.mtu, 1280)
  t.equal(sizer.handleReply(1, 5_000), false, 'of no probe of this')
  t.end()
})

t.test('frames that are large are a cause to look whether the path still carries them, and the end is the end', t => {
  const { sizer, probes } = world()
  sizer.begin(ENDPOINT, 5, 0)
  sizer.handleLarge(0)
  for (let i = 0; i < 20; i++) for (const { token } of probes()) sizer.handleReply(token, i)
  sizer.handleLarge(1_000_000)
  t.ok(probes().length > 0)
  sizer.end()
  sizer.handleTraffic(2_000_000)
  sizer.handleTimeout(3_000_000)
  t.same(probes(), [])
  t.equal(sizer.pollTimeout(), undefined)
  t.end()
})
