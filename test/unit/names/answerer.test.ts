import assert from 'node:assert/strict'
import dnsPacket from 'dns-packet'
import fc from 'fast-check'
import t from 'tap'
import { isDrop } from '../../../lib/base/mod.ts'
import { Answerer, Domain, Zone, type AnswererOptions } from '../../../lib/names/mod.ts'
import { foreignBytes } from '../../support/foreign-bytes.ts'
import { peerNumber } from '../../support/graphs.ts'
import { labelledChance } from '../../support/sim-randomness.ts'

const [SELF, OTHER] = [peerNumber(1), peerNumber(2)]

function answerer(changes: Partial<AnswererOptions> = {}) {
  const zone = new Zone(() => true)
  zone.set('1', { owner: SELF, container: 'a', addresses: ['10.32.0.1'], names: ['web', 'a.deep'] })
  zone.set('2', { owner: OTHER, container: 'b', addresses: ['10.32.0.2', 'fd00::2'], names: ['web'] })
  zone.set('3', { owner: OTHER, container: 'c', addresses: ['fd00::3'], names: ['six'] })
  const made = new Answerer({
    zone,
    domain: new Domain('weave.local'),
    ttlSeconds: 7,
    range: { address: 0x0a20_0000, prefix: 12 },
    chance: labelledChance('answers'),
    first: undefined,
    isForwarding: () => true,
    ...changes,
  })
  return { zone, made }
}

interface Asked {
  readonly edns?: number
  readonly version?: number
  readonly isTcp?: boolean
  readonly recursion?: boolean
}

function query(type: string, name: string, { edns, version = 0, recursion = true }: Asked = {}): Uint8Array {
  return dnsPacket.encode({
    type: 'query',
    id: 4711,
    flags: recursion ? dnsPacket.RECURSION_DESIRED : 0,
    questions: [{ type: type as 'A', name }],
    additionals:
      edns === undefined
        ? []
        : [
            {
              type: 'OPT',
              name: '.',
              udpPayloadSize: edns,
              ednsVersion: version,
              extendedRcode: 0,
              flags: 0,
              flag_do: false,
              options: [],
            },
          ],
  })
}

function ask(of: Answerer, type: string, name: string, asked: Asked = {}) {
  const outcome = of.handle(query(type, name, asked), asked.isTcp ?? false)
  assert(!isDrop(outcome))
  if (outcome.type === 'forward') return { isForwarded: true as const, rcode: -1, data: [], soa: false, bytes: 0 }
  const packet = dnsPacket.decode(Buffer.from(outcome.bytes))
  assert.equal(packet.id, 4711)
  return {
    isForwarded: false as const,
    rcode: outcome.rcode as number,
    name: packet.questions?.[0]?.name,
    data: (packet.answers ?? []).map(answer => ('data' in answer ? answer.data : undefined)),
    owners: (packet.answers ?? []).map(answer => answer.name),
    ttls: [...new Set((packet.answers ?? []).map(answer => ('ttl' in answer ? answer.ttl : undefined)))],
    soa: (packet.authorities ?? []).some(record => record.type === 'SOA'),
    isAuthoritative: packet.flag_aa,
    isTruncated: packet.flag_tc,
    hasRecursion: packet.flag_ra,
    bytes: outcome.bytes.length,
  }
}

t.test('a name has its addresses, of all who are called so, in the case of the question', async t => {
  const { made } = answerer()
  const found = ask(made, 'A', 'WeB.wEAVE.local')
  t.same([...found.data].sort(), ['10.32.0.1', '10.32.0.2'])
  t.match(found, {
    rcode: 0,
    name: 'WeB.wEAVE.local',
    isAuthoritative: true,
    isTruncated: false,
    hasRecursion: true,
    soa: false,
  })
  t.same([found.owners, found.ttls], [['WeB.wEAVE.local', 'WeB.wEAVE.local'], [7]])
  t.same(ask(made, 'AAAA', 'web.weave.local').data, ['fd00::2'])
  t.same([...ask(made, 'ANY', 'web.weave.local').data].sort(), ['10.32.0.1', '10.32.0.2', 'fd00::2'])
})

t.test('what is there without what is asked for is no error, what is not there is; both say for how long', async t => {
  const { made } = answerer()
  for (const [type, name] of [
    ['A', 'six'],
    ['AAAA', 'a.deep'],
    ['MX', 'web'],
    ['TXT', 'web'],
    ['A', 'deep'],
    ['UNKNOWN_65', 'web'],
  ])
    t.match(
      ask(made, type!, `${name}.weave.local`),
      { rcode: 0, data: [], soa: true, isAuthoritative: true },
      `${type} ${name}`,
    )
  for (const name of ['nobody', 'b.deep', 'x.web', 'webb'])
    t.match(ask(made, 'A', `${name}.weave.local`), { rcode: 3, data: [], soa: true, isAuthoritative: true }, name)
})

t.test('the domain has an SOA and an NS', async t => {
  const { made } = answerer()
  t.match(ask(made, 'SOA', 'weave.local').data, [{ mname: 'weave.local', minimum: 7 }])
  t.same(ask(made, 'NS', 'weave.local').data, ['weave.local'])
  t.match(ask(made, 'A', 'weave.local'), { rcode: 0, data: [], soa: true })
})

t.test('an address has its names; one of the overlay without is unknown, any other is somebody else’s', async t => {
  const { made } = answerer()
  t.same(ask(made, 'PTR', '1.0.32.10.in-addr.arpa').data, ['a.deep.weave.local', 'web.weave.local'])
  t.same(ask(made, 'PTR', `3.${'0.'.repeat(29)}d.f.IP6.arpa`).data, ['six.weave.local'])
  t.match(ask(made, 'A', '1.0.32.10.in-addr.arpa'), { rcode: 0, data: [] })
  t.match(ask(made, 'PTR', '9.0.32.10.in-addr.arpa'), { rcode: 3, soa: false })
  for (const name of ['1.2.0.192.in-addr.arpa', '0.32.10.in-addr.arpa', '01.0.32.10.in-addr.arpa', 'x.ip6.arpa'])
    t.ok(ask(made, 'PTR', name).isForwarded, name)
})

t.test('other names are asked for elsewhere, when that is wished and possible', async t => {
  t.ok(ask(answerer().made, 'A', 'www.example.com').isForwarded)
  t.match(ask(answerer().made, 'A', 'www.example.com', { recursion: false }), { rcode: 5, isAuthoritative: false })
  const alone = answerer({ isForwarding: () => false }).made
  t.match(ask(alone, 'A', 'www.example.com'), { rcode: 5, hasRecursion: false })
})

t.test('the addresses come in another order each time, the own first when that is wished', async t => {
  const firsts = (of: Answerer) => new Set(Array.from({ length: 40 }, () => ask(of, 'A', 'web.weave.local').data[0]))
  t.equal(firsts(answerer().made).size, 2)
  t.same([...firsts(answerer({ first: SELF }).made)], ['10.32.0.1'])
})

t.test('what does not fit is left out and said to be, and comes over TCP', async t => {
  const { zone, made } = answerer()
  const addresses = Array.from({ length: 200 }, (_, i) => `10.32.1.${i}`)
  for (const [i, address] of addresses.entries())
    zone.set(`m${i}`, { owner: SELF, container: `m${i}`, addresses: [address], names: ['many'] })
  const sizes: [Asked, number][] = [
    [{}, 512],
    [{ edns: 100 }, 512],
    [{ edns: 900 }, 900],
    [{ edns: 65_535 }, 1_232],
  ]
  for (const [asked, bytes] of sizes) {
    const found = ask(made, 'A', 'many.weave.local', asked)
    t.ok(found.isTruncated && found.bytes <= bytes && found.bytes > bytes - 40, `${found.bytes} of ${bytes}`)
  }
  const whole = ask(made, 'A', 'many.weave.local', { isTcp: true })
  t.same([...(whole.data as string[])].sort(), [...addresses].sort())
  t.notOk(whole.isTruncated)
})

t.test('a later EDNS version, another class, another operation and no question are refused', async t => {
  const { made } = answerer()
  t.equal(ask(made, 'A', 'web.weave.local', { edns: 1_232, version: 1 }).rcode, 16)
  const bytes = query('A', 'web.weave.local')
  const answer = (changed: Uint8Array) => {
    const outcome = made.handle(changed, false)
    return isDrop(outcome) ? outcome.reason : outcome.type === 'answer' ? outcome.rcode : outcome.type
  }
  t.equal(answer(bytes.with(bytes.length - 1, 3)), 5, 'class CHAOS')
  t.equal(answer(bytes.with(bytes.length - 1, 77)), 5, 'no class at all')
  t.equal(answer(bytes.with(2, 0x10)), 4, 'a status request')
  t.equal(answer(bytes.with(5, 0)), 1, 'no question')
  t.equal(answer(bytes.with(5, 2)), 1, 'two questions')
  t.equal(answer(bytes.subarray(0, bytes.length - 3)), 1, 'half a question')
  t.equal(answer(bytes.subarray(0, 11)), 'dns-short')
  t.equal(answer(bytes.with(2, 0x80)), 'dns-response', 'answers are not answered')
})

t.test('names that are not what they look like are refused, with the question as it came', async t => {
  const { made } = answerer()
  for (const [why, name, change] of [
    ['a byte beyond ASCII', 'xweb.weave.local', (bytes: Buffer) => bytes.fill(0xff, 13, 14)],
    ['a label of such bytes', `${'x'.repeat(63)}.example.com`, (bytes: Buffer) => bytes.fill(0xff, 13, 76)],
    [
      'a dot in a label',
      'web.weave.local',
      (bytes: Buffer) => bytes.fill(15, 12, 13).fill('.', 16, 17).fill('.', 22, 23),
    ],
    ['KELVIN SIGN', '\u212a.weave.local', (bytes: Buffer) => bytes],
  ] as const) {
    const bytes = change(Buffer.from(query('A', name, { edns: 1_232 })))
    const outcome = made.handle(bytes, false)
    assert(!isDrop(outcome) && outcome.type === 'answer', why)
    const length = bytes.length - 12 - 11
    t.equal(outcome.rcode, 5, why)
    t.same(Buffer.from(outcome.bytes.subarray(12, 12 + length)), bytes.subarray(12, 12 + length), why)
  }
})

t.test('no bytes make it throw, and every answer has the id, and fits', async t => {
  const { made } = answerer()
  const good = fc.constantFrom(query('A', 'web.weave.local', { edns: 600 }), query('PTR', '1.0.32.10.in-addr.arpa'))
  fc.assert(
    fc.property(good.chain(foreignBytes), fc.boolean(), (bytes, isTcp) => {
      const outcome = made.handle(bytes, isTcp)
      if (isDrop(outcome) || outcome.type === 'forward') return
      assert.deepEqual([...outcome.bytes.subarray(0, 2)], [...bytes.subarray(0, 2)])
      assert((outcome.bytes[2]! & 0x80) !== 0)
      if (!isTcp) assert(outcome.bytes.length <= 1_232)
    }),
    { numRuns: 5_000 },
  )
  t.pass('the law holds')
})
