import fc from 'fast-check'
import t from 'tap'
import { isDrop, toHex } from '../../../lib/base/mod.ts'
import {
  MEASURED_AT,
  MEASURE_KIND,
  decodeControl,
  encodeMeasure,
  encodeMeasured,
  stampMeasured,
  type MeasureMessage,
} from '../../../lib/wire/mod.ts'

const token = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)
const HEX = '0102030405060708'
const MESSAGES: readonly (readonly [Exclude<MeasureMessage, { type: 'measured' }>, string])[] = [
  [
    {
      ...{ type: 'measure-ask', token, way: 'overlay', isAskerSending: true },
      ...{ datagramBytes: 0x0506, kbits: 100_000, ms: 5_000 },
    },
    `08${HEX}01010605a086010088130000`,
  ],
  [{ type: 'measure-answer', token, verdict: 'rate', limitKbits: 1_000_000 }, `09${HEX}0340420f00`],
  [{ type: 'measure-end', token, sent: 7, datagramBytes: 0x0506 }, `0a${HEX}070000000605`],
  [
    {
      ...{ type: 'measure-report', token, isFinal: true },
      ...{ received: 1, reordered: 2, jitterMicros: 3, spanMicros: 4 },
    },
    `0b${HEX}0101000000020000000300000004000000`,
  ],
  [{ type: 'measure-stop', token, reason: 'silence' }, `0c${HEX}03`],
]

t.test('writes the golden bytes of each message, and reads them back', async t => {
  for (const [message, hex] of MESSAGES) {
    t.equal(toHex(encodeMeasure(message)), hex, message.type)
    t.strictSame(decodeControl(encodeMeasure(message)), message)
    t.strictSame(decodeControl(Uint8Array.of(...encodeMeasure(message), 9)), message, 'whatever follows')
  }
})

t.test(
  'what is cut short or makes no sense is dropped; of words that it does not know it takes the safest',
  async t => {
    for (const [message] of MESSAGES)
      for (let length = 1; length < encodeMeasure(message).length; length++)
        t.ok(isDrop(decodeControl(encodeMeasure(message).subarray(0, length))), `${message.type}: ${length} bytes`)
    const changed = (which: number, at: number, byte: number) => {
      const body = encodeMeasure(MESSAGES[which]![0])
      body[at] = byte
      return decodeControl(body)
    }
    t.ok(isDrop(changed(0, 9, 7)), 'a way that is not known')
    t.ok(isDrop(changed(0, 10, 0)), 'nobody sends')
    t.match(changed(1, 9, 99), { verdict: 'forbidden' })
    t.match(changed(4, 9, 99), { reason: 'asked' })
  },
)

t.test('a test datagram is as long as it is to be, and says when it was sent', async t => {
  const datagram = encodeMeasured(MEASURE_KIND.measured, token, 24, 2 ** 32 + 5)
  t.equal(toHex(datagram), `0d00000000000000${HEX}0500000000000000`)
  stampMeasured(datagram, 0x0102_0304)
  t.equal(toHex(datagram.subarray(MEASURED_AT.sentAt)), '0403020100000000')
  t.same(decodeControl(datagram), { type: 'measured' }, 'of which a node makes nothing')
})

t.test('any bytes are read or dropped, and what is read is written alike', async () => {
  fc.assert(
    fc.property(fc.integer({ min: 8, max: 13 }), fc.uint8Array({ maxLength: 40 }), (kind, bytes) => {
      const read = decodeControl(Uint8Array.of(kind, ...bytes))
      if (isDrop(read) || read.type === 'measured') return true
      const again = decodeControl(encodeMeasure(read as (typeof MESSAGES)[0][0]))
      return JSON.stringify(again) === JSON.stringify(read)
    }),
  )
})
