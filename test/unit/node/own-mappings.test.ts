import t from 'tap'
import { parseCidr, parseEndpoint, peerIdFromBytes, type PeerId } from '../../../lib/address/mod.ts'
import {
  MAPPING_LASTS_MS,
  MAPPING_NEWS_MAX,
  MAPPING_NEWS_MS,
  MAPPING_OBSERVERS_MAX,
  OBSERVER_NEWS_MAX,
  OBSERVER_NEWS_MS,
} from '../../../lib/node/constants.ts'
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

t.test('an observer that says something else each time is believed a few times, and then seldom', t => {
  const own = mappings()
  const lie = (now: number) => own.handleSeen(peer(1), `198.51.100.66:${(now % 60_000) + 1}`, now)
  const believed: number[] = []
  for (let now = 0; now < 600_000; now += 2_010) if (lie(now)) believed.push(now)
  t.equal(believed.length, OBSERVER_NEWS_MAX)
  t.same(own.endpoints(600_000), [], 'what is not believed is told to nobody')
  own.forget(peer(1))
  t.notOk(lie(600_001 - 2_010), 'nor after the path to it was lost')
  t.ok(lie(OBSERVER_NEWS_MS + 1_000), 'but once more after a while')
  t.notOk(lie(OBSERVER_NEWS_MS + 1_001))
  t.end()
})

t.test('a mapping that changes again and again is believed as soon as a second observer sees it', t => {
  const own = mappings()
  for (let i = 1; i <= OBSERVER_NEWS_MAX; i++) t.ok(own.handleSeen(peer(1), `203.0.113.1:${i}`, i))
  t.notOk(own.handleSeen(peer(1), '203.0.113.1:9', 10))
  t.same(own.endpoints(10), [`203.0.113.1:${OBSERVER_NEWS_MAX}`])
  t.ok(own.handleSeen(peer(2), '203.0.113.1:9', 11), 'the second has said little so far')
  t.notOk(own.handleSeen(peer(1), '203.0.113.1:9', 12), 'which is no news')
  t.same(own.endpoints(12), ['203.0.113.1:9'], 'but what both see')
  own.forget(peer(2))
  t.same(own.endpoints(13), ['203.0.113.1:9'])
  t.end()
})

t.test('an observer whose path comes and goes says the same for nothing', t => {
  const own = mappings()
  for (let now = 0; now < 20; now++) {
    own.handleSeen(peer(1), '203.0.113.1:1', now)
    own.forget(peer(1))
  }
  t.ok(own.handleSeen(peer(1), '203.0.113.1:2', MAPPING_NEWS_MS + 1_000))
  t.end()
})

t.test('many observers together begin rounds only so often, and what they say is told with the next', t => {
  const own = mappings()
  let news = 0
  for (let i = 1; i <= 40; i++) if (own.handleSeen(peer(i), `203.0.113.1:${i}`, i)) news++
  t.equal(news, MAPPING_NEWS_MAX)
  t.equal(own.endpoints(40)[0], '203.0.113.1:40')
  t.ok(own.handleSeen(peer(41), '203.0.113.1:41', MAPPING_NEWS_MS + 1_000))
  t.end()
})
