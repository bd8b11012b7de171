import fc from 'fast-check'
import t from 'tap'
import type { Chance, Millis } from '../../../lib/base/mod.ts'
import {
  MEASURE_ASK_MS,
  MEASURE_BURST_S,
  MEASURE_EMPTY_MS,
  MEASURE_END_MS,
  MEASURE_MS_MAX,
  MEASURE_SILENCE_MS,
} from '../../../lib/node/constants.ts'
import type { NodeContext } from '../../../lib/node/context.ts'
import { Measuring, type MeasureEnd, type MeasureQuestion } from '../../../lib/node/measuring.ts'
import type { Gauge, GaugeOrder } from '../../../lib/overlay/mod.ts'
import { encodeMeasure } from '../../../lib/wire/mod.ts'
import { peerNumber } from '../../support/graphs.ts'
import { seededChance } from '../../support/seeded-chance.ts'
import { SimMesh } from '../../support/sim-mesh.ts'
import { seededEntropy } from '../../support/sim-randomness.ts'

const [A, B, C] = [peerNumber(1), peerNumber(2), peerNumber(3)] as const
const LIMIT = 1_000_000
const DELAY_MS = 5
const TO_B: MeasureQuestion = { peer: B, way: 'overlay', isSending: true, kbits: 10_000, ms: 1_000 }
const FROM_B: MeasureQuestion = { ...TO_B, isSending: false }

/** Whether a gauge is at work, and on what. */
class NotedGauge {
  order: GaugeOrder | undefined
  isCounting = false
  sent = 0
  received = 0
  send(order: GaugeOrder): void {
    this.order = order
    this.sent = 0
  }
  endSending(): void {
    this.order = undefined
  }
  count(): void {
    this.isCounting = true
    this.received = 0
  }
  counts() {
    return { received: this.received, reordered: 0, jitterMicros: 9, spanMicros: 1_000 }
  }
  endCounting(): void {
    this.isCounting = false
  }
}

interface Side {
  readonly gauge: NotedGauge
  readonly measuring: Measuring
  readonly ends: MeasureEnd[]
  isThere: boolean
  hasWay: boolean
  isDirect: boolean
}

/** Two peers on virtual time; of what one tells the other a part is lost. */
function pair({
  loss = 0,
  chance = seededChance(1),
  limit = LIMIT,
}: {
  loss?: number
  chance?: Chance
  limit?: number
}) {
  const onTheWay: { at: Millis; go: (now: Millis) => void }[] = []
  let now = 0
  const sides = [A, B].map((self, i): Side => {
    const gauge = new NotedGauge()
    const context = {
      config: { gauge: gauge as unknown as Gauge, measureLimitKbits: limit, entropy: seededEntropy(`measuring ${i}`) },
      view: { nicknameOf: () => 'n' },
      log: () => undefined,
    } as unknown as NodeContext
    const paths = {
      path: () => ({
        peerIndex: 1,
        isUsable: side.hasWay,
        state: { kind: side.isDirect ? 'direct' : 'relayed' },
        report: () => ({ peerId: self, size: { mtu: 1_500, carries: 1_400, phase: 'complete' } }),
      }),
      want: () => undefined,
      handleLarge: () => undefined,
      tell: (_peer: string, body: Uint8Array) => {
        if (!side.hasWay) return false
        const other = sides[1 - i]!
        const go = (at: Millis) => other.isThere && other.measuring.handleControl(self, body, at)
        if (chance() >= loss) onTheWay.push({ at: now + DELAY_MS, go })
        return true
      },
    }
    const side: Side = {
      ...{ gauge, ends: [], isThere: true, hasWay: true, isDirect: true },
      measuring: new Measuring(context, paths as never),
    }
    return side
  }) as [Side, Side]
  /** One datagram a millisecond goes from the side that sends to the one that counts. */
  const run = (ms: Millis) => {
    for (const until = now + ms; now < until; now++) {
      for (const [i, side] of sides.entries()) {
        if (side.gauge.order === undefined || !side.isThere) continue
        side.gauge.sent++
        const other = sides[1 - i]!
        if (other.gauge.isCounting && other.isThere) other.gauge.received++
      }
      for (const one of onTheWay.filter(({ at }) => at <= now)) {
        onTheWay.splice(onTheWay.indexOf(one), 1)
        one.go(now)
      }
      for (const { measuring, isThere } of sides)
        if (isThere && (measuring.pollTimeout()?.at ?? Infinity) <= now) measuring.handleTimeout(now)
    }
  }
  const begin = (question: MeasureQuestion, from = 0) => {
    const side = sides[from]!
    side.measuring.begin(question, end => side.ends.push(end), now)
  }
  const isIdle = () =>
    sides.every(
      ({ gauge, measuring }) => gauge.order === undefined && !gauge.isCounting && measuring.pollTimeout() === undefined,
    )
  return { sides, run, begin, isIdle, now: () => now }
}

t.test('what one sends and the other counts comes to who asked, in either direction', async t => {
  for (const question of [TO_B, FROM_B]) {
    const { sides, run, begin, isIdle } = pair({})
    begin(question)
    run(200)
    const [sending, counting] = question.isSending ? sides : [sides[1], sides[0]]
    t.match(sending.gauge.order, { peerIndex: 1, datagramBytes: 1_454, bytesPerSecond: 1_250_000, ms: 1_000 })
    t.ok(counting.gauge.isCounting)
    run(2_000)
    const [end] = sides[0].ends
    t.match(end, { isDone: true, datagramBytes: 1_454, counts: { jitterMicros: 9 }, path: {} })
    if (end?.isDone === true) {
      t.ok(end.sent >= 990 && end.sent <= 1_010, `${end.sent} were sent`)
      t.ok(Math.abs(end.counts.received - end.sent) <= DELAY_MS, `${end.counts.received} of ${end.sent} arrived`)
    }
    run(MEASURE_END_MS)
    t.ok(isIdle(), 'nothing is left of it')
    t.equal(sides[0].ends.length, 1)
  }
})

t.test('control datagrams that are lost are told again', async t => {
  for (let seed = 1; seed <= 60; seed++) {
    const { sides, run, begin, isIdle } = pair({ loss: 0.3, chance: seededChance(seed) })
    begin(seed % 2 === 0 ? TO_B : FROM_B)
    run(MEASURE_ASK_MS + 1_000 + MEASURE_END_MS + MEASURE_EMPTY_MS + 1_000)
    t.ok(isIdle(), `seed ${seed}: nothing is left of it`)
    t.equal(sides[0].ends.length, 1, `seed ${seed}`)
    t.equal(sides[0].ends[0]!.isDone, true, `seed ${seed}: ${JSON.stringify(sides[0].ends[0])}`)
  }
})

t.test('it is refused where it is forbidden, too much, too long, too often, or while another one goes on', async t => {
  const refused = (question: Partial<MeasureQuestion>, limit = LIMIT) => {
    const world = pair({ limit })
    world.begin({ ...TO_B, ...question })
    world.run(100)
    t.ok(world.isIdle())
    return world.sides[0].ends
  }
  t.strictSame(refused({}, 0), [{ isDone: false, reason: 'forbidden', limitKbits: 0 }])
  t.strictSame(refused({ kbits: LIMIT + 1 }), [{ isDone: false, reason: 'rate', limitKbits: LIMIT }])
  t.match(refused({ ms: MEASURE_MS_MAX + 1 }), [{ reason: 'time' }])

  for (const isSending of [true, false]) {
    const relayed = pair({})
    relayed.sides[isSending ? 0 : 1].isDirect = false
    relayed.begin({ ...TO_B, way: 'underlay', isSending })
    relayed.run(MEASURE_ASK_MS + 10)
    t.match(relayed.sides[0].ends, [{ reason: isSending ? 'no-way' : 'way' }], 'nothing goes in the clear to a relay')
    t.ok(relayed.isIdle())
  }

  const busy = pair({})
  busy.begin(TO_B)
  busy.begin(TO_B)
  t.match(busy.sides[0].ends, [{ reason: 'busy-here' }], 'this host measures already')
  busy.run(100)
  busy.begin({ ...TO_B, peer: A }, 1)
  t.match(busy.sides[1].ends, [{ reason: 'busy-here' }], 'somebody measures to it')

  const both = pair({})
  both.begin(TO_B)
  both.begin({ ...TO_B, peer: A }, 1)
  both.run(100)
  t.match([both.sides[0].ends, both.sides[1].ends], [[{ reason: 'busy' }], [{ reason: 'busy' }]])

  const often = pair({})
  let agreed = 0
  for (let i = 0; i < 4; i++) {
    often.begin({ ...TO_B, ms: MEASURE_MS_MAX })
    often.run(50)
    often.sides[0].measuring.cancel(often.now())
    often.run(50)
    if (often.sides[0].ends.at(-1)!.isDone === false && 'limitKbits' in often.sides[0].ends.at(-1)!) break
    agreed++
  }
  t.equal(agreed, MEASURE_BURST_S / (MEASURE_MS_MAX / 1_000))
  t.match(often.sides[0].ends.at(-1), { reason: 'often' })
})

t.test('who dies in the middle leaves nothing running at the other', async t => {
  for (const question of [TO_B, FROM_B])
    for (const dead of [0, 1]) {
      const { sides, run, begin, now } = pair({})
      begin({ ...question, ms: 20_000 })
      run(1_000)
      sides[dead]!.isThere = false
      sides[dead]!.gauge.endSending()
      const left = sides[1 - dead]!
      run(Math.max(MEASURE_SILENCE_MS, MEASURE_EMPTY_MS) + 600)
      const what = `${question.isSending ? 'to' : 'from'}, ${dead === 0 ? 'who asked' : 'who was asked'} is gone`
      t.equal(left.gauge.order, undefined, what)
      t.equal(left.gauge.isCounting, false, what)
      t.equal(left.measuring.pollTimeout(), undefined, what)
      if (dead === 1) t.match(sides[0].ends, [{ isDone: false, reason: 'silence' }], `${what}, ${now()}`)
    }
})

t.test(
  'who sends on without an end, or tells without pause how far it is, is left when it is time, and costs no memory',
  async t => {
    for (const question of [TO_B, FROM_B]) {
      const { sides, run, begin } = pair({})
      begin(question)
      run(200)
      const [bad, counting] = question.isSending ? sides : [sides[1], sides[0]]
      const { order } = bad.gauge
      for (let ms = 0; ms < question.ms + MEASURE_EMPTY_MS + MEASURE_END_MS + 600; ms += 100) {
        bad.isThere = false
        counting.gauge.received++
        run(100)
      }
      t.ok(order !== undefined && !counting.gauge.isCounting, 'it counts no more')
      t.equal(counting.measuring.pollTimeout(), undefined)
      if (!question.isSending) t.match(counting.ends, [{ isDone: false, reason: 'silence' }])
    }

    const { sides, run, begin, now } = pair({})
    begin(TO_B)
    run(200)
    const { token } = sides[0].gauge.order!
    const report = encodeMeasure({
      ...{ type: 'measure-report', token, isFinal: false },
      ...{ received: 1, reordered: 0, jitterMicros: 0, spanMicros: 0 },
    })
    for (let i = 0; i < 10_000; i++) sides[0].measuring.handleControl(B, report, now())
    run(2_000)
    const [end] = sides[0].ends
    t.ok(end?.isDone === true && end.series.length <= 3, JSON.stringify(end).slice(0, 200))
  },
)

t.test('the way is lost, the operator goes, nobody answers: it ends and says why', async t => {
  const lost = pair({})
  lost.begin({ ...TO_B, ms: 20_000 })
  lost.run(500)
  t.equal(lost.sides[0].gauge.order?.isRaw, false)
  lost.sides[0].hasWay = false
  lost.run(300)
  t.match(lost.sides[0].ends, [{ isDone: false, reason: 'way' }])
  t.equal(lost.sides[0].gauge.order, undefined)

  const relayed = pair({})
  relayed.begin({ ...TO_B, way: 'underlay', ms: 20_000 })
  relayed.run(500)
  t.equal(relayed.sides[0].gauge.order?.isRaw, true)
  relayed.sides[0].isDirect = false
  relayed.run(300)
  t.match(relayed.sides[0].ends, [{ isDone: false, reason: 'way' }], 'nor to one that has become so')

  const gone = pair({})
  gone.begin({ ...FROM_B, ms: 20_000 })
  gone.run(500)
  gone.sides[0].measuring.cancel(gone.now())
  t.match(gone.sides[0].ends, [{ isDone: false, reason: 'asked' }])
  gone.run(100)
  t.ok(gone.isIdle(), 'at the other side, too')
  gone.sides[1].measuring.cancel(gone.now())
  t.same(gone.sides[1].ends, [], 'who asked nothing can cancel nothing')

  const silent = pair({})
  silent.sides[1].isThere = false
  silent.begin(TO_B)
  silent.run(MEASURE_ASK_MS + 10)
  t.match(silent.sides[0].ends, [{ isDone: false, reason: 'no-answer' }])
  const nowhere = pair({})
  nowhere.sides[0].hasWay = false
  nowhere.begin(FROM_B)
  nowhere.run(MEASURE_ASK_MS + 10)
  t.match(nowhere.sides[0].ends, [{ isDone: false, reason: 'no-way' }])
  t.ok(nowhere.isIdle())
})

t.test('a peer that is not meant, and any bytes, change nothing', async t => {
  const { sides, run, begin } = pair({})
  begin({ ...TO_B, ms: 20_000 })
  run(500)
  const { order } = sides[0].gauge
  fc.assert(
    fc.property(
      fc.constantFrom(A, B, C),
      fc.integer({ min: 8, max: 13 }),
      fc.uint8Array({ maxLength: 40 }),
      (peer, kind, bytes) => sides[0].measuring.handleControl(peer, Uint8Array.of(kind, ...bytes), 500),
    ),
  )
  const stop = Uint8Array.of(12, ...order!.token, 1)
  sides[0].measuring.handleControl(C, stop, 500)
  t.equal(sides[0].gauge.order, order)
  sides[0].measuring.handleControl(B, stop, 500)
  t.equal(sides[0].gauge.order, undefined, 'its peer may end it')
})

t.test('whole peers measure what their data path carries, and a cut ends it', async t => {
  const mesh = new SimMesh({ seed: 5, peers: 2, sealing: 'none' })
  mesh.launchAll(50)
  mesh.run(10_000)
  const peer = mesh.host(1).node.config.identity.peerId
  const ends: MeasureEnd[] = []
  const begin = (question: Partial<MeasureQuestion>) =>
    mesh
      .host(0)
      .input((node, now) =>
        node.measure({ ...TO_B, peer, kbits: 2_000, ms: 2_000, ...question }, end => ends.push(end), now),
      )
  for (const [isSending, way] of [
    [true, 'overlay'],
    [false, 'overlay'],
    [true, 'underlay'],
    [false, 'underlay'],
  ] as const) {
    begin({ isSending, way })
    mesh.run(4_000)
    const end = ends.at(-1)!
    t.match(end, { isDone: true, path: { state: { kind: 'direct' } } })
    if (!end.isDone) continue
    const bits = (end.sent * end.datagramBytes * 8) / 2
    t.ok(bits <= 2_000_000 && bits > 1_900_000, `${bits} bit/s were sent`)
    t.ok(end.counts.received > 0.8 * end.sent && end.counts.received <= end.sent, `${end.counts.received}/${end.sent}`)
    t.ok(end.series.length >= 3)
  }
  begin({ ms: 60_000 })
  mesh.run(1_000)
  mesh.network.partition([0, 1])
  mesh.run(10_000)
  t.match(ends[4], { isDone: false })
  for (const host of [mesh.host(0), mesh.host(1)]) t.notOk(host.node.config.gauge!.isSending)
  t.equal(mesh.host(1).engine.counters()['drop:measure-unasked'], undefined)
})
