import fc from 'fast-check'
import t from 'tap'
import { parseIpv6 } from '../../../lib/address/mod.ts'
import { neighbourTargetAt } from '../../../lib/overlay/neighbour-target.ts'
import { ethernetFrame, icmpv6Payload } from '../../support/frames.ts'

const TARGET = parseIpv6('fd12:3456:789a:1::a20:1')!
const advertisement = (headers = 0) => ethernetFrame(1, 2, icmpv6Payload(136, headers, { target: TARGET }), 0x86dd)

/** The frame behind a VLAN tag. */
function tagged(frame: Uint8Array): Uint8Array {
  return Uint8Array.from([...frame.slice(0, 12), 0x81, 0, 0, 7, ...frame.slice(12)])
}

function targetOf(frame: Uint8Array, before = 5): Uint8Array | undefined {
  const slab = new Uint8Array(before + frame.length + 3)
  slab.set(frame, before)
  const at = neighbourTargetAt(slab, before, frame.length)
  return at < 0 ? undefined : slab.slice(at, at + 16)
}

t.test('the target is found, also behind extension headers and VLAN tags', async t => {
  for (const headers of [0, 1, 3, 16]) t.strictSame(targetOf(advertisement(headers)), TARGET, `${headers} headers`)
  t.strictSame(targetOf(tagged(advertisement())), TARGET)
  t.strictSame(targetOf(tagged(tagged(advertisement(2)))), TARGET)
})

t.test('other messages, fragments, and what is cut short have none', async t => {
  t.equal(targetOf(ethernetFrame(1, 2, icmpv6Payload(135, 0, { target: TARGET }), 0x86dd)), undefined)
  t.equal(targetOf(advertisement(17)), undefined, 'too many headers')
  const fragment = advertisement(1)
  fragment[14 + 6] = 44
  t.equal(targetOf(fragment), undefined)
  for (let length = 0; length < advertisement(1).length; length++)
    t.equal(targetOf(advertisement(1).slice(0, length)), undefined, `${length} bytes`)
})

t.test('whatever the bytes, a target lies within the frame', async () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.tuple(fc.nat(4), fc.array(fc.tuple(fc.nat(150), fc.nat(255)), { maxLength: 4 })).map(([headers, changes]) => {
      const frame = advertisement(headers)
      for (const [at, value] of changes) if (at < frame.length) frame[at] = value
      return frame
    }),
  )
  fc.assert(
    fc.property(bytes, fc.nat(40), (frame, offset) => {
      const slab = new Uint8Array(offset + frame.length + 64)
      slab.set(frame, offset)
      const at = neighbourTargetAt(slab, offset, frame.length)
      return at === -1 || (at >= offset + 14 + 40 + 8 && at + 16 <= offset + frame.length)
    }),
    { numRuns: 5000 },
  )
})
