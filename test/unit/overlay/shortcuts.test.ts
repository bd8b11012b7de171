import t from 'tap'
import { LARGE_FRAME_BYTES, LARGE_TOLD_MS, MAC_FORMER_MS } from '../../../lib/overlay/constants.ts'
import { MAC_LOCAL } from '../../../lib/overlay/mac-table.ts'
import { ROW_FLAG } from '../../../lib/overlay/packet-engine.ts'
import { EVERYBODY, MAC_A, MAC_B, broadcast, frame, setUp } from './forwarder-fixture.ts'

const NONE = -1

/** MAC_A is here, MAC_B at peer 3; nothing was told of it yet. */
function known() {
  const net = setUp()
  net.inward({ frame: frame(MAC_A, MAC_B), from: 3 })
  net.out({ frame: frame(EVERYBODY, MAC_A) })
  net.lane.forgetShortcuts()
  return net
}

/** Row, peer, milliseconds, and those for large frames, of each that was told. */
function told({ lane }: ReturnType<typeof setUp>) {
  return lane.shortcuts.map(([row, peer, , , , , validMs, largeMs]) => [row, peer, validMs, largeMs])
}

t.test('tells of a frame to one peer, until the second ends', async t => {
  const net = known()
  net.outAt(1_400, { frame: frame(MAC_B, MAC_A) }, { frame: frame(MAC_B, MAC_A) })
  t.same(told(net), [[0, 3, 600, 0]], 'once for all that are like it')
  const [, , word, value, otherWord, otherValue] = net.lane.shortcuts[0]!
  t.equal(net.macs.witness(0x0200, MAC_A % 2 ** 32, MAC_LOCAL, 1), word)
  t.equal(net.macs.witnessed, value)
  t.equal(net.macs.witness(0x0200, MAC_B % 2 ** 32, 3, 1), otherWord)
  t.equal(net.macs.witnessed, otherValue)
})

t.test('tells of a frame for the own bridge', async t => {
  const net = known()
  net.inAt(1_250, { frame: frame(MAC_A, MAC_B), from: 3 })
  t.same(told(net), [[0, NONE, 750, 0]])
  const [, , word, , otherWord] = net.lane.shortcuts[0]!
  t.equal(net.macs.witness(0x0200, MAC_B % 2 ** 32, 3, 1), word)
  t.equal(otherWord, NONE)
})

t.test('tells how long nobody has to hear of large frames again', async t => {
  const net = known()
  const long = new Uint8Array(LARGE_FRAME_BYTES + 1)
  long.set(frame(MAC_B, MAC_A).subarray(0, 14))
  net.outAt(1_100, { frame: frame(MAC_B, MAC_A) }, { frame: long })
  t.same(told(net), [
    [0, 3, 900, 0],
    [1, 3, 900, LARGE_TOLD_MS - 100],
  ])
  t.same(net.large, [3])
})

t.test('tells of nothing that is flooded, passed on, for somebody unknown, or seen here first', async t => {
  const net = known()
  net.out({ frame: frame(EVERYBODY, MAC_A) }, { frame: frame(0x0200_0000_0099, MAC_A) })
  net.inward({ frame: frame(EVERYBODY, MAC_B), from: 3 }, broadcast(1, 3), {
    frame: frame(MAC_A, 0x0200_0000_0077),
    from: 3,
  })
  net.inward({ frame: frame(MAC_A, MAC_B), from: 3, flags: ROW_FLAG.bridgeControl })
  t.same(told(net), [])
})

t.test('tells of nothing for a peer that cannot be reached, or an address that moved of late', async t => {
  const net = known()
  net.forwarder.setTable({ ...net.table, reachable: [1, 2] })
  net.out({ frame: frame(MAC_B, MAC_A) })
  t.same(told(net), [])
  net.forwarder.setTable(net.table)
  net.inAt(1_500, { frame: frame(MAC_A, MAC_B), from: 2 })
  net.outAt(1_500 + MAC_FORMER_MS, { frame: frame(MAC_B, MAC_A) })
  t.same(told(net), [], 'who had it before is asked now and then')
})

t.test('has what was told forgotten with another table, a peer that goes, and a sample that begins', async t => {
  const net = known()
  const asks = [
    () => net.forwarder.setTable(net.table),
    () => net.forwarder.forgetPeer(1),
    () => net.forwarder.samples.begin(7, () => 0, 1_000),
  ]
  for (const ask of asks) {
    net.out({ frame: frame(MAC_B, MAC_A) })
    t.equal(told(net).length, 1)
    ask()
    t.equal(told(net).length, 0)
  }
  net.out({ frame: frame(MAC_B, MAC_A) })
  net.inward({ frame: frame(MAC_A, MAC_B), from: 3 })
  t.same(told(net), [], 'while a sample is taken the switch sees all')
  net.forwarder.samples.end(7)
  net.out({ frame: frame(MAC_B, MAC_A) })
  t.equal(told(net).length, 1)
})
