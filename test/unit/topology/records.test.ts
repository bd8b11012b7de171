import t from 'tap'
import fc from 'fast-check'
import { isDrop, toHex, utf8 } from '../../../lib/base/mod.ts'
import { endpointOf, parseEndpoint, peerIdFromBytes, type Endpoint, type PeerId } from '../../../lib/address/mod.ts'
import {
  ClaimTable,
  decodeLinks,
  decodePeerInfo,
  encodeLinks,
  encodePeerInfo,
  type LinkClaim,
} from '../../../lib/topology/mod.ts'
import { RECORD_VALUE_BYTES_MAX } from '../../../lib/wire/record.ts'

const id = (byte: number) => peerIdFromBytes(new Uint8Array(16).fill(byte))
const v4 = parseEndpoint('192.0.2.1:6783') as Endpoint
const v6 = parseEndpoint('[2001:db8::1]:6784') as Endpoint
const endpoints = fc
  .tuple(fc.constantFrom(4, 16), fc.uint8Array({ minLength: 16, maxLength: 16 }), fc.integer({ min: 1, max: 65535 }))
  .map(([length, ip, port]) => endpointOf(ip.subarray(0, length), port))

const links: LinkClaim[] = [
  { neighbour: id(0x11), endpoint: v4, isOutbound: true, rttClass: 3, isDataUp: false },
  { neighbour: id(0x22), endpoint: undefined, isOutbound: false, rttClass: 0, isDataUp: true },
  { neighbour: id(0x33), endpoint: v6, isOutbound: true, rttClass: 15, isDataUp: true },
]
const peer = {
  nickname: 'höst',
  incarnation: '0123456789abcdef',
  softwareVersion: '0.1.0',
  protocolVersion: 1,
  udpPort: 6783,
  capabilities: 5,
  endpoints: [v4, v6],
}

/** What a peer learns from a record when it knows these neighbours, in the order of the record. */
function readBack(value: Uint8Array, neighbours: readonly PeerId[]): LinkClaim[] | string {
  const record = decodeLinks(value)
  if (isDrop(record)) return record.reason
  const table = new ClaimTable()
  table.add(0, id(0xff))
  for (const [at, neighbour] of neighbours.entries()) table.add(at + 1, neighbour)
  table.set(0, record)
  return table.claims(0)
}
const START = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)
const known = links.map(({ neighbour }) => neighbour)

t.test('a links record has its golden bytes, in whatever order its links are given', async t => {
  const golden = [
    '0300',
    `${'11'.repeat(8)}53` + '04c00002017f1a',
    `${'22'.repeat(8)}20`,
    `${'33'.repeat(8)}7f` + '1020010db8000000000000000000000001801a',
    '0102030405060708',
  ].join('')
  t.equal(toHex(encodeLinks(links, START)), golden)
  t.equal(toHex(encodeLinks([...links].reverse(), START)), golden)
  t.same(readBack(encodeLinks(links, START), known), links)
})

t.test('a links record tells the number that its peer drew at its start, if it is whole', async t => {
  const bytes = encodeLinks(links, START)
  t.match(decodeLinks(bytes), { start: START })
  t.match(decodeLinks(Uint8Array.of(...bytes, 9)), { start: START })
  t.match(decodeLinks(bytes.subarray(0, -1)), { count: 3, start: undefined })
})

t.test('of two neighbours that share a short id one is written', async t => {
  const twin = peerIdFromBytes(Uint8Array.from({ length: 16 }, (_, at) => (at < 8 ? 0x11 : 0x99)))
  t.match(decodeLinks(encodeLinks([...links, { ...links[0]!, neighbour: twin }])), { count: 3 })
})

t.test('a peer record has its golden bytes', async t => {
  t.equal(
    toHex(encodePeerInfo(peer)),
    [
      '0123456789abcdef',
      '01',
      '7f1a',
      '05000000',
      `0500${toHex(utf8('höst'))}`,
      `0500${toHex(utf8('0.1.0'))}`,
      '02',
      '04c00002017f1a',
      '1020010db8000000000000000000000001801a',
    ].join(''),
  )
  t.same(decodePeerInfo(encodePeerInfo(peer)), peer)
})

t.test('bytes that a later version appends are ignored', async t => {
  t.same(readBack(Uint8Array.of(...encodeLinks(links), 1, 2, 3), known), links)
  t.same(decodePeerInfo(Uint8Array.of(...encodePeerInfo(peer), 1, 2, 3)), peer)
})

t.test('any links record reads back, and the largest one fits into a record', async t => {
  const arbitrary = fc.uniqueArray(
    fc.record({
      neighbour: fc
        .uint8Array({ minLength: 16, maxLength: 16 })
        .filter(bytes => bytes[0] !== 0xff)
        .map(peerIdFromBytes),
      endpoint: fc.option(endpoints, { nil: undefined }),
      isOutbound: fc.boolean(),
      rttClass: fc.nat({ max: 15 }),
      isDataUp: fc.boolean(),
    }),
    { selector: link => link.neighbour.slice(0, 13), maxLength: 30 },
  )
  fc.assert(
    fc.property(arbitrary, list => {
      const neighbours = list.map(({ neighbour }) => neighbour)
      const decoded = readBack(encodeLinks(list), neighbours)
      if (typeof decoded === 'string') return false
      const sorted = (all: readonly LinkClaim[]) =>
        JSON.stringify([...all].sort((a, b) => (a.neighbour < b.neighbour ? -1 : 1)))
      return sorted(decoded) === sorted(list)
    }),
  )
  const many = Array.from({ length: 256 }, (_, i) => ({
    ...links[2]!,
    neighbour: peerIdFromBytes(new Uint8Array(16).fill(i)),
  }))
  t.ok(encodeLinks(many).length <= RECORD_VALUE_BYTES_MAX / 2)
  t.match(decodeLinks(encodeLinks(many)), { count: 256 })
  const bare = many.map(link => ({ ...link, endpoint: undefined }))
  t.equal(encodeLinks(bare).length, 2 + 256 * 9 + START.length, 'nine bytes for a link')
})

t.test('any peer record reads back', async t => {
  const text = fc.string({ maxLength: 15, unit: 'grapheme' }).filter(value => /^[\p{L}\p{N} ._-]*$/u.test(value))
  fc.assert(
    fc.property(
      fc.record({
        nickname: text.map(value => `n${value}`).filter(value => utf8(value).length <= 63),
        incarnation: fc.uint8Array({ minLength: 8, maxLength: 8 }).map(toHex),
        softwareVersion: text.filter(value => utf8(value).length <= 63),
        protocolVersion: fc.nat({ max: 255 }),
        udpPort: fc.integer({ min: 1, max: 65535 }),
        capabilities: fc.nat({ max: 0xffff_ffff }),
        endpoints: fc.array(endpoints, { maxLength: 16 }),
      }),
      info => {
        const decoded = decodePeerInfo(encodePeerInfo(info))
        return !isDrop(decoded) && JSON.stringify(decoded) === JSON.stringify({ ...decoded, ...info })
      },
    ),
  )
  t.pass('for all that was tried')
})

t.test('refuses what is cut off, out of order, too many or not to be shown', async t => {
  const bytes = encodeLinks(links)
  t.match(decodeLinks(bytes.subarray(0, -1 - START.length)), { reason: 'links-malformed' })
  t.match(decodeLinks(bytes.with(1, 2)), { reason: 'links-too-many' })
  t.match(decodeLinks(bytes.with(2, 0x77)), { reason: 'links-order' })
  t.match(decodeLinks(bytes.with(11, 5)), { reason: 'links-malformed' }, 'an ip of five bytes')
  const of = encodePeerInfo(peer)
  const nicknameAt = 17
  t.match(decodePeerInfo(of.subarray(0, -1)), { reason: 'peer-malformed' })
  t.match(decodePeerInfo(of.with(nicknameAt, 0x1b)), { reason: 'peer-text' }, 'an escape character')
  t.match(decodePeerInfo(of.with(nicknameAt, 0xff)), { reason: 'peer-malformed' }, 'no UTF-8')
  t.match(decodePeerInfo(of.with(nicknameAt - 2, 64)), { reason: 'peer-malformed' }, 'a nickname that is too long')
})

t.test('no bytes make the decoders throw', async t => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(), fc.nat({ max: 255 }), (bytes, at, value) => {
      decodeLinks(bytes)
      decodePeerInfo(bytes)
      decodeLinks(encodeLinks(links).with(at % encodeLinks(links).length, value))
      decodePeerInfo(encodePeerInfo(peer).with(at % encodePeerInfo(peer).length, value))
    }),
    { numRuns: 1000 },
  )
  t.pass('for all that was tried')
})
