import t from 'tap'
import { UNPROVED_MAX } from '../../../lib/ipam/constants.ts'
import { makeTakeover } from '../../../lib/ipam/takeover-record.ts'
import { WaitingPages } from '../../../lib/ipam/waiting-pages.ts'
import { fromHex } from '../../../lib/base/bytes.ts'
import { encodeAcks } from '../../../lib/ipam/acks-record.ts'
import { MESH_ID, cidr, giver, ipam, peer, record, suite, takenOver } from './support.ts'

const WIDE = cidr('10.32.0.0/12')
const FOUNDER = peer(1)
const SELF = peer(2)
const AUTHOR = peer(3)
const LIAR = peer(66)

function waiting(author: number, page: number) {
  return { author: peer(author), page, value: new Uint8Array(1), waitsFor: [] }
}

t.test('to make room the author with the most loses its oldest', t => {
  const pages = new WaitingPages(4)
  for (const [author, page] of [
    [1, 1],
    [2, 1],
    [2, 2],
    [2, 3],
    [3, 1],
    [3, 2],
  ] as const)
    pages.add(waiting(author, page))
  const held = () => pages.pages().map(one => `${[1, 2, 3].findIndex(at => peer(at) === one.author) + 1}/${one.page}`)
  t.same(held(), ['1/1', '2/3', '3/1', '3/2'])
  pages.add(waiting(1, 1))
  t.equal(held().length, 4, 'the same page counts once')
  pages.delete(peer(3), 1)
  pages.delete(peer(3), 9)
  pages.add(waiting(1, 2))
  t.same(held().sort(), ['1/1', '1/2', '2/3', '3/2'])
  pages.clear()
  t.same(held(), [])
  t.end()
})

t.test('pages on a root that nobody knows push no honest page aside that waits for a takeover', async t => {
  const machine = ipam({ self: SELF, range: WIDE })
  for (let segment = 0; segment < 64; segment++)
    machine.setStatements(FOUNDER, segment, record([{ first: 0, count: 256, owners: [FOUNDER] }], WIDE), 0)
  machine.setReachable(new Set([AUTHOR]), 0, new Set([FOUNDER, AUTHOR]))
  const scope = { meshId: MESH_ID, range: WIDE, blockPrefix: 26 }
  const plan = { victim: FOUNDER, term: 1, isForced: false, runs: [{ first: 0, count: 16_384 }] }
  const takeover = makeTakeover(suite, giver(AUTHOR), scope, plan)
  const segmentWise = Array.from({ length: 64 }, (_, at) => ({ first: 256 * at, count: 256 }))
  for (const [segment, value] of takenOver({ ...takeover, runs: segmentWise }, WIDE))
    machine.setStatements(AUTHOR, segment, value, 1)
  const made = { ...takeover, id: 'ab'.repeat(16), author: LIAR }
  for (let part = 0; part < 64; part++)
    for (const [segment, value] of takenOver({ ...made, runs: segmentWise.slice(0, 32) }, WIDE))
      machine.setStatements(LIAR, segment + 2 ** 16 * part, value, 2)
  t.ok(64 * 32 > UNPROVED_MAX)
  machine.setTakeover(AUTHOR, fromHex(takeover.id)!, takeover.value, 10_000)
  machine.setAcks(AUTHOR, encodeAcks([{ takeover: takeover.id, isSettled: true }]), 10_000)
  for (const block of [0, 5000, 16_383]) t.same(machine.registerOf(block), { term: 1, seq: 0, owner: AUTHOR })
})
