import fc from 'fast-check'
import t from 'tap'
import { parseIpv6 } from '../../../lib/address/mod.ts'
import { arpTargetAt, solicitedTargetAt } from '../../../lib/overlay/neighbour-query.ts'
import { arpPayload, ethernetFrame, icmpv6Payload } from '../../support/frames.ts'

const [ASKER, ASKED] = [0x0a20_0001, 0x0a20_0041]
const TARGET = parseIpv6('fd12:3456:789a:1::a20:41')!
const SOURCE = parseIpv6('fe80::1')!
const request = (sender = ASKER, target = ASKED) =>
  ethernetFrame(0xffff_ffff_ffff, 2, arpPayload(2, sender, target), 0x0806)
const solicitation = (source = SOURCE, headers = 0) =>
  ethernetFrame(0x3333_ff20_0041, 2, icmpv6Payload(135, headers, { source, target: TARGET }), 0x86dd)

function arpTarget(frame: Uint8Array, before = 5): number {
  const slab = new Uint8Array(before + frame.length + 64)
  slab.set(frame, before)
  return arpTargetAt(slab, before, frame.length) >>> 0
}

function solicited(frame: Uint8Array, before = 5): Uint8Array | undefined {
  const slab = new Uint8Array(before + frame.length + 64)
  slab.set(frame, before)
  const at = solicitedTargetAt(slab, before, frame.length)
  return at < 0 ? undefined : slab.slice(at, at + 16)
}

t.test('an ARP request asks for an address; probes, announcements and answers do not', async t => {
  t.equal(arpTarget(request()), ASKED)
  t.equal(arpTarget(request(0)), 0, 'a probe')
  t.equal(arpTarget(request(ASKED)), 0, 'an announcement')
  const reply = request()
  reply[21] = 2
  t.equal(arpTarget(reply), 0)
  const other = request()
  other[15] = 6
  t.equal(arpTarget(other), 0, 'of another kind of network')
  for (let length = 0; length < request().length; length++) t.equal(arpTarget(request().slice(0, length)), 0)
})

t.test('a neighbour solicitation asks for an address, unless its sender has none', async t => {
  t.strictSame(solicited(solicitation()), TARGET)
  t.equal(solicited(solicitation(new Uint8Array(16))), undefined, 'detection of duplicates')
  t.equal(solicited(solicitation(SOURCE, 1)), undefined, 'behind extension headers it is for everybody')
  t.equal(solicited(ethernetFrame(1, 2, icmpv6Payload(136, 0, { source: SOURCE, target: TARGET }), 0x86dd)), undefined)
  t.equal(solicited(request()), undefined)
  for (let length = 0; length < solicitation().length; length++)
    t.equal(solicited(solicitation().slice(0, length)), undefined)
})

t.test('whatever the bytes, a target lies within the frame', async () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 120 }),
    fc.array(fc.tuple(fc.nat(80), fc.nat(255)), { maxLength: 4 }).map(changes => {
      const frame = solicitation()
      for (const [at, value] of changes) if (at < frame.length) frame[at] = value
      return frame
    }),
  )
  fc.assert(
    fc.property(bytes, fc.nat(40), (frame, offset) => {
      const slab = new Uint8Array(offset + frame.length)
      slab.set(frame, offset)
      arpTargetAt(slab, offset, frame.length)
      const at = solicitedTargetAt(slab, offset, frame.length)
      return at === -1 || (at >= offset + 54 && at + 16 <= offset + frame.length)
    }),
    { numRuns: 3000 },
  )
})
