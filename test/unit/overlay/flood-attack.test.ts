import t from 'tap'
import { endpointOf } from '../../../lib/address/mod.ts'
import { Forwarder } from '../../../lib/overlay/forwarder.ts'
import { MacTable } from '../../../lib/overlay/mac-table.ts'
import { ROW } from '../../../lib/overlay/packet-engine.ts'
import type { SwitchNotice } from '../../../lib/overlay/switch-notice.ts'
import { DATAGRAM_KIND } from '../../../lib/wire/datagram.ts'
import { acquaint } from '../../support/engine-pair.ts'
import { ethernetFrame } from '../../support/frames.ts'
import { MemoryEngine } from '../../support/memory-engine.ts'

const EVERYBODY = 0xffff_ffff_ffff
const MAC = 0x0200_0000_0001
const NAMES = ['source', 'middle', 'receiver', 'behind'] as const
const [SOURCE, MIDDLE, RECEIVER, BEHIND] = [0, 1, 2, 3]

/** A line of four hosts. All but the one in the middle switch as they should; that one is in the test's hands. */
function line() {
  const places = new Map<string, MemoryEngine>()
  const notices: SwitchNotice[][] = NAMES.map(() => [])
  const hosts = NAMES.map((name, self) => {
    const endpoint = { ip: Uint8Array.of(10, 0, 0, self + 1), port: 6783 }
    const engine = new MemoryEngine({
      onDatagram: (bytes, to) => places.get(endpointOf(to.ip, to.port))?.receiveDatagram(bytes, endpoint),
    })
    places.set(endpointOf(endpoint.ip, endpoint.port), engine)
    const macs = new MacTable(new ArrayBuffer(MacTable.bytesFor(256)))
    const forwarder = new Forwarder(engine, macs, {
      onControl: () => undefined,
      onControlFlood: () => undefined,
      onMoved: () => undefined,
      onWanted: () => undefined,
      onLarge: () => undefined,
      onSpoofed: () => undefined,
      onNotice: notice => notices[self]!.push(notice),
      onGroupFrame: () => true,
    })
    return { name, engine, endpoint, macs, forwarder }
  })
  for (const [self, { engine, forwarder }] of hosts.entries()) {
    engine.setSelf(new Uint8Array(8).fill(self + 1))
    const adjacent = hosts.flatMap((_, other) => (Math.abs(other - self) === 1 ? [other] : []))
    for (const [peer, far] of hosts.entries()) {
      if (peer === self) continue
      acquaint(engine, self, peer, adjacent.includes(peer) ? far.endpoint : undefined)
    }
    // The tree of the source; those of the others play no part.
    const tree = self === SOURCE ? Int32Array.of(MIDDLE, 2, RECEIVER, 1, BEHIND, 0) : new Int32Array(0)
    forwarder.setTable({ selfIndex: self, tree, adjacent, reachable: adjacent, owners: undefined })
  }
  const [source, middle, receiver, behind] = hosts as [Host, Host, Host, Host]
  type Host = (typeof hosts)[number]
  const settle = () => {
    while (receiver.forwarder.inbound(1000) + behind.forwarder.inbound(1000) > -2);
  }
  return {
    receiver,
    behind,
    notices: notices[RECEIVER]!,
    /** The source floods a frame; where the middle's slab has it. */
    flood(mark: number) {
      source.engine.pushTap(ethernetFrame(EVERYBODY, MAC, new Uint8Array(46).fill(mark)))
      source.forwarder.outbound(1000)
      middle.engine.udpRead()
      const { rows, slab } = middle.engine
      const entry = rows[ROW.wayAt]!
      const copy = slab.slice()
      return { slab, header: entry - 36, entry, frame: rows[ROW.offset]!, restore: () => slab.set(copy) }
    },
    /** What the middle has in its slab goes to the receiver. */
    passOn(entry: number) {
      middle.engine.sends.set([0, RECEIVER, DATAGRAM_KIND.broadcast, entry, 0, 0])
      middle.engine.send(1)
      settle()
    },
    taken: () => [receiver, behind].map(({ engine }) => engine.takeTap().map(frame => frame[20])),
    known: () => [receiver, behind].map(({ macs }) => macs.entries(1).length),
  }
}

const FRAME_BYTES = 60

t.test('a member between two others invents, changes, repeats and cuts broadcasts in vain', async t => {
  const world = line()
  type Flooded = ReturnType<typeof world.flood>
  const attacks: [string, (at: Flooded) => void][] = [
    ['invents a frame', ({ slab, frame }) => slab.fill(0xee, frame + 14, frame + FRAME_BYTES)],
    ['changes one byte', ({ slab, frame }) => (slab[frame + 30]! ^= 1)],
    ['names another MAC address', ({ slab, frame }) => slab.set([2, 0, 0, 0, 0, 0x99], frame + 6)],
    ['gives it another sequence', ({ slab, header }) => (slab[header + 8]! += 1)],
    ['gives it a sequence far ahead', ({ slab, header }) => (slab[header + 12] = 0x7f)],
    ['says that it began behind the receiver', ({ slab, header }) => slab.fill(BEHIND + 1, header + 16, header + 24)],
    ['says that it began at the receiver', ({ slab, header }) => slab.fill(RECEIVER + 1, header + 16, header + 24)],
    ['takes the tag away', ({ slab, entry }) => slab.fill(0, entry + 10, entry + 18)],
    ['gives the tag of another', ({ slab, entry }) => slab.copyWithin(entry + 10, entry + 28, entry + 36)],
  ]
  for (const [attempt, [what, forge]] of attacks.entries()) {
    const at = world.flood(attempt)
    forge(at)
    world.passOn(at.entry)
    t.same(world.taken(), [[], []], `${what}: nothing is delivered`)
    t.same(world.known(), attempt === 0 ? [0, 0] : [1, 1], 'nor learned')
    at.restore()
    world.passOn(at.entry)
    t.same(world.taken(), [[attempt], [attempt]], "the true source's frame arrives all the same")
    world.passOn(at.entry)
    t.same(world.taken(), [[], []], 'and once')
  }
  const { 'drop:flood-origin': dropped = 0, 'drop:unknown-origin': unknown = 0 } = world.receiver.engine.counters()
  t.equal(dropped + unknown, 2 * attacks.length)
  t.ok(unknown <= 1)
  t.match(world.notices, [{ kind: 'flood-origin', origin: SOURCE, neighbour: MIDDLE }])
})

t.test('who cuts or reorders the way of a frame only withholds it', async t => {
  const world = line()
  const cut = world.flood(1)
  cut.slab.set([0, 0], cut.entry)
  world.passOn(cut.entry)
  t.same(world.taken(), [[1], []], 'nobody behind gets what is cut off')
  const swapped = world.flood(2)
  const [first, second] = [0, 18].map(offset =>
    swapped.slab.slice(swapped.entry + offset + 2, swapped.entry + offset + 18),
  )
  swapped.slab.set(second!, swapped.entry + 2)
  swapped.slab.set(first!, swapped.entry + 20)
  world.passOn(swapped.entry)
  t.same(world.taken(), [[], []])
  swapped.restore()
  world.passOn(swapped.entry)
  t.same(world.taken(), [[2], [2]])
})

t.test('thousands of invented frames take nothing of what the true source may have flooded', async t => {
  const world = line()
  const at = world.flood(0)
  world.passOn(at.entry)
  t.same(world.taken(), [[0], [0]])
  for (let i = 0; i < 2_000; i++) {
    at.slab[at.frame + 20] = i
    at.slab[at.header + 9] = i
    world.passOn(at.entry)
  }
  t.same(world.taken(), [[], []])
  for (let mark = 1; mark < 100; mark++) {
    world.passOn(world.flood(mark).entry)
    t.same(world.taken(), [[mark], [mark]])
  }
})
