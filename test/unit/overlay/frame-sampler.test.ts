import t from 'tap'
import { SAMPLES_PER_SPAN, SAMPLE_MS_MAX, SAMPLE_SPAN_MS, TALKS_MAX } from '../../../lib/overlay/constants.ts'
import { FrameSampler } from '../../../lib/overlay/frame-sampler.ts'
import { joinedTallies, type FrameTally } from '../../../lib/overlay/frame-tally.ts'
import { ROW } from '../../../lib/overlay/packet-engine.ts'
import { FRAME_FLAG } from '../../../lib/wire/datagram.ts'
import { seededChance } from '../../support/seeded-chance.ts'
import { ethernetFrame, ipv4Payload } from '../../support/frames.ts'
import { EVERYBODY, MAC_A, MAC_B, frame, setUp } from './forwarder-fixture.ts'

const ROWS = 256
const FRAME_BYTES = 14 + 28 + 26

/** Rows of frames from 10.32.0.n to 10.32.1.n. */
function lane(sources: readonly number[]) {
  const slab = new Uint8Array(sources.length * 128)
  const rows = new Int32Array(sources.length * ROW.columns)
  for (const [row, n] of sources.entries()) {
    slab.set(ethernetFrame(MAC_B, MAC_A, ipv4Payload(0x0a20_0000 + n, 0x0a20_0100 + n), 0x0800), row * 128)
    rows[row * ROW.columns + ROW.offset] = row * 128
    rows[row * ROW.columns + ROW.length] = FRAME_BYTES
  }
  return { slab, rows, deliveries: Int32Array.from(sources.keys()), count: sources.length }
}

const talksOf = ({ talks }: FrameTally) =>
  talks.map(({ source, isInward, frames, bytes }) => [source, isInward, frames, bytes])

t.test('while few frames pass each is counted, by pair and direction', async t => {
  const sampler = new FrameSampler(() => 0.5, 0)
  const batch = lane([1, 2, 1])
  sampler.outward(batch, 3, 1)
  sampler.inward({ ...batch, deliveries: Int32Array.of(1) }, 1, 2)
  const tally = sampler.tally()
  t.strictSame(talksOf(tally), [
    ['10.32.0.1', false, 2, 2 * FRAME_BYTES],
    ['10.32.0.2', false, 1, FRAME_BYTES],
    ['10.32.0.2', true, 1, FRAME_BYTES],
  ])
  t.equal(tally.seen, 4)
})

t.test('while many pass few are looked at, and what is reckoned from them is true', async t => {
  const sampler = new FrameSampler(seededChance(7), 0)
  // Three of four frames are of one pair, always at the same places of a batch.
  const batch = lane(Array.from({ length: ROWS }, (_, i) => (i % 4 === 0 ? 2 : 1)))
  const batches = 4_000
  for (let i = 0; i < batches; i++) sampler.outward(batch, ROWS, Math.floor(i / 4))
  const { talks, seen } = sampler.tally()
  const spans = batches / 4 / SAMPLE_SPAN_MS
  t.ok(seen < 3 * spans * SAMPLES_PER_SPAN, `${seen} of ${batches * ROWS} were looked at`)
  t.ok(seen > (spans * SAMPLES_PER_SPAN) / 3, `${seen} were looked at`)
  for (const [source, part] of [
    ['10.32.0.1', 0.75],
    ['10.32.0.2', 0.25],
  ] as const) {
    const found = talks.find(talk => talk.source === source)!
    const truth = batches * ROWS * part
    t.ok(Math.abs(found.frames / truth - 1) < 0.15, `${source}: ${found.frames} for ${truth}`)
    t.equal(found.bytes, found.frames * FRAME_BYTES)
  }
})

t.test('after a busy moment each frame is looked at again', async t => {
  const sampler = new FrameSampler(seededChance(1), 0)
  const busy = lane(Array<number>(ROWS).fill(1))
  for (let i = 0; i < 100; i++) sampler.outward(busy, ROWS, 10)
  const quiet = lane([2])
  for (let i = 0; i < 300; i++) sampler.outward(quiet, 1, 10 * SAMPLE_SPAN_MS + i * 10)
  const found = sampler.tally().talks.find(({ source }) => source === '10.32.0.2')!
  t.ok(found.frames > 200 && found.frames < 450, `${found.frames} for 300`)
})

t.test('a super-frame counts as the frames that it is cut into, with a header for each', async t => {
  const batch = lane([1])
  const length = 14 + 20 + 20 + 3 * 1_000 + 1
  batch.rows[ROW.length] = length
  batch.rows[ROW.gsoSize] = 1_000
  const tcp = new FrameSampler(() => 0.5, 0)
  batch.rows[ROW.flags] = FRAME_FLAG.gsoTcp4 | FRAME_FLAG.checksumPartial
  batch.rows[ROW.checksum] = 34 | (16 << 16)
  batch.slab[34 + 12] = 0x50
  const slab = new Uint8Array(length)
  slab.set(batch.slab)
  tcp.outward({ ...batch, slab }, 1, 0)
  t.strictSame(talksOf(tcp.tally()), [['10.32.0.1', false, 4, length + 3 * 54]])
  const udp = new FrameSampler(() => 0.5, 0)
  batch.rows[ROW.flags] = FRAME_FLAG.gsoUdp | FRAME_FLAG.checksumPartial
  batch.rows[ROW.length] = 34 + 8 + 2_000
  udp.outward({ ...batch, slab }, 1, 0)
  t.strictSame(talksOf(udp.tally()), [['10.32.0.1', false, 2, 34 + 8 + 2_000 + 42]])
})

t.test('there is room for so many pairs, and what is more is counted together', async t => {
  const sampler = new FrameSampler(() => 0, 0)
  for (let n = 0; n < TALKS_MAX + 5; n++) sampler.outward(lane([n]), 1, n * SAMPLE_SPAN_MS * 0.5)
  const { talks, others } = sampler.tally()
  t.equal(talks.length, TALKS_MAX)
  t.strictSame(others, { frames: 5, bytes: 5 * FRAME_BYTES })
})

t.test('it ends by itself', async t => {
  const sampler = new FrameSampler(() => 0, 100)
  sampler.outward(lane([1]), 1, 100 + SAMPLE_MS_MAX - 1)
  sampler.outward(lane([1]), 1, 100 + SAMPLE_MS_MAX)
  t.equal(sampler.tally().seen, 1)
})

t.test('what lanes saw is put together', async t => {
  const one = { destination: 'b', frames: 1, bytes: 10 }
  const joined = joinedTallies([
    { talks: [{ ...one, source: 'a', isInward: true }], others: { frames: 1, bytes: 2 }, seen: 3 },
    {
      talks: [
        { ...one, source: 'a', isInward: true },
        { ...one, source: 'a', isInward: false },
      ],
      ...{ others: { frames: 0, bytes: 0 }, seen: 4 },
    },
  ])
  t.strictSame(joined, {
    talks: [
      { ...one, source: 'a', isInward: true, frames: 2, bytes: 20 },
      { ...one, source: 'a', isInward: false },
    ],
    ...{ others: { frames: 1, bytes: 2 }, seen: 7 },
  })
})

t.test('a forwarder shows what it reads from the TAP and what it writes there, while it is asked', async t => {
  const { forwarder, out, inward } = setUp()
  const noise = { frame: frame(EVERYBODY, MAC_A) }
  out(noise)
  forwarder.samples.begin(7, () => 0.5, 1_000)
  out(noise, noise)
  inward({ frame: frame(MAC_A, MAC_B), from: 1 }, { frame: frame(MAC_A, 0x0300_0000_0001), from: 1 })
  const tally = forwarder.samples.end(7)
  t.strictSame(
    tally.talks.map(({ source, isInward, frames }) => [source, isInward, frames]),
    [
      ['02:00:00:00:00:0a', false, 2],
      ['02:00:00:00:00:0b', true, 1],
    ],
    'not what was dropped',
  )
  out(noise)
  t.equal(forwarder.samples.end(7).seen, 0, 'it has ended')
})
