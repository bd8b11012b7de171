import t from 'tap'
import type { FindingView, Status } from '../../../lib/page/answers.ts'
import { complaintsOf, complaintSummary } from '../../../lib/page/problems.ts'
import { madeUpDoctor, madeUpRef, madeUpStatus } from '../../support/page-answers.ts'

const finding = (given: Partial<FindingView>): FindingView => ({
  check: 'clock',
  group: 'host',
  verdict: 'ok',
  peer: null,
  found: 'the clock is right',
  remedy: null,
  ...given,
})

const waiting = (given: Partial<Status> = {}): Status => ({
  ...madeUpStatus({ hosts: 1 }),
  isReady: false,
  waiting: ['host2 has to answer', 'a second thing'],
  ...given,
})

t.test('where nothing is wrong there is nothing, and it is said', async t => {
  t.strictSame(complaintsOf(madeUpStatus({ hosts: 3 }), madeUpDoctor([finding({})])), [])
  t.strictSame(complaintsOf(madeUpStatus({ hosts: 3 }), null), [], 'also while doctor is not known')
  t.equal(complaintSummary([]), 'Nothing is wrong')
})

t.test('findings of doctor are told with their remedies, the worst first, and what is well is not', async t => {
  const complaints = complaintsOf(
    madeUpStatus({ hosts: 2 }),
    madeUpDoctor([
      finding({ verdict: 'unknown', found: 'nobody can tell' }),
      finding({}),
      finding({ verdict: 'warning', found: 'the clock is off by 4 s', remedy: 'set it' }),
      finding({ verdict: 'problem', found: 'the disk is full', remedy: 'make room' }),
    ]),
  )
  t.strictSame(complaints, [
    { severity: 'problem', what: 'The disk is full', remedy: 'Make room' },
    { severity: 'warning', what: 'The clock is off by 4 s', remedy: 'Set it' },
    { severity: 'unknown', what: 'Nobody can tell', remedy: null },
  ])
  t.equal(complaintSummary(complaints), '1 problem, 1 warning')
})

t.test('a host that is not reached is told at once, whatever doctor found before', async t => {
  const status = madeUpStatus({ hosts: 3, gone: [3] })
  for (const doctor of [null, madeUpDoctor([finding({})])])
    t.match(complaintsOf(status, doctor), [
      { severity: 'problem', what: 'The host host3 is not reached', remedy: /weave-ts rmpeer host3/ },
    ])
})

t.test('many hosts that are not reached are one problem', async t => {
  const gone = Array.from({ length: 20 }, (_, i) => i + 2)
  const complaints = complaintsOf(madeUpStatus({ hosts: 30, gone }), null)
  t.equal(complaints.length, 1)
  t.match(complaints[0]!.what, /^20 hosts are not reached: host2, .*, host11 and 10 more$/)
})

t.test('a path that is not direct is told, by doctor where it knows more', async t => {
  const status = madeUpStatus({ hosts: 5, ways: { 3: 'relayed', 4: 'tcp', 5: 'none' } })
  t.strictSame(
    complaintsOf(status, null).map(({ severity, what }) => `${severity}: ${what}`),
    [
      'problem: No frames get through to host5: UDP is blocked',
      'warning: Frames to host3 go through host2: UDP is blocked',
      'warning: Frames to host4 go over the control link (TCP), which is slower: UDP is blocked',
    ],
  )
  const told = finding({
    check: 'udp',
    verdict: 'problem',
    peer: madeUpRef(5),
    found: 'no frames get through to host5',
  })
  const complaints = complaintsOf(status, madeUpDoctor([told]))
  t.equal(complaints.filter(({ what }) => what.includes('host5')).length, 1, 'once')
})

t.test('why a host is not ready is told once', async t => {
  t.match(complaintsOf(waiting(), null), [
    { severity: 'problem', what: /cannot be given on this host: host2 has to answer/ },
    { severity: 'warning', what: /a second thing/ },
  ])
  const told = finding({ check: 'mesh', verdict: 'problem', found: 'addresses cannot be given: host2 has to answer' })
  t.equal(complaintsOf(waiting(), madeUpDoctor([told])).length, 1)
})

t.test('without doctor the status tells what it knows', async t => {
  const { ipam, ...rest } = madeUpStatus({ hosts: 2 })
  const complaints = complaintsOf(
    {
      ...rest,
      ipam: {
        ...ipam,
        disputed: [
          { container: 'netns:x', address: '10.32.0.9/12', owner: madeUpRef(2), usedBy: null, isAsked: false },
        ],
      },
      warnings: ['the mesh is open'],
      connections: [
        {
          direction: 'outbound',
          address: '192.0.2.9:6783',
          state: 'failed',
          peer: null,
          info: '',
          error: 'ECONNREFUSED',
          retryInSeconds: 3,
          rttMs: null,
          path: null,
          mtu: null,
        },
      ],
    },
    null,
  )
  t.strictSame(
    complaints.map(({ what }) => what),
    [
      '10.32.0.9/12 of netns:x is in dispute with host2',
      '192.0.2.9:6783 is not reached: ECONNREFUSED',
      'The mesh is open',
    ],
  )
})
