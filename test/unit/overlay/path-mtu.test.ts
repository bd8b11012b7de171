import fc from 'fast-check'
import t from 'tap'
import {
  PATH_BYTES_BASE,
  PATH_BYTES_MIN,
  SIZE_CHECK_MS,
  SIZE_PROBES_PER_STEP,
  SIZE_RAISE_FIRST_MS,
  SIZE_RAISE_LAST_MS,
} from '../../../lib/overlay/constants.ts'
import { PathMtu } from '../../../lib/overlay/path-mtu.ts'
import { seededChance } from '../../support/seeded-chance.ts'

const MOST = 1472
const ROUND_TRIP_MS = 20

/** A path of a size that may change, which answers what it carries; on virtual time. */
class World {
  readonly mtu = new PathMtu()
  readonly probes: number[] = []
  now = 0
  carries: number
  loss = 0
  /** Whether something on the way takes a train for one long packet. */
  dropsTrains = false
  /** Whether it passes trains of datagrams that are too long for it: a bridge sees long packets that are cut later. */
  passesTrains = false
  readonly #chance = seededChance(11)
  #answers: { at: number; bytes: number; isTrain: boolean }[] = []

  constructor(carries: number, most = MOST, lessBytes = 0) {
    this.carries = carries
    this.mtu.setRoundTrip(ROUND_TRIP_MS)
    this.mtu.start(most, lessBytes, 0)
    this.#drain()
  }

  use(): void {
    this.mtu.handleLarge(this.now)
    this.#drain()
  }

  back(): void {
    this.mtu.handleBack(this.now)
    this.#drain()
  }

  /** Until `isSo`, with frames every 100 ms if the path is in use; how long it took. */
  until(isSo: () => boolean, limitMs: number, isInUse = false): number | undefined {
    const begun = this.now
    for (; this.now - begun <= limitMs; this.#step(isInUse)) if (isSo()) return this.now - begun
    return undefined
  }

  run(forMs: number, isInUse = false): void {
    const end = this.now + forMs
    while (this.now < end) this.#step(isInUse)
  }

  #step(isInUse: boolean): void {
    this.now += 5
    const due = this.#answers.filter(({ at }) => at <= this.now)
    this.#answers = this.#answers.filter(({ at }) => at > this.now)
    for (const { bytes, isTrain } of due) this.mtu.handleAnswer(bytes, this.now, isTrain)
    const timeout = this.mtu.pollTimeout()
    if (timeout !== undefined && timeout.at <= this.now) this.mtu.handleTimeout(this.now)
    if (isInUse && this.now % 100 === 0) this.mtu.handleLarge(this.now)
    this.#drain()
  }

  #drain(): void {
    for (let output = this.mtu.pollOutput(); output !== undefined; output = this.mtu.pollOutput()) {
      if (output.type !== 'probe') continue
      this.probes.push(output.bytes)
      const isTooLong = output.bytes > this.carries && !(output.isTrain && this.passesTrains)
      if (isTooLong || this.#chance() < this.loss) continue
      if (output.isTrain && this.dropsTrains) continue
      this.#answers.push({ at: this.now + ROUND_TRIP_MS, bytes: output.bytes, isTrain: output.isTrain })
    }
  }
}

const found = (world: World) => () => world.mtu.phase === 'complete'

t.test('begins with what nearly every path carries, and asks once for the most', t => {
  const world = new World(MOST)
  t.equal(world.mtu.bytes, PATH_BYTES_BASE)
  t.equal(world.mtu.isFound, false)
  t.ok(world.until(found(world), 2 * ROUND_TRIP_MS) !== undefined, 'found in one round trip')
  t.same([world.mtu.bytes, world.mtu.isFound], [MOST, true])
  t.same(world.probes, [MOST])
  t.equal(world.mtu.pollTimeout(), undefined, 'there is nothing to raise')
  t.end()
})

t.test('finds what any path carries, to the byte, and never probes more than need be', t => {
  const paths = fc.record({
    carries: fc.integer({ min: PATH_BYTES_MIN, max: 9100 }),
    most: fc.integer({ min: 1300, max: 9000 }),
  })
  fc.assert(
    fc.property(paths, ({ carries, most }) => {
      const world = new World(carries, most)
      const ms = world.until(found(world), 5000)
      return (
        ms !== undefined &&
        world.mtu.bytes === Math.min(carries, most) &&
        Math.max(...world.probes) <= most &&
        ms < 3500
      )
    }),
    { numRuns: 60 },
  )
  t.end()
})

t.test('with a tenth of the datagrams lost it finds no more than the path carries, and mostly that', t => {
  let exact = 0
  const sizes = [600, 700, 1000, 1232, 1252, 1372, 1400, 1452, 1460, 1472]
  for (const carries of sizes) {
    const world = new World(MOST)
    world.loss = 0.1
    world.carries = carries
    world.run(4 * SIZE_RAISE_FIRST_MS, true)
    world.until(found(world), 5000)
    t.ok(world.mtu.bytes <= carries, `${world.mtu.bytes} of ${carries}`)
    if (world.mtu.bytes === carries) exact++
  }
  t.ok(exact >= 8, `${exact} of ${sizes.length}`)
  t.end()
})

t.test('a path that becomes smaller is noticed within a second when it is in use, and goes by the least at once', t => {
  for (const carries of [1452, 1372, 1252, 672, 548]) {
    const world = new World(MOST)
    world.run(3000, true)
    world.carries = carries
    const ms = world.until(() => world.mtu.bytes <= carries, 3000, true)
    t.ok(ms !== undefined && ms <= 2000, `${ms} ms`)
    t.equal(world.mtu.isFound, false)
    t.ok(world.until(found(world), 3000, true) !== undefined)
    t.equal(world.mtu.bytes, carries)
  }
  t.end()
})

t.test('the first frames after a rest are cause for a check; without frames nothing is sent', t => {
  const world = new World(MOST)
  world.run(60_000)
  t.same(world.probes, [MOST])
  world.carries = 1252
  world.use()
  t.same(world.probes, [MOST, MOST, MOST], 'a train and a single one')
  t.ok(world.until(() => world.mtu.bytes <= 1252, 1000) !== undefined)
  t.end()
})

t.test('trains are for paths that carry the most, and for those that were seen to carry one', t => {
  const wide = new World(MOST)
  t.equal(wide.mtu.hasTrains, false)
  wide.until(found(wide), 1000)
  t.equal(wide.mtu.hasTrains, true)
  for (const dropsTrains of [false, true]) {
    const world = new World(1252)
    world.dropsTrains = dropsTrains
    world.until(found(world), 3000)
    t.equal(world.mtu.hasTrains, false)
    world.run(2000, true)
    t.equal(world.mtu.hasTrains, !dropsTrains)
    t.same([world.mtu.bytes, world.mtu.isFound], [1252, true], 'a train that is lost says nothing of sizes')
    world.run(2 * SIZE_RAISE_FIRST_MS, true)
    t.equal(world.mtu.hasTrains, !dropsTrains)
    t.equal(world.mtu.bytes, 1252)
  }
  t.end()
})

t.test('a path that stops carrying trains goes on without them, and has them again when it does', t => {
  for (const carries of [MOST, 1252]) {
    const world = new World(carries)
    world.until(() => found(world)() && world.mtu.hasTrains, 3000)
    world.run(1000, true)
    world.dropsTrains = true
    const ms = world.until(() => !world.mtu.hasTrains, 3000, true)
    t.ok(ms !== undefined && ms <= 2000, `${ms} ms`)
    t.same([world.mtu.bytes, world.mtu.isFound], [carries, true])
    world.run(5000, true)
    t.same([world.mtu.bytes, world.mtu.hasTrains], [carries, false])
    world.dropsTrains = false
    t.ok(world.until(() => world.mtu.hasTrains, 3 * SIZE_RAISE_FIRST_MS, true) !== undefined)
  }
  t.end()
})

t.test('a path that becomes smaller for single datagrams only is noticed, whatever trains do', t => {
  const world = new World(MOST)
  world.passesTrains = true
  world.run(1_000)
  t.equal(world.mtu.hasTrains, true)
  world.carries = 1_372
  const tookMs = world.until(() => world.mtu.bytes < MOST, 3_000, true)
  t.ok(tookMs !== undefined && tookMs <= 1_500, `after ${tookMs} ms`)
  t.ok(world.until(() => found(world)() && world.mtu.bytes === 1_372, 5_000, true) !== undefined)
  world.run(5_000, true)
  t.equal(world.mtu.bytes, 1_372, 'and stays so')
  t.end()
})

t.test('while it is in use it is checked no more than once in a while', t => {
  const world = new World(MOST)
  world.run(10_000, true)
  t.ok(world.probes.length <= 1 + (2 * 10_000) / SIZE_CHECK_MS, String(world.probes.length))
  t.ok(world.probes.length >= 8)
  t.end()
})

t.test('single losses of checks change nothing', t => {
  const world = new World(MOST)
  world.run(2000, true)
  world.loss = 1
  const before = world.probes.length
  world.until(() => world.probes.length > before, 2000, true)
  world.loss = 0
  world.run(2000, true)
  t.same([world.mtu.bytes, world.mtu.isFound], [MOST, true])
  t.end()
})

t.test('a path that becomes larger is found to be so, ever later while it does not', t => {
  const world = new World(1252)
  world.until(found(world), 3000)
  world.carries = MOST
  t.ok(world.until(() => world.mtu.bytes === MOST, SIZE_RAISE_FIRST_MS + 500) !== undefined)
  const small = new World(1252)
  small.run(3000)
  const times: number[] = []
  for (let i = 0; i < 9; i++) {
    const { at } = small.mtu.pollTimeout()!
    times.push(at - small.now)
    small.now = at - 5
    const before = small.probes.length
    small.run(4000)
    t.ok(small.probes.length - before <= 3 * (1 + 3 * SIZE_PROBES_PER_STEP))
    t.same([small.mtu.bytes, small.mtu.isFound], [1252, true], 'meanwhile it goes by what it found')
  }
  t.ok(times.at(-1)! <= SIZE_RAISE_LAST_MS && times.at(-1)! > SIZE_RAISE_LAST_MS - 10_000, times.join())
  t.end()
})

t.test('a path that carries nothing is an error, which is tried again', t => {
  const world = new World(0)
  t.ok(world.until(() => world.mtu.phase === 'error', 2000) !== undefined)
  t.same([world.mtu.bytes, world.mtu.isFound], [PATH_BYTES_MIN, false])
  world.carries = 1300
  t.ok(world.until(found(world), SIZE_RAISE_FIRST_MS + 3000) !== undefined)
  t.equal(world.mtu.bytes, 1300)
  t.end()
})

t.test('a path that answers again is searched at once, and one that was no error stays as it is', t => {
  const world = new World(MOST)
  world.run(1_000)
  world.back()
  t.equal(world.mtu.isFound, true)
  world.carries = 0
  t.ok(world.until(() => world.mtu.phase === 'error', 5_000, true) !== undefined)
  world.carries = MOST
  world.back()
  t.ok(world.until(found(world), 500) !== undefined)
  t.equal(world.mtu.bytes, MOST)
  t.end()
})

t.test('through a relay it begins with less, and after `stop` it is silent', t => {
  const world = new World(1396, 1396, 56)
  t.equal(world.mtu.bytes, PATH_BYTES_BASE - 56)
  world.mtu.stop()
  world.run(5000, true)
  t.equal(world.mtu.bytes, PATH_BYTES_BASE - 56)
  t.equal(world.mtu.pollTimeout(), undefined)
  t.end()
})

t.test('whatever is said when, it goes by no more than the most and no less than the least', t => {
  const inputs = fc.array(fc.tuple(fc.constantFrom('answer', 'train', 'use', 'time'), fc.nat(2000), fc.nat(3000)), {
    maxLength: 60,
  })
  fc.assert(
    fc.property(inputs, said => {
      const mtu = new PathMtu()
      let now = 0
      mtu.start(MOST, 0, now)
      for (const [what, bytes, ms] of said) {
        now += ms
        if (what === 'answer') mtu.handleAnswer(bytes, now)
        else if (what === 'train') mtu.handleAnswer(bytes, now, true)
        else if (what === 'use') mtu.handleLarge(now)
        else mtu.handleTimeout(now)
        let outputs = 0
        for (let output = mtu.pollOutput(); output !== undefined; output = mtu.pollOutput()) {
          outputs++
          if (output.type === 'probe' && (output.bytes > MOST || output.bytes < PATH_BYTES_MIN)) return false
        }
        if (outputs > 4 * SIZE_PROBES_PER_STEP || mtu.bytes > MOST || mtu.bytes < PATH_BYTES_MIN) return false
      }
      return true
    }),
    { numRuns: 300 },
  )
  t.end()
})
