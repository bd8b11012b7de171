import t from 'tap'
import { parseEndpoint } from '../../../lib/address/mod.ts'
import { isDrop } from '../../../lib/base/mod.ts'
import { SIZE_PROBES_OUTSTANDING_MAX } from '../../../lib/node/constants.ts'
import { SIZE_REST_MS } from '../../../lib/overlay/mod.ts'
import { PathSize, type PathSizeOutput } from '../../../lib/node/path-size.ts'
import { decodeControl } from '../../../lib/wire/mod.ts'
import { seededChance } from '../../support/seeded-chance.ts'

const IPV4 = parseEndpoint('192.0.2.1:6783')!
const IPV6 = parseEndpoint('[2001:db8::1]:6783')!
/** Type, counter and tag of the datagram, and the kind byte. */
const DATAGRAM_BYTES = 33

function world(underlayBytes = 1500) {
  const size = new PathSize({ chance: seededChance(3), underlayBytes })
  const drain = () => {
    const outputs: PathSizeOutput[] = []
    for (let output = size.pollOutput(); output !== undefined; output = size.pollOutput()) outputs.push(output)
    return outputs
  }
  const probesOf = (outputs: readonly PathSizeOutput[]) =>
    outputs.flatMap(output => {
      if (output.type !== 'probe') return []
      const message = decodeControl(output.body)
      if (isDrop(message) || message.type !== 'probe') return []
      return [{ token: message.token, bytes: output.body.length + DATAGRAM_BYTES, endpoint: output.endpoint }]
    })
  return { size, drain, probesOf }
}

t.test('probes to the endpoint of the path, as large as its family lets a packet of the underlay be', t => {
  for (const [endpoint, most] of [[IPV4, 1472] as const, [IPV6, 1452] as const]) {
    const { size, drain, probesOf } = world()
    size.begin(endpoint, 5, 0)
    size.handleLarge(0)
    const outputs = drain()
    const [probe] = probesOf(outputs)
    t.equal(probe!.bytes, most)
    t.equal(probe!.endpoint!.port, 6783)
    t.match(
      outputs[0],
      { type: 'bytes', bytes: 1232, isFound: false, hasTrains: false },
      'and goes by less until it is answered',
    )
    t.equal(size.handleReply(probe!.token, 5), true)
    t.same(drain(), [{ type: 'bytes', bytes: most, isFound: true, hasTrains: true }])
    t.same(size.report, { mtu: 1500, carries: most - 54, phase: 'complete' })
  }
  t.end()
})

t.test('probes through a relay to wherever frames go, and leaves room for the outer datagram', t => {
  const { size, drain, probesOf } = world()
  size.begin(undefined, 5, 0)
  size.handleLarge(0)
  const [probe] = probesOf(drain())
  t.match(probe, { bytes: 1500 - 48 - 56, endpoint: undefined })
  size.handleReply(probe!.token, 5)
  t.same(size.report, { mtu: 1500, carries: 1500 - 48 - 56 - 54, phase: 'complete' })
  t.end()
})

t.test('a path without frames is searched after a rest only, and not at all when it ends sooner', t => {
  const { size, drain, probesOf } = world()
  size.begin(IPV4, 5, 0)
  t.same(probesOf(drain()), [])
  t.match(size.report, { mtu: 1260, phase: 'base' })
  size.begin(IPV6, 5, 1000)
  t.equal(size.pollTimeout()?.at, 1000 + SIZE_REST_MS)
  size.handleTimeout(1000 + SIZE_REST_MS - 1)
  t.same(probesOf(drain()), [])
  size.handleTimeout(1000 + SIZE_REST_MS)
  t.match(probesOf(drain()), [{ bytes: 1452 }])
  size.begin(IPV4, 5, 20_000)
  drain()
  size.end()
  t.equal(size.pollTimeout(), undefined)
  size.handleTimeout(100_000)
  t.same(drain(), [])
  t.end()
})

t.test('says what it found when that is less than it could be, and again when it changes', t => {
  const { size, drain, probesOf } = world()
  size.begin(IPV4, 5, 0)
  size.handleLarge(0)
  let outputs = drain()
  const notes: string[] = []
  for (let now = 0; now < 5000; now += 10) {
    for (const { token, bytes } of probesOf(outputs)) if (bytes <= 1252) size.handleReply(token, now)
    size.handleTimeout(now)
    outputs = drain()
    for (const output of outputs) if (output.type === 'note') notes.push(output.text)
  }
  t.same(notes, ['path MTU 1280: packets up to 1198 bytes go whole'])
  t.end()
})

t.test('knows answers of this path only, and bounds those that it waits for', t => {
  const { size, drain, probesOf } = world()
  size.begin(IPV4, 5, 0)
  size.handleLarge(0)
  const [old] = probesOf(drain())
  size.begin(IPV6, 5, 10)
  size.handleLarge(10)
  t.equal(size.handleReply(old!.token, 20), false)
  const tokens = new Set(probesOf(drain()).map(({ token }) => token))
  for (let now = 20; tokens.size <= SIZE_PROBES_OUTSTANDING_MAX; now += 100) {
    size.handleTimeout(now)
    for (const { token } of probesOf(drain())) tokens.add(token)
    if (now > 10_000_000) break
  }
  t.equal(size.handleReply([...tokens][0]!, 9e6), false)
  t.equal(size.handleReply([...tokens].at(-1)!, 9e6), true)
  size.end()
  t.equal(size.handleReply([...tokens].at(-2)!, 9e6), false)
  t.end()
})
