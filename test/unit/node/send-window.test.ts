import t from 'tap'
import {
  DATAGRAM_DELAY_MS,
  DATAGRAM_WINDOW_FIRST_BYTES,
  DATAGRAM_WINDOW_MAX_BYTES,
  DATAGRAM_WINDOW_MIN_BYTES,
} from '../../../lib/node/constants.ts'
import { SendWindow } from '../../../lib/node/send-window.ts'

const PIECE = 16_000

/** A line of so many bytes per ms, full of what the window lets through. */
class Line {
  readonly window = new SendWindow()
  readonly #rate: number
  readonly #rttMs: number
  readonly #underWay: { readonly at: number; readonly total: number }[] = []
  #now = 0
  #freeAt = 0
  sent = 0
  /** The longest that anything waited for the line since this was last set to 0. */
  waitedMs = 0

  constructor(rate: number, rttMs: number) {
    this.#rate = rate
    this.#rttMs = rttMs
  }

  run(forMs: number): void {
    for (const until = this.#now + forMs; this.#now < until; this.#now++) {
      for (let due = this.#underWay[0]; due !== undefined && due.at <= this.#now; due = this.#underWay[0]) {
        this.#underWay.shift()
        this.window.handleTaken(due.total % 2 ** 32, this.#now)
      }
      while (this.window.hasRoom(PIECE)) {
        this.window.noteSent(PIECE, this.#now)
        this.sent += PIECE
        this.#freeAt = Math.max(this.#freeAt, this.#now) + PIECE / this.#rate
        this.waitedMs = Math.max(this.waitedMs, this.#freeAt - this.#now)
        this.#underWay.push({ at: this.#freeAt + this.#rttMs, total: this.sent })
      }
    }
  }
}

t.test('grows while what is sent is taken at once, and holds no more than its bound', t => {
  const line = new Line(100_000, 20)
  t.equal(line.window.bytes, DATAGRAM_WINDOW_FIRST_BYTES)
  line.run(2_000)
  t.equal(line.window.bytes, DATAGRAM_WINDOW_MAX_BYTES)
  t.ok(line.sent >= 0.7 * 2_000 * (DATAGRAM_WINDOW_MAX_BYTES / 20), `${line.sent} bytes`)
  t.end()
})

t.test('keeps the queue of a slow line short, and the line busy', t => {
  const line = new Line(1_000, 40)
  line.run(5_000)
  const before = line.sent
  line.waitedMs = 0
  line.run(60_000)
  t.ok(line.waitedMs <= 4 * DATAGRAM_DELAY_MS, `${line.waitedMs} ms at most`)
  t.ok(line.sent - before >= 0.85 * 60_000 * 1_000, `${line.sent - before} bytes went`)
  t.end()
})

t.test('never shuts: one message may always go when nothing is under way', t => {
  const line = new Line(16, 100)
  line.run(500_000)
  t.ok(line.window.bytes <= 2 * DATAGRAM_WINDOW_MIN_BYTES, `${line.window.bytes} bytes`)
  t.ok(line.sent >= 0.9 * 16 * 500_000, `${line.sent} bytes went`)
  const fresh = new SendWindow()
  t.equal(fresh.hasRoom(DATAGRAM_WINDOW_MAX_BYTES), true)
  fresh.noteSent(DATAGRAM_WINDOW_MAX_BYTES, 0)
  t.equal(fresh.hasRoom(1), false)
  t.end()
})

t.test('takes no word of more than was sent, nor of less than before, and counts on beyond 32 bits', t => {
  const window = new SendWindow()
  window.noteSent(1_000, 0)
  t.equal(window.handleTaken(1_001, 1), false)
  t.equal(window.handleTaken(600, 1), true)
  t.equal(window.handleTaken(599, 1), false)
  t.equal(window.handleTaken(600, 1), true)
  t.equal(window.handleTaken(1_000, 1), true)
  const long = new SendWindow()
  let total = 0
  for (let i = 0; i < 5_000; i++) {
    long.noteSent(1_000_000, i)
    total += 1_000_000
    if (!long.handleTaken(total % 2 ** 32, i)) t.fail(`after ${total} bytes`)
  }
  t.end()
})
