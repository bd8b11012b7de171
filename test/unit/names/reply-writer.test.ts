import dnsPacket from 'dns-packet'
import fc from 'fast-check'
import t from 'tap'
import { isDrop } from '../../../lib/base/mod.ts'
import { RCODE, decodeQuery, encodeReply, type DnsQuery } from '../../../lib/names/mod.ts'
import type { DnsRecord } from '../../../lib/names/reply-writer.ts'

const SOA = {
  ...{ mname: 'weave.local', rname: 'hostmaster.weave.local', serial: 1 },
  ...{ refresh: 3_600, retry: 600, expire: 86_400, minimum: 1 },
}

function queryFor(name: string, type: 'A' | 'PTR' = 'A', edns = false): DnsQuery {
  const option = { type: 'OPT', name: '.', udpPayloadSize: 4_096, flags: 0 } as dnsPacket.OptAnswer
  const additionals = edns ? [option] : []
  const query = decodeQuery(
    dnsPacket.encode({ type: 'query', id: 7, flags: 256, questions: [{ type, name }], additionals }),
  )
  if (isDrop(query) || 'rcode' in query) throw new Error('no query')
  return query
}

function reply(answers: readonly DnsRecord[], authorities: readonly DnsRecord[] = []) {
  return { rcode: RCODE.noError, isAuthoritative: true, isRecursionAvailable: false, answers, authorities }
}

const a = (name: string, i: number): DnsRecord => ({ type: 'A', name, ttl: 1, data: `10.32.${i >> 8}.${i & 255}` })
const many = (name: string, count: number) => Array.from({ length: count }, (_, i) => a(name, i))

t.test('the bytes of an answer', async t => {
  const bytes = encodeReply(queryFor('WeB.x', 'A', true), reply([a('WeB.x', 1)]), 1_232)
  t.equal(
    Buffer.from(bytes).toString('hex'),
    [
      ...['0007', '8500', '0001', '0001', '0000', '0001'],
      ...['03576542', '0178', '00', '0001', '0001'],
      ...['c00c', '0001', '0001', '00000001', '0004', '0a200001'],
      ...['00', '0029', '04d0', '00000000', '0000'],
    ].join(''),
  )
})

t.test('names are written once: as many addresses fit as there is room for', async t => {
  for (const [edns, bytesMax, fits] of [
    [false, 512, 29],
    [true, 1_232, 74],
  ] as const) {
    const name = 'a-name-of-some-length.weave.local'
    const bytes = encodeReply(queryFor(name, 'A', edns), reply(many(name, 100)), bytesMax)
    const packet = dnsPacket.decode(Buffer.from(bytes))
    t.ok(packet.flag_tc)
    t.ok(bytes.length <= bytesMax && bytes.length > bytesMax - 16, `${bytes.length} bytes`)
    t.ok(Math.abs(packet.answers!.length - fits) <= 1, `${packet.answers!.length} addresses`)
    t.equal(packet.additionals!.length, Number(edns))
  }
})

t.test('the ends of names are found again, in the question and in what follows', async t => {
  const authority: DnsRecord = { type: 'SOA', name: 'weave.local', ttl: 1, data: SOA }
  const bytes = encodeReply(queryFor('nobody.weave.local'), reply([], [authority]), 512)
  t.match(dnsPacket.decode(Buffer.from(bytes)).authorities, [{ name: 'weave.local', data: SOA }])
  t.equal(bytes.length, 12 + 20 + 4 + 2 + 10 + 2 + 13 + 20)
  const names = Array.from({ length: 30 }, (_, i) => `many${i}.weave.local`)
  const pointers = names.map((data): DnsRecord => ({ type: 'PTR', name: '1.0.32.10.in-addr.arpa', ttl: 1, data }))
  const all = dnsPacket.decode(
    Buffer.from(encodeReply(queryFor('1.0.32.10.in-addr.arpa', 'PTR'), reply(pointers), 1_232)),
  )
  t.same(
    all.answers!.map(answer => (answer as dnsPacket.StringAnswer).data),
    names,
  )
})

t.test('whatever is written is read again, and is never longer than it may be', async () => {
  const label = fc.stringMatching(/^[A-Za-z0-9_-]{1,20}$/)
  const name = fc.array(label, { minLength: 1, maxLength: 6 }).map(labels => labels.join('.'))
  const ttl = fc.nat(2 ** 31 - 1)
  const record: fc.Arbitrary<DnsRecord> = fc.oneof(
    fc.record({ type: fc.constant('A' as const), name, ttl, data: fc.ipV4() }),
    fc.record({ type: fc.constantFrom('NS' as const, 'PTR' as const), name, ttl, data: name }),
    fc.record({ type: fc.constant('SOA' as const), name, ttl, data: fc.constant(SOA) }),
  )
  const records = fc.array(record, { maxLength: 30 })
  fc.assert(
    fc.property(name, fc.boolean(), records, records, fc.integer({ min: 512, max: 1_232 }), (asked, edns, ...rest) => {
      const [answers, authorities, bytesMax] = rest
      const bytes = encodeReply(queryFor(asked, 'A', edns), reply(answers, authorities), bytesMax)
      const packet = dnsPacket.decode(Buffer.from(bytes))
      const seen = [...packet.answers!, ...packet.authorities!] as unknown as DnsRecord[]
      const given = [...answers, ...authorities]
      const lower = (one: unknown) => JSON.stringify(one).toLowerCase()
      return (
        bytes.length <= bytesMax &&
        packet.questions![0]!.name === asked &&
        (packet.flag_tc === true || seen.length === given.length) &&
        seen.every(({ type, name, ttl, data }, i) => {
          const wanted = given[i]!
          return lower([type, name, ttl, data]) === lower([wanted.type, wanted.name, wanted.ttl, wanted.data])
        })
      )
    }),
  )
})

t.test('a question that cannot be echoed is refused', async t => {
  const good = dnsPacket.encode({ type: 'query', id: 7, questions: [{ type: 'A', name: 'web.x' }] })
  for (const [why, change] of [
    ['a pointer', (bytes: Buffer) => bytes.set([0xc0, 0x00], 12)],
    ['cut short', (bytes: Buffer) => bytes.fill(63, 12)],
  ] as const) {
    const bytes = Buffer.from(good)
    change(bytes)
    t.match(decodeQuery(bytes), { rcode: RCODE.formatError }, why)
  }
  const dotted = Buffer.from(good)
  dotted[14] = 0x2e
  const query = decodeQuery(dotted) as DnsQuery
  t.ok(query.isOdd)
  const bytes = Buffer.from(encodeReply(query, reply([]), 512))
  t.same(bytes.subarray(12), Buffer.from(query.questionBytes), 'a dot in a label, byte by byte')
})
