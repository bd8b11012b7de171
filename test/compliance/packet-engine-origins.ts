import type { Test } from 'tap'
import { concatBytes } from '../../lib/base/mod.ts'
import { ROW, ROW_FLAG } from '../../lib/overlay/packet-engine.ts'
import { DATAGRAM_KIND } from '../../lib/wire/datagram.ts'
import { hex, loadVectors } from '../vectors/load.ts'
import {
  craft,
  giveOriginKeys,
  linkUp,
  peerIndex,
  receiveRows,
  sendFrames,
  shortIdOf,
  testFrame,
  withMesh,
  type MakeMesh,
  type SuiteEngine,
  type SuiteMesh,
} from './packet-engine-fixture.ts'

const { key, tag: golden } = loadVectors<{
  key: { key: string }
  tag: { header: string; frame: string; tag: string }
}>('broadcast.json')
const KIND = DATAGRAM_KIND.broadcast
/** In a broadcast's header. */
const [SEQUENCE_AT, SOURCE_AT] = [8, 16]

/** How an engine proves where a broadcast began, and what it says of one that began elsewhere. */
export function originsSuite(t: Test, name: string, makeMesh: MakeMesh): void {
  t.test(`${name}: takes the tag of the vectors for genuine, and any other for none`, t =>
    withMesh(makeMesh, 3, async (mesh, _a, b) => {
      const keys = linkUp(mesh, 0, 1)
      const [header, frame, tag] = [hex(golden.header), hex(golden.frame), hex(golden.tag)]
      b!.control.setPeer(peerIndex(1, 2), header.subarray(SOURCE_AT))
      const copy = (given: Uint8Array, passesOnly = 0) =>
        concatBytes(header.with(7, passesOnly), given, new Uint8Array(4), frame)
      let counter = 1n
      const take = async (plaintext: Uint8Array) => {
        await mesh.strangerSend(b!.endpoint, craft(keys.forward, keys.secondIndex, counter++, plaintext))
        return (await receiveRows(b!))[0]?.columns
      }
      const isProved = (row: Int32Array | undefined) => row !== undefined && (row[ROW.flags]! & ROW_FLAG.unproved) === 0
      t.notOk(isProved(await take(copy(tag))), 'without keys nothing is proved')
      b!.control.setOriginKeys(peerIndex(1, 2), new Uint8Array(16), hex(key.key))
      for (let bit = 0; bit < 64; bit += 7)
        t.notOk(isProved(await take(copy(tag.with(bit >> 3, tag[bit >> 3]! ^ (1 << (bit & 7)))))))
      const row = await take(copy(tag, 1))
      t.ok(isProved(row), 'whether or not the receiver only passes on')
      t.equal(row?.[ROW.originPeer], peerIndex(1, 2))
      t.notOk(isProved(await take(copy(tag))), 'once')
      b!.control.setOriginKeys(peerIndex(1, 2), new Uint8Array(16), hex(key.key))
      t.ok(isProved(await take(copy(tag))), 'new keys come with a window of their own')
    }),
  )

  t.test(`${name}: who passes a broadcast on can change nothing of it, and not send it again`, t =>
    line(makeMesh, async (mesh, { send, passOn, received }) => {
      const [, m] = mesh.engines
      const change: [string, (at: { header: number; frame: number; entry: number }) => void][] = [
        ['the frame', ({ frame }) => flip(m!, frame + 20)],
        ['a flag', ({ header }) => flip(m!, header + 1)],
        ['the GSO size', ({ header }) => flip(m!, header + 2)],
        ['where the checksum starts', ({ header }) => flip(m!, header + 4)],
        ['where the checksum is', ({ header }) => flip(m!, header + 6)],
        ['the sequence', ({ header }) => flip(m!, header + SEQUENCE_AT)],
        ['the lane', ({ header }) => flip(m!, header + SEQUENCE_AT + 7)],
        ['the source', ({ header }) => m!.lane.slab.set(shortIdOf(3), header + SOURCE_AT)],
        ['the tag', ({ entry }) => flip(m!, entry + 10)],
        ['no tag', ({ entry }) => m!.lane.slab.fill(0, entry + 10, entry + 18)],
        ['the tag of another', ({ entry }) => m!.lane.slab.copyWithin(entry + 10, entry + 28, entry + 36)],
      ]
      for (const [what, forge] of change) {
        const at = await send()
        const genuine = [at.header, at.frame].map(from => m!.lane.slab.slice(from, from + 72))
        forge(at)
        passOn(at)
        t.not(await received(), 'proved', what)
        m!.lane.slab.set(genuine[0]!, at.header)
        m!.lane.slab.set(genuine[1]!, at.frame)
        passOn(at)
        t.equal(await received(), 'proved', 'the true one arrives all the same')
        passOn(at)
        t.equal(await received(), 'unproved', 'and no second time')
      }
    }),
  )

  t.test(`${name}: broadcasts that overtake each other are all genuine; those from before the window are not`, t =>
    line(makeMesh, async (_mesh, { send, passOn, received }) => {
      for (const sequence of [10, 5, 9_000, 8_999, 2 ** 40, 2 ** 40 - 8_000]) {
        passOn(await send(sequence))
        t.equal(await received(), 'proved', `${sequence}`)
      }
      for (const sequence of [5, 2 ** 40 - 8_200, 2 ** 40]) {
        passOn(await send(sequence))
        t.equal(await received(), 'unproved', `${sequence}`)
      }
    }),
  )

  t.test(`${name}: what its source sends itself needs no tag, only its session`, t =>
    withMesh(makeMesh, 2, async (mesh, a, b) => {
      linkUp(mesh, 0, 1)
      a!.lane.ways.set([peerIndex(0, 1), 0])
      for (let times = 0; times < 2; times++) {
        await sendFrames(a!, peerIndex(0, 1), [testFrame(90)], { kind: KIND, wayAt: -1, sequence: 7 })
        t.equal((await receiveRows(b!))[0]?.columns[ROW.flags], 0)
      }
    }),
  )
}

interface Place {
  readonly header: number
  readonly frame: number
  /** Of the receiver, in the list that the peer in the middle got. */
  readonly entry: number
}

interface Line {
  /** The source sends a frame to the middle, whose slab has it then. */
  send(sequence?: number): Promise<Place>
  /** The middle sends what its slab has now to the receiver. */
  passOn(at: Place): void
  received(): Promise<string>
}

/** A source, one in the middle, and two receivers behind that, of which the first is asked. */
function line(makeMesh: MakeMesh, use: (mesh: SuiteMesh, line: Line) => Promise<void>): Promise<void> {
  return withMesh(makeMesh, 4, async (mesh, a, m, c) => {
    linkUp(mesh, 0, 1)
    linkUp(mesh, 1, 2)
    giveOriginKeys(mesh)
    a!.lane.ways.set([peerIndex(0, 1), 2, peerIndex(0, 2), 0, peerIndex(0, 3), 0])
    let next = 0
    await use(mesh, {
      async send(sequence = next++) {
        await sendFrames(a!, peerIndex(0, 1), [testFrame(100)], { kind: KIND, wayAt: -1, sequence })
        const [row] = await receiveRows(m!)
        if (row === undefined) throw new Error('nothing came to the middle')
        const entry = row.columns[ROW.wayAt]!
        return { header: entry - 36, frame: row.columns[ROW.offset]!, entry }
      },
      passOn({ entry }) {
        m!.lane.sends.set([0, peerIndex(1, 2), KIND, entry, 0, 0])
        m!.lane.send(1)
      },
      async received() {
        const [row] = await receiveRows(c!)
        if (row === undefined) return 'nothing'
        return (row.columns[ROW.flags]! & ROW_FLAG.unproved) === 0 ? 'proved' : 'unproved'
      },
    })
  })
}

function flip(engine: SuiteEngine, at: number): void {
  engine.lane.slab[at]! ^= 1
}
