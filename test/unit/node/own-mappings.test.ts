import t from 'tap'
import { parseCidr, parseEndpoint, peerIdFromBytes, type PeerId } from '../../../lib/address/mod.ts'
import { MAPPING_LASTS_MS, MAPPING_OBSERVERS_MAX } from '../../../lib/node/constants.ts'
import { OwnMappings } from '../../../lib/node/own-mappings.ts'
import { PORT_MAPPING, RENDEZVOUS_ENDPOINTS_MAX } from '../../../lib/wire/mod.ts'

const peer = (number: number): PeerId =>
  peerIdFromBytes(Uint8Array.of(number, number >>> 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1))
const mappings = (advertised = ['192.168.1.2:6783']) =>
  new OwnMappings({
    port: 6783,
    advertised: advertised.map(text => parseEndpoint(text)!),
    range: parseCidr('10.32.0.0/12')!,
  })

t.test('tells of where others see this peer, but not of what it advertises', t => {
  const own = mappings()
  t.same([own.endpoints(0), own.mapping(0)], [[], PORT_MAPPING.unknown])
  t.notOk(own.handleSeen(peer(1), '192.168.1.2:6783', 0), 'that is no news to anybody')
  t.same([own.endpoints(0), own.mapping(0)], [[], PORT_MAPPING.unknown])
  t.ok(own.handleSeen(peer(2), '203.0.113.1:6783', 0))
  t.same([own.endpoints(0), own.mapping(0)], [['203.0.113.1:6783'], PORT_MAPPING.kept])
  t.notOk(own.handleSeen(peer(3), '203.0.113.1:6783', 0), 'what is known is no news')
  t.end()
})

t.test('knows a port that is changed, and one that differs by destination', t => {
  const own = mappings()
  own.handleSeen(peer(1), '203.0.113.1:40001', 0)
  t.equal(own.mapping(0), PORT_MAPPING.changed)
  own.handleSeen(peer(2), '203.0.113.1:40001', 0)
  t.equal(own.mapping(0), PORT_MAPPING.changed)
  own.handleSeen(peer(3), '198.51.100.1:6783', 0)
  t.equal(own.mapping(0), PORT_MAPPING.changed, 'two addresses are two ways')
  own.handleSeen(peer(3), '203.0.113.1:40002', 0)
  t.equal(own.mapping(0), PORT_MAPPING.varying)
  own.forget(peer(3))
  t.equal(own.mapping(0), PORT_MAPPING.changed)
  t.end()
})

t.test('what most see comes first, then what was seen last, and what nobody confirms is forgotten', t => {
  const own = mappings()
  own.handleSeen(peer(1), '203.0.113.1:1', 0)
  own.handleSeen(peer(2), '203.0.113.1:2', 1)
  own.handleSeen(peer(3), '203.0.113.1:1', 2)
  own.handleSeen(peer(4), '203.0.113.1:3', 3)
  t.same(own.endpoints(3), ['203.0.113.1:1', '203.0.113.1:3', '203.0.113.1:2'])
  t.same(own.endpoints(MAPPING_LASTS_MS), ['203.0.113.1:3', '203.0.113.1:1', '203.0.113.1:2'])
  t.same(own.endpoints(MAPPING_LASTS_MS + 2), ['203.0.113.1:3'])
  t.end()
})

t.test('takes no nonsense, nor addresses that nobody should probe, and is bounded', t => {
  const own = mappings()
  for (const text of ['', 'x', '127.0.0.1:1', '169.254.169.254:80', '10.33.0.1:6783', '[ff02::1]:1', '203.0.113.1:0'])
    t.notOk(own.handleSeen(peer(1), text, 0), text)
  for (let i = 1; i < 2 * MAPPING_OBSERVERS_MAX; i++) own.handleSeen(peer(i), `203.0.113.1:${i}`, 0)
  t.equal(own.endpoints(0).length, RENDEZVOUS_ENDPOINTS_MAX)
  t.equal(own.endpoints(0)[0], `203.0.113.1:${2 * MAPPING_OBSERVERS_MAX - 1}`)
  t.end()
})
