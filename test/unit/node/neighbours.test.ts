import t from 'tap'
import { Beat } from '../../../lib/base/mod.ts'
import type { Endpoint } from '../../../lib/address/mod.ts'
import { FAILED_INBOUND_MAX } from '../../../lib/node/constants.ts'
import type { Admission, NeighboursOutput } from '../../../lib/node/neighbour.ts'
import { Neighbours } from '../../../lib/node/neighbours.ts'
import { GOODBYE_CODE, type Hello } from '../../../lib/wire/mod.ts'
import { seededEntropy } from '../../support/sim-randomness.ts'
import { helloOf, identity, secretOf, suite } from '../peer/link-pair.ts'

const AT = '192.0.2.1:6783' as Endpoint

/** The links of one peer, what they said, and what they wrote for each connection. */
class Side {
  readonly neighbours: Neighbours
  readonly said: Exclude<NeighboursOutput, { type: 'write' }>[] = []
  readonly written = new Map<number, Uint8Array[]>()
  admission: Admission = { admitted: true }
  incarnation = 1

  constructor(name: string, secret = 7) {
    const who = identity(name)
    const entropy = seededEntropy(`side ${name}`)
    this.neighbours = new Neighbours({
      self: who.peerId,
      configOf: role => ({
        role,
        suite,
        entropy,
        beat: new Beat(() => 0),
        staticKey: who.exchangeKey,
        secrets: [secretOf(secret)],
        hello: { ...helloOf(who, name), incarnation: new Uint8Array(8).fill(this.incarnation) } satisfies Hello,
      }),
      admit: () => this.admission,
    })
  }

  drain(): void {
    for (let output = this.neighbours.pollOutput(); output !== undefined; output = this.neighbours.pollOutput())
      if (output.type === 'write')
        this.written.set(output.connection, [...(this.written.get(output.connection) ?? []), output.bytes])
      else this.said.push(output)
  }

  take(connection: number): Uint8Array | undefined {
    this.drain()
    const bytes = this.written.get(connection)
    this.written.delete(connection)
    return bytes && Uint8Array.from(Buffer.concat(bytes))
  }

  all<T extends NeighboursOutput['type']>(type: T): Extract<NeighboursOutput, { type: T }>[] {
    return this.said.filter(output => output.type === type) as Extract<NeighboursOutput, { type: T }>[]
  }
}

/** Streams between two sides; each has the same number at both. */
class Wire {
  readonly #streams = new Set<number>()
  readonly #from: Side
  readonly #to: Side

  constructor(from: Side, to: Side) {
    this.#from = from
    this.#to = to
  }

  open(connection: number, isReverse = false, now = 0): this {
    this.#streams.add(connection)
    this.#from.neighbours.open(connection, !isReverse, AT, now)
    this.#to.neighbours.open(connection, isReverse, AT, now)
    return this
  }

  /** Carries until nothing moves; closes are carried too, behind the bytes. */
  settle(now = 0): void {
    for (let moved = true; moved;) {
      moved = false
      for (const connection of this.#streams)
        for (const [near, far] of [
          [this.#from, this.#to],
          [this.#to, this.#from],
        ] as const) {
          const bytes = near.take(connection)
          if (bytes !== undefined) {
            far.neighbours.handleBytes(connection, bytes, now)
            moved = true
          }
        }
    }
    for (const [near, far] of [
      [this.#from, this.#to],
      [this.#to, this.#from],
    ] as const) {
      near.drain()
      for (const { connection } of near.all('close')) far.neighbours.handleClosed(connection, now)
      far.drain()
    }
  }
}

/** The two names so that the first has the smaller id. */
function inOrder(): [string, string] {
  return identity('ada').peerId < identity('bob').peerId ? ['ada', 'bob'] : ['bob', 'ada']
}

function pair(): { smaller: Side; larger: Side; wire: Wire } {
  const [one, other] = inOrder()
  const smaller = new Side(one)
  const larger = new Side(other)
  return { smaller, larger, wire: new Wire(smaller, larger) }
}

t.test('a link that is up makes a neighbour on both sides', t => {
  const { smaller, larger, wire } = pair()
  wire.open(1).settle()
  t.equal(smaller.neighbours.count, 1)
  t.equal(larger.neighbours.count, 1)
  t.match(smaller.neighbours.neighbours[0], { connection: 1, isOutbound: true, peerId: identity(inOrder()[1]).peerId })
  t.end()
})

for (const [first, second] of [
  [1, 2],
  [2, 1],
] as const)
  t.test(`of two links begun by different sides that of the smaller id survives (it is number ${first})`, t => {
    const { smaller, larger, wire } = pair()
    for (const connection of [1, 2]) wire.open(connection, connection === second)
    wire.settle()
    t.same(
      [smaller, larger].map(side => side.neighbours.neighbours.map(({ connection }) => connection)),
      [[first], [first]],
    )
    t.same(
      [smaller, larger].map(side => side.neighbours.connections.length),
      [1, 1],
    )
    t.end()
  })

t.test('of two links begun by one side both keep the same one', t => {
  for (const isReverse of [false, true]) {
    const { smaller, larger, wire } = pair()
    wire.open(1, isReverse).open(2, isReverse).settle()
    const kept = [smaller, larger].map(side => side.neighbours.neighbours.map(({ connection }) => connection))
    t.equal(kept[0]?.length, 1, 'one is kept')
    t.same(kept[0], kept[1], 'the same one')
  }
  t.end()
})

t.test('a second link to a peer that has restarted replaces the first', t => {
  const { smaller, larger, wire } = pair()
  wire.open(1).settle()
  larger.incarnation = 2
  const again = new Side(inOrder()[1])
  again.incarnation = 2
  const newWire = new Wire(smaller, again)
  newWire.open(2).settle()
  t.same(
    smaller.neighbours.neighbours.map(({ connection }) => connection),
    [2],
  )
  t.equal(smaller.all('down').length, 1)
  t.end()
})

t.test('a dial to oneself is told, and counts as no failed attempt', t => {
  const one = new Side('ada')
  one.neighbours.open(1, true, AT, 0)
  one.neighbours.open(2, false, AT, 0)
  for (let i = 0; i < 6; i++)
    for (const [near, far] of [
      [1, 2],
      [2, 1],
    ] as const) {
      const bytes = one.take(near)
      if (bytes !== undefined) one.neighbours.handleBytes(far, bytes, 0)
    }
  one.drain()
  t.ok(one.all('ourself').some(({ connection }) => connection === 1))
  t.equal(one.neighbours.count, 0)
  t.same(one.neighbours.failedInbound(0), [])
  t.match(
    one.all('ended').map(({ code }) => code),
    [GOODBYE_CODE.ourself],
  )
  t.end()
})

t.test('another process with this identity is told apart from a dial to oneself', t => {
  const one = new Side('ada')
  const copy = new Side('ada')
  copy.incarnation = 9
  new Wire(one, copy).open(1).settle()
  const text = [...one.all('ended'), ...copy.all('ended')].map(({ error }) => error).join()
  t.match(text, /a state directory was copied/)
  t.equal(one.neighbours.count + copy.neighbours.count, 0)
  t.end()
})

t.test('who is not admitted hears why, and no neighbour comes or goes', t => {
  const { smaller, larger, wire } = pair()
  larger.admission = { admitted: false, code: GOODBYE_CODE.otherMesh, text: 'two different meshes' }
  wire.open(1).settle()
  t.match(smaller.all('ended'), [{ code: GOODBYE_CODE.otherMesh, error: 'two different meshes', isOutbound: true }])
  t.match(larger.neighbours.failedInbound(0), [{ error: 'two different meshes' }])
  t.equal(larger.neighbours.count, 0)
  t.same(larger.all('up'), [])
  t.end()
})

t.test('a connection that is given up to be made anew is no failed attempt', t => {
  const { smaller, larger, wire } = pair()
  larger.admission = { admitted: false, code: GOODBYE_CODE.rejoin, text: '' }
  wire.open(1).settle()
  t.match(smaller.all('ended'), [{ code: GOODBYE_CODE.rejoin }])
  t.same(larger.neighbours.failedInbound(0), [])
  t.end()
})

t.test('garbage ends its own connection only, and a bounded number of sources is remembered', t => {
  const { smaller, larger, wire } = pair()
  wire.open(1).settle()
  for (let i = 0; i < 3 * FAILED_INBOUND_MAX; i++) {
    larger.neighbours.open(100 + i, false, `198.51.100.${i}:999` as Endpoint, 0)
    larger.neighbours.handleBytes(100 + i, new TextEncoder().encode('GET / HTTP/1.1\r\n'), 0)
  }
  larger.drain()
  t.equal(larger.neighbours.count, 1)
  t.equal(smaller.neighbours.count, 1)
  t.equal(larger.neighbours.connections.length, 1)
  t.equal(larger.neighbours.failedInbound(0).length, FAILED_INBOUND_MAX)
  t.equal(larger.all('ended').filter(({ reason }) => reason === 'not-weave').length, 3 * FAILED_INBOUND_MAX)
  t.end()
})

t.test('bytes and closes for connections that are gone change nothing', t => {
  const one = new Side('ada')
  one.neighbours.handleBytes(5, Uint8Array.of(1), 0)
  one.neighbours.handleClosed(5, 0)
  one.drain()
  t.same(one.said, [])
  t.equal(one.neighbours.pollTimeout(), undefined)
  t.end()
})
