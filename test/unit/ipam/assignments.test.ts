import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import t from 'tap'
import { encodeAssignedRecord } from '../../../lib/ipam/assigned-record.ts'
import { Assignments } from '../../../lib/ipam/assignments.ts'
import { BlockSpace } from '../../../lib/ipam/block-space.ts'
import { USED_PER_PEER_MAX } from '../../../lib/ipam/constants.ts'
import { cidr, ip, peer } from './support.ts'

const SELF = peer(1)
const LIAR = peer(66)
const WIDE = cidr('10.32.0.0/12')
const FIRST = ip('10.32.0.0')

function said(author: ReturnType<typeof peer>, strip: number, count = 256, isEphemeral = false): Uint8Array {
  const all = Array.from({ length: count }, (_, at) => ({ address: strip + at, peer: author, loan: 0, isEphemeral }))
  return encodeAssignedRecord(strip, all)
}

t.test('of what one member says to have, so much counts and no more; of others what they have', t => {
  const assignments = new Assignments(SELF, new BlockSpace(WIDE, 26))
  let ignored = 0
  for (let at = 0; at < 256; at++) {
    const drop = assignments.set(LIAR, FIRST + 256 * at, said(LIAR, FIRST + 256 * at))
    if (drop === undefined) continue
    t.equal(drop.reason, 'assigned-many')
    ignored++
  }
  t.equal(ignored, 256 - USED_PER_PEER_MAX / 256)
  const used = () => Array.from({ length: 65_536 }, (_, at) => FIRST + at).filter(one => assignments.isUsed(one)).length
  t.equal(used(), USED_PER_PEER_MAX)
  const late = FIRST + 256 * 200
  t.equal(assignments.isAnyUsedIn(4 * 200), false)
  t.equal(assignments.set(peer(3), late, said(peer(3), late, 2)), undefined)
  t.same(assignments.usersOf(late + 1), [peer(3)])
  t.equal(assignments.isAnyUsedIn(4 * 200), true)
  t.equal(assignments.isAnyUsedIn(4 * 200 + 1), false)
  assignments.set(LIAR, FIRST, undefined)
  t.equal(used(), USED_PER_PEER_MAX + 2, 'what was taken back makes room')
  assignments.clear()
  t.equal(used(), 0)
  t.end()
})

t.test('what an ephemeral peer has counts while it is there', t => {
  const assignments = new Assignments(SELF, new BlockSpace(WIDE, 26))
  assignments.set(LIAR, FIRST, said(LIAR, FIRST, 3, true))
  t.same(assignments.ephemerals, [LIAR])
  assignments.setAbsent(LIAR, true)
  t.equal(assignments.isUsed(FIRST), false)
  assignments.set(LIAR, FIRST, said(LIAR, FIRST, 4, true))
  t.equal(assignments.isUsed(FIRST), false)
  assignments.setAbsent(LIAR, false)
  t.equal(assignments.isUsed(FIRST + 3), true)
  t.end()
})

t.test('what is said of single addresses costs less than 8 times its bytes', async t => {
  for (const count of [1, 256]) {
    const script = `
      import { Assignments } from '${new URL('../../../lib/ipam/assignments.js', import.meta.url).href}'
      import { BlockSpace } from '${new URL('../../../lib/ipam/block-space.js', import.meta.url).href}'
      import { encodeAssignedRecord } from '${new URL('../../../lib/ipam/assigned-record.js', import.meta.url).href}'
      const [self, liar, first, records] = ['${SELF}', '${LIAR}', ${FIRST}, ${count === 1 ? 8192 : 512}]
      const assignments = new Assignments(self, new BlockSpace({ address: first, prefix: 12 }, 26))
      const measure = () => { gc(); gc(); return process.memoryUsage().heapUsed + process.memoryUsage().external }
      const before = measure()
      let bytes = 0
      for (let at = 0; at < records; at++) {
        const strip = first + 256 * at
        const all = Array.from({ length: ${count} }, (_, i) => ({ address: strip + i, peer: i % 2 ? liar : self, loan: 7, isEphemeral: false }))
        const value = encodeAssignedRecord(strip, all)
        bytes += value.length
        assignments.set(liar, strip, value)
      }
      console.log((measure() - before) / bytes)
      assignments.clear()`
    const out = execFileSync(process.execPath, ['--expose-gc', '--input-type=module', '-e', script], {
      encoding: 'utf8',
    })
    const times = Number(out)
    assert.ok(!Number.isNaN(times), out)
    t.comment(`${count} addresses in a record: ${times.toFixed(1)} times`)
    t.ok(times < 8, `${times.toFixed(1)} times for ${count}`)
  }
})
