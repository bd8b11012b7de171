import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { formatIp, parseIp } from '../../../lib/address/mod.ts'
import {
  GROUPS_DOUBT_MS,
  GROUPS_LEARNT_MS,
  GROUP_CHECKS,
  GROUP_CHECK_MS,
  GROUP_LASTS_MS,
  GROUP_QUERY_MS,
} from '../../../lib/node/constants.ts'
import { LocalGroups } from '../../../lib/node/local-groups.ts'
import { GROUP_MESSAGE, groupMessageAt } from '../../../lib/overlay/mod.ts'
import { TOLD_GROUPS_MAX } from '../../../lib/wire/mod.ts'
import { foreignBytes } from '../../support/foreign-bytes.ts'
import { igmpFrame, igmpReport, mldFrame, mldReport, streamFrame } from '../../support/group-frames.ts'

const MAC = 0x0200_0000_0a0b
const G = '239.1.2.3'
const G6 = 'ff05::1:3'

/** A bridge on virtual time, with hosts that answer queries when they are asked to. */
function world() {
  const groups = new LocalGroups(MAC, 0)
  let now = 0
  const sent: Uint8Array[] = []
  const drain = () => {
    for (let frame = groups.pollOutput(); frame !== undefined; frame = groups.pollOutput()) {
      sent.push(frame)
      for (const answer of answers) answer(frame)
    }
  }
  const answers: ((query: Uint8Array) => void)[] = []
  const runTo = (end: number) => {
    for (let next = groups.pollTimeout().at; next <= end; next = groups.pollTimeout().at) {
      assert(next >= now, 'time goes on')
      now = next
      groups.handleTimeout(now)
      drain()
    }
    now = end
  }
  const hear = (frame: Uint8Array) => groups.handle(frame, now)
  const listened = () => groups.groups.map(formatIp).sort()
  return { groups, sent, answers, runTo, hear, listened, at: () => now }
}

/** Whether the query is for this group alone. */
const asks = (query: Uint8Array, group: string) =>
  Buffer.from(query.subarray(14)).lastIndexOf(Buffer.from(parseIp(group)!)) > 24

t.test('at the start everybody is asked twice, and all is wanted until they can have answered', async t => {
  const { groups, sent, runTo, hear, listened } = world()
  t.equal(groups.why, 'learning')
  runTo(0)
  t.equal(sent.length, 2, 'in IGMP and MLD')
  hear(igmpReport([{ type: 2, group: G }]))
  runTo(GROUPS_LEARNT_MS - 1)
  t.equal(sent.length, 4)
  t.equal(groups.why, 'learning')
  runTo(GROUPS_LEARNT_MS)
  t.equal(groups.why, undefined)
  t.same(listened(), [G])
  runTo(GROUP_QUERY_MS + 2_000)
  t.equal(sent.length, 6, 'then now and then')
  for (const frame of sent) t.equal(groupMessageAt(frame, 0, frame.length), GROUP_MESSAGE.router)
})

t.test('a group that the last one left is asked about, and then gone within seconds', async t => {
  for (const [join, leave, group] of [
    [igmpReport([{ type: 4, group: G }]), igmpReport([{ type: 3, group: G }]), G],
    [igmpFrame(0x16, G), igmpFrame(0x17, G), G],
    [mldReport([{ type: 4, group: G6 }]), mldReport([{ type: 3, group: G6 }]), G6],
    [mldFrame(131, G6), mldFrame(132, G6), G6],
  ] as const) {
    const { groups, sent, runTo, hear, listened, at } = world()
    runTo(10_000)
    hear(join)
    t.same(listened(), [group])
    sent.length = 0
    hear(leave)
    hear(leave)
    const { version } = groups
    runTo(at() + GROUP_CHECKS * GROUP_CHECK_MS - 1)
    t.same(listened(), [group])
    t.equal(sent.length, GROUP_CHECKS)
    t.ok(sent.every(frame => asks(frame, group)))
    runTo(at() + 1)
    t.same(listened(), [])
    t.equal(groups.version, version + 1)
  }
})

t.test('others who listen say so when one left, and the group stays', async t => {
  const { groups, answers, runTo, hear, listened } = world()
  runTo(10_000)
  hear(igmpReport([{ type: 4, group: G }]))
  const { version } = groups
  answers.push(query => {
    if (asks(query, G)) hear(igmpReport([{ type: 2, group: G }]))
  })
  hear(igmpReport([{ type: 3, group: G }]))
  runTo(60_000)
  t.same(listened(), [G])
  t.equal(groups.version, version)
})

t.test('who does not report for long is asked, and stays as long as it answers', async t => {
  const { sent, answers, runTo, hear, listened, at } = world()
  runTo(10_000)
  hear(igmpReport([{ type: 4, group: G }]))
  const since = at()
  sent.length = 0
  runTo(since + GROUP_LASTS_MS)
  t.ok(sent.some(frame => asks(frame, G)))
  t.same(listened(), [G])
  answers.push(query => {
    if (asks(query, G)) hear(igmpFrame(0x16, G))
  })
  runTo(since + 3 * GROUP_LASTS_MS)
  t.same(listened(), [G])
  answers.length = 0
  runTo(since + 5 * GROUP_LASTS_MS)
  t.same(listened(), [])
})

t.test(
  'all is wanted while a multicast router is there, after it was not seen all, and with too many groups',
  async t => {
    const { groups, sent, runTo, hear, listened, at } = world()
    runTo(10_000)
    hear(igmpFrame(0x11, '0.0.0.0'))
    t.equal(groups.why, 'router')
    runTo(at() + GROUPS_DOUBT_MS - 1)
    t.equal(groups.why, 'router')
    runTo(at() + 1)
    t.equal(groups.why, undefined)

    sent.length = 0
    groups.handleMissed(at())
    t.equal(groups.why, 'missed')
    runTo(at() + 2_000)
    t.equal(sent.length, 2, 'what was missed is asked for')
    runTo(at() + GROUPS_DOUBT_MS)
    t.equal(groups.why, undefined)

    const many = Array.from({ length: TOLD_GROUPS_MAX + 1 }, (_, i) => `239.0.${1 + (i >> 8)}.${i & 255}`)
    for (const group of many) {
      t.equal(groups.why, undefined)
      hear(igmpReport([{ type: 4, group }]))
    }
    t.equal(groups.why, 'too-many')
    t.equal(listened().length, TOLD_GROUPS_MAX)
    runTo(at() + 2 * GROUP_LASTS_MS)
    t.equal(groups.why, undefined)
    t.same(listened(), [])
  },
)

t.test('groups whose frames go to everybody are not kept', async t => {
  const { hear, runTo, listened } = world()
  runTo(10_000)
  for (const group of ['ff02::1:ff00:1', 'ff02::1']) hear(mldReport([{ type: 4, group }]))
  for (const group of ['224.0.0.251', '224.0.0.22']) hear(igmpReport([{ type: 4, group }]))
  hear(streamFrame(G))
  t.same(listened(), [])
})

t.test('whatever is heard, and when: time goes on, what is kept is bounded, and silence ends all', async t => {
  const good = [
    igmpReport([
      { type: 4, group: G },
      { type: 3, group: '239.0.0.9' },
    ]),
    mldReport([{ type: 2, group: G6 }]),
    igmpFrame(0x17, G),
    mldFrame(132, G6),
    igmpFrame(0x11, '0.0.0.0'),
  ]
  const step = fc.tuple(fc.constantFrom(...good).chain(foreignBytes), fc.nat(100_000))
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), steps => {
      const { groups, sent, runTo, hear, listened, at } = world()
      for (const [frame, waitMs] of steps) {
        hear(frame)
        runTo(at() + waitMs)
      }
      assert(listened().length <= TOLD_GROUPS_MAX)
      sent.length = 0
      runTo(at() + 2 * GROUP_LASTS_MS)
      assert.deepEqual(listened(), [])
      assert.equal(groups.why, undefined)
      // Silence costs what is asked of everybody, and of each group a few questions more.
      assert(sent.length <= 2 * 6 + GROUP_CHECKS * 200, `${sent.length} queries`)
    }),
    { numRuns: 300 },
  )
  t.pass('the law holds')
})
