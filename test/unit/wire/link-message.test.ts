import t from 'tap'
import fc from 'fast-check'
import { peerIdFromBytes } from '../../../lib/address/mod.ts'
import { isDrop, toHex } from '../../../lib/base/mod.ts'
import {
  GOODBYE_CODE,
  ROUTED_BODY_BYTES_MAX,
  bundleOf,
  decodeLinkMessage,
  encodeDatagrams,
  encodeDatagramsTaken,
  encodeGoodbye,
  encodeLedger,
  encodePing,
  encodePong,
  encodeRouted,
  routedSigningInput,
  type RoutedMessage,
} from '../../../lib/wire/mod.ts'

const ROUTED: RoutedMessage = {
  hopLimit: 16,
  routedKind: 2,
  source: peerIdFromBytes(new Uint8Array(16).fill(0xaa)),
  destination: peerIdFromBytes(new Uint8Array(16).fill(0xbb)),
  signature: new Uint8Array(64).fill(0xcc),
  body: Uint8Array.of(1, 2, 3),
}
const GOLDEN: readonly [string, Uint8Array, string][] = [
  ['ping', encodePing(0x0102_0304, 0x0506), '01040302010605'],
  ['ping', encodePing(1), '0101000000ffff'],
  ['pong', encodePong(1), '0201000000'],
  ['ledger-sync', encodeLedger('ledger-sync', Uint8Array.of(9, 8)), '030908'],
  ['ledger-delta', encodeLedger('ledger-delta', Uint8Array.of(7)), '0407'],
  ['routed', encodeRouted(ROUTED), `05100200${'aa'.repeat(16)}${'bb'.repeat(16)}${'cc'.repeat(64)}010203`],
  ['datagrams', encodeDatagrams(bundleOf(new Uint8Array(33).fill(0xdd))), `092100${'dd'.repeat(33)}`],
  ['datagrams-taken', encodeDatagramsTaken(0x0102_0304), '0a04030201'],
  ['goodbye', encodeGoodbye(GOODBYE_CODE.duplicate, 'twice'), '060205007477696365'],
]

t.test('writes the golden bytes of every kind, and reads the kind back', t => {
  for (const [type, bytes, golden] of GOLDEN) {
    t.equal(toHex(bytes), golden, type)
    const message = decodeLinkMessage(bytes)
    t.ok(!isDrop(message) && message.type === type, type)
  }
  t.end()
})

t.test('tells the last round trip with a ping, cut to what the field holds', t => {
  for (const [told, read] of [
    [0, 0],
    [80_000, 65_534],
    [undefined, undefined],
  ] as const)
    t.same(decodeLinkMessage(encodePing(9, told)), { type: 'ping', token: 9, rttMs: read })
  t.end()
})

t.test('reads every field of a routed message', t => {
  t.same(decodeLinkMessage(encodeRouted(ROUTED)), { type: 'routed', ...ROUTED })
  t.end()
})

t.test('passes on a routed kind that this version does not know, and names an unknown message', t => {
  t.match(decodeLinkMessage(encodeRouted({ ...ROUTED, routedKind: 250 })), { type: 'routed', routedKind: 250 })
  t.same(decodeLinkMessage(Uint8Array.of(99, 1, 2)), { type: 'unknown', kind: 99 })
  t.end()
})

t.test('drops what is cut off or too long, by reason', t => {
  const reasonOf = (bytes: Uint8Array) => {
    const result = decodeLinkMessage(bytes)
    return isDrop(result) ? result.reason : 'accepted'
  }
  t.equal(reasonOf(new Uint8Array(0)), 'link-message-empty')
  for (let length = 1; length < 7; length++)
    t.equal(reasonOf(encodePing(1, 2).subarray(0, length)), 'link-ping-malformed')
  for (let length = 1; length < 5; length++) t.equal(reasonOf(encodePong(1).subarray(0, length)), 'link-ping-malformed')
  const routed = encodeRouted({ ...ROUTED, body: new Uint8Array(0) })
  for (let length = 1; length < routed.length; length++)
    t.equal(reasonOf(routed.subarray(0, length)), 'link-routed-malformed')
  t.equal(reasonOf(encodeRouted({ ...ROUTED, body: new Uint8Array(ROUTED_BODY_BYTES_MAX) })), 'accepted')
  t.equal(
    reasonOf(encodeRouted({ ...ROUTED, body: new Uint8Array(ROUTED_BODY_BYTES_MAX + 1) })),
    'link-routed-malformed',
  )
  const goodbye = encodeGoodbye(1, 'so long')
  for (let length = 1; length < goodbye.length; length++)
    t.equal(reasonOf(goodbye.subarray(0, length)), 'link-goodbye-malformed')
  t.end()
})

t.test('writes a goodbye of any text so that the other side can read it', t => {
  fc.assert(
    fc.property(fc.nat(255), fc.string({ unit: 'binary', maxLength: 400 }), (code, text) => {
      const message = decodeLinkMessage(encodeGoodbye(code, text))
      t.ok(!isDrop(message) && message.type === 'goodbye' && message.code === code)
    }),
  )
  t.end()
})

t.test('signs everything but the hop limit, bound to the mesh', t => {
  const mesh = new Uint8Array(16).fill(1)
  const base = toHex(routedSigningInput(mesh, ROUTED))
  t.equal(toHex(routedSigningInput(mesh, { ...ROUTED, ...{ hopLimit: 3 } })), base)
  const others = [
    routedSigningInput(new Uint8Array(16).fill(2), ROUTED),
    routedSigningInput(mesh, { ...ROUTED, routedKind: 3 }),
    routedSigningInput(mesh, { ...ROUTED, source: ROUTED.destination }),
    routedSigningInput(mesh, { ...ROUTED, destination: ROUTED.source }),
    routedSigningInput(mesh, { ...ROUTED, body: Uint8Array.of(1, 2, 4) }),
  ].map(toHex)
  t.equal(new Set([base, ...others]).size, 6)
  t.end()
})

t.test('never throws on any bytes, nor on a good message with a byte changed', t => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), bytes => void decodeLinkMessage(bytes)))
  for (const [, good] of GOLDEN)
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.nat(255), (at, value) => {
        decodeLinkMessage(good.map((byte, i) => (i === at ? value : byte)))
      }),
    )
  t.end()
})
