import t from 'tap'
import { LINK_BUFFER_BYTES_MAX } from '../../../lib/io/link-socket.ts'
import { seededChance } from '../../support/seeded-chance.ts'
import { SimClock } from '../../support/sim-clock.ts'
import { SimNetwork, endpointAt } from '../../support/sim-network.ts'
import { BACKLOG_HIGH_BYTES, BACKLOG_LOW_BYTES, type SimSite, type StreamEnd } from '../../support/sim-stream.ts'

const LINE_BYTES_PER_SECOND = 1_000_000
const PIECE_BYTES = 10_000

class Site implements SimSite {
  readonly number: number
  readonly isUp = true
  readonly life = 1
  readonly clock: SimClock
  end: StreamEnd | undefined
  received = 0
  closedAt: number | undefined
  lastByteAt = 0
  readonly backlogs: { at: number; isBehind: boolean; bytes: number }[] = []

  constructor(number: number, clock: SimClock) {
    this.number = number
    this.clock = clock
  }

  handleAccepted(end: StreamEnd): void {
    this.end = end
  }

  handleStreamBytes(_end: StreamEnd, bytes: Uint8Array): void {
    this.received += bytes.length
    this.lastByteAt = this.clock.now
  }

  handleStreamClosed(): void {
    this.closedAt = this.clock.now
  }

  handleStreamBacklog(end: StreamEnd, isBehind: boolean): void {
    this.backlogs.push({ at: this.clock.now, isBehind, bytes: end.backlogBytes })
  }

  handleDatagram(): void {
    // None are sent.
  }
}

function linked(bytesPerSecond: number | undefined) {
  const clock = new SimClock()
  const network = new SimNetwork(clock, seededChance(1))
  network.bytesPerSecond = () => bytesPerSecond
  const [near, far] = [new Site(0, clock), new Site(1, clock)] as const
  network.add(near)
  network.add(far)
  network.dial(near, endpointAt(1), result => {
    if (typeof result !== 'string') near.end = result
  })
  clock.runTo(1_000)
  const write = (bytes: number) => {
    for (let left = bytes; left > 0; left -= PIECE_BYTES)
      network.send(near.end!, new Uint8Array(Math.min(left, PIECE_BYTES)))
  }
  return { clock, network, near, far, write }
}

t.test('a line takes so many bytes per second, and none of them is lost', async t => {
  const { clock, near, far, write } = linked(LINE_BYTES_PER_SECOND)
  write(3_000_000)
  clock.runTo(2_000)
  t.ok(Math.abs(far.received - LINE_BYTES_PER_SECOND) <= 50_000, `${far.received} bytes after a second`)
  clock.runTo(10_000)
  t.equal(far.received, 3_000_000)
  t.ok(far.lastByteAt >= 4_000 && far.lastByteAt < 4_100, `the last at ${far.lastByteAt} ms`)
  t.equal(near.end!.backlogBytes, 0)
})

t.test('without a limit nothing waits, and the node hears nothing', async t => {
  const { clock, network, near, far, write } = linked(undefined)
  write(3 * LINK_BUFFER_BYTES_MAX)
  clock.runTo(1_200)
  t.equal(far.received, 3 * LINK_BUFFER_BYTES_MAX)
  t.same(near.backlogs, [])
  t.equal(network.slowPeers, 0)
})

t.test('tells the sender once when much waits, and once when that has left', async t => {
  const { clock, near, write } = linked(LINE_BYTES_PER_SECOND)
  write(BACKLOG_HIGH_BYTES)
  clock.runTo(1_001)
  t.same(near.backlogs, [], 'the mark itself is not crossed')
  write(200_000)
  clock.runTo(1_002)
  t.match(near.backlogs, [{ at: 1_001, isBehind: true }])
  clock.runTo(5_000)
  t.equal(near.backlogs.length, 2)
  const [, drained] = near.backlogs
  t.equal(drained!.isBehind, false)
  t.ok(drained!.bytes < BACKLOG_LOW_BYTES && drained!.bytes > BACKLOG_LOW_BYTES - 2 * PIECE_BYTES, `${drained!.bytes}`)
})

t.test('a stream whose sender writes more than it can hold back ends on both sides', async t => {
  const { clock, network, near, far, write } = linked(LINE_BYTES_PER_SECOND)
  write(LINK_BUFFER_BYTES_MAX)
  t.equal(network.slowPeers, 0)
  write(PIECE_BYTES)
  write(PIECE_BYTES)
  t.equal(network.slowPeers, 1, 'counted once')
  t.equal(near.closedAt, undefined, 'not from within the write')
  clock.runTo(1_200)
  t.equal(near.closedAt, 1_000)
  t.ok(far.closedAt! > 1_000 && far.closedAt! < 1_100)
  t.equal(network.streams, 0)
  t.notOk(near.backlogs.some(({ isBehind }) => !isBehind))
})
