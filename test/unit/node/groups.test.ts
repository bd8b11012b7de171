import t, { type Test } from 'tap'
import { formatIp } from '../../../lib/address/mod.ts'
import { isDrop } from '../../../lib/base/mod.ts'
import {
  GROUPS_GATHER_MS,
  GROUPS_LEARNT_MS,
  GROUPS_LEFT_MS,
  GROUPS_TOLD_MAX,
  GROUPS_TOLD_MS,
  GROUP_CHECKS,
  GROUP_CHECK_MS,
} from '../../../lib/node/constants.ts'
import { Node } from '../../../lib/node/mod.ts'
import { RECORD_KIND, decodeGroupsRecord } from '../../../lib/wire/mod.ts'
import { igmpFrame, igmpReport } from '../../support/group-frames.ts'
import { nodeConfig } from '../../support/node-fixture.ts'

const GONE_MS = GROUP_CHECKS * GROUP_CHECK_MS
const GROUP = '239.1.2.3'
const join = (group: string) => igmpReport([{ type: 4, group }])
const leave = (group: string) => igmpReport([{ type: 3, group }])

/** A peer that founded a mesh, on virtual time; what it asks of its bridge, and writes to its store. */
function world(t: Test, stored: ReadonlyMap<string, Uint8Array> = new Map(), keepsGroups = true) {
  const store = new Map(stored)
  const read = (prefix: string) => [...store].filter(([key]) => key.startsWith(prefix)).sort()
  const config = { ...nodeConfig('a'), keepsGroups }
  const node = new Node(config, read, 0)
  const delivered: Uint8Array[] = []
  let now = 0
  let records = 0
  const told = () => {
    const record = node.ledger.get(config.identity.peerId, RECORD_KIND.groups, new Uint8Array(0))
    if (record === undefined || record.isTombstone) return 'nothing'
    const value = decodeGroupsRecord(record.value)
    return isDrop(value) ? value.reason : value.isEverything ? 'everything' : value.groups.map(formatIp).join(' ')
  }
  let before = told()
  const drain = () => {
    for (let output = node.pollOutput(); output !== undefined; output = node.pollOutput()) {
      if (output.type === 'deliver') delivered.push(output.frame)
      if (output.type !== 'persist') continue
      for (const [key, value] of output.puts) store.set(key, value)
      for (const key of output.deletes) store.delete(key)
    }
    if (told() !== before) records++
    before = told()
  }
  drain()
  node.found(now)
  drain()
  const runTo = (end: number) => {
    for (let next = node.pollTimeout(); next !== undefined && next.at <= end; next = node.pollTimeout()) {
      now = Math.max(now, next.at)
      node.handleTimeout(now)
      drain()
    }
    now = end
  }
  const hear = (frame: Uint8Array | undefined) => {
    node.handleGroupFrame(frame, now)
    drain()
  }
  t.equal(told(), stored.size > 0 && keepsGroups ? 'everything' : 'nothing', 'at the start')
  return { node, store, delivered, told, hear, runTo, at: () => now, records: () => records }
}

t.test('what is listened to is told once it is known; what is new of it at once, what was left later', async t => {
  const { told, hear, runTo, at, delivered, node } = world(t)
  runTo(0)
  t.ok(delivered.length > 0, 'the bridge is asked')
  hear(join(GROUP))
  runTo(GROUPS_LEARNT_MS - 1)
  t.equal(told(), 'nothing')
  t.equal(node.groups()[0]!.everything, 'learning')
  runTo(GROUPS_LEARNT_MS + GROUPS_LEFT_MS)
  t.equal(told(), GROUP)
  runTo(100_000)
  hear(join('239.0.0.9'))
  runTo(at() + GROUPS_GATHER_MS)
  t.equal(told(), `239.0.0.9 ${GROUP}`, 'at once')
  runTo(200_000)
  hear(leave(GROUP))
  runTo(at() + GONE_MS + GROUPS_LEFT_MS - 1)
  t.equal(told(), `239.0.0.9 ${GROUP}`)
  runTo(at() + 1)
  t.equal(told(), '239.0.0.9')
  t.match(node.groups(), [{ everything: undefined, groups: [{ length: 4 }] }])
})

t.test('who joins and leaves again and again costs few records, and none while it comes back soon', async t => {
  const { hear, runTo, at, records } = world(t)
  runTo(100_000)
  hear(join(GROUP))
  runTo(at() + 1_000)
  const before = records()
  for (let i = 0; i < 100; i++) {
    runTo(at() + GONE_MS + 500)
    hear(leave(GROUP))
    runTo(at() + 500)
    hear(join(GROUP))
  }
  t.equal(records(), before)
  const begin = at()
  for (let i = 0; i < 200; i++) {
    runTo(at() + 500)
    hear(join(`239.9.0.${i}`))
  }
  const seconds = (at() - begin) / 1_000
  const most = GROUPS_TOLD_MAX * (1 + (1_000 * seconds) / GROUPS_TOLD_MS)
  t.ok(records() - before <= most, `${records() - before} records in ${seconds} s, at most ${most}`)
  runTo(at() + GROUPS_TOLD_MS)
  t.ok(records() - before >= most - 2 * GROUPS_TOLD_MAX)
})

t.test('joins of one moment are told as one, and those beyond the limit when it allows', async t => {
  const { told, hear, runTo, at, records } = world(t)
  runTo(100_000)
  const before = records()
  hear(join('239.1.2.1'))
  hear(join('239.1.2.2'))
  runTo(at() + GROUPS_GATHER_MS)
  t.equal(told(), '239.1.2.1 239.1.2.2')
  t.equal(records(), before + 1)
  for (let i = 0; i <= GROUPS_TOLD_MAX; i++) {
    hear(join(`239.2.0.${i}`))
    runTo(at() + 100)
  }
  t.equal(records(), before + GROUPS_TOLD_MAX)
  runTo(at() + GROUPS_TOLD_MS)
  t.equal(records(), before + GROUPS_TOLD_MAX + 1)
  t.match(told(), new RegExp(`239.2.0.${GROUPS_TOLD_MAX}$`))
})

t.test('a multicast router gets everything at once; so does who missed reports', async t => {
  for (const frame of [igmpFrame(0x11, '0.0.0.0'), undefined]) {
    const { told, hear, runTo } = world(t)
    runTo(100_000)
    hear(join(GROUP))
    runTo(200_000)
    hear(frame)
    runTo(200_000 + GROUPS_GATHER_MS)
    t.equal(told(), 'everything')
    runTo(200_000 + 500_000)
    t.equal(told(), '', 'nobody answers any more')
  }
})

t.test('a relaunch wants everything until it knows who listens', async t => {
  const first = world(t)
  first.runTo(100_000)
  first.hear(join(GROUP))
  first.runTo(101_000)
  t.equal(first.told(), GROUP)
  const { told, hear, runTo } = world(t, first.store)
  runTo(1_500)
  hear(join(GROUP))
  runTo(GROUPS_LEARNT_MS - 1)
  t.equal(told(), 'everything')
  runTo(GROUPS_LEARNT_MS + GROUPS_LEFT_MS)
  t.equal(told(), GROUP)
})

t.test('who does not keep groups asks nobody, and tells nothing, nor what an earlier run told', async t => {
  const { told, hear, runTo, delivered, node } = world(t, new Map(), false)
  runTo(50_000)
  hear(join(GROUP))
  runTo(100_000)
  t.equal(told(), 'nothing')
  t.equal(delivered.length, 0)
  t.match(node.groups(), [{ everything: 'off', groups: [] }])
  const first = world(t)
  first.runTo(100_000)
  first.hear(join(GROUP))
  first.runTo(101_000)
  const then = world(t, first.store, false)
  t.equal(then.told(), 'nothing')
})

t.test('who leaves the mesh for good takes it back', async t => {
  const { told, hear, runTo, node, at } = world(t)
  runTo(100_000)
  hear(join(GROUP))
  runTo(101_000)
  t.equal(told(), GROUP)
  node.leave(at())
  t.equal(told(), 'nothing')
})
