import t from 'tap'
import { TapResults } from '../../../scripts/tap-results.ts'

function read(text: string, exitStatus = 0, signal: string | null = null) {
  const tap = new TapResults()
  for (const line of text.split('\n')) tap.line(line)
  return { ...tap.end(exitStatus, signal), results: tap.results }
}

t.test('counts innermost subtests, not assertions and not groups', t => {
  const { results, failure } = read(`TAP version 14
# Subtest: group
    ok 1 - an assertion
    # Subtest: inner
        ok 1 - an assertion
        ok 2 - an assertion
        1..2
    ok 2 - inner # time=1.6ms
    1..2
ok 1 - group # time=4.9ms
ok 2 - bare
1..2`)
  t.equal(failure, undefined)
  t.strictSame(results, [
    { name: 'group > inner', outcome: 'passed' },
    { name: 'bare', outcome: 'passed' },
  ])
  t.end()
})

t.test('says with a test that failed which of its assertions did first', t => {
  const { results } = read(
    `# Subtest: group
    ok 1 - an assertion
    # Subtest: inner
        ok 1 - holds
        not ok 2 - is equal # time=1ms
        not ok 3 - follows
        1..3
    not ok 2 - inner # time=1.6ms
    1..2
not ok 1 - group # time=4.9ms
1..1`,
    1,
  )
  t.strictSame(results, [{ name: 'group > inner', outcome: 'failed', reason: 'is equal' }])
  t.end()
})

t.test('counts the leaves of node:test', t => {
  const { results } = read(
    `TAP version 13
# Subtest: a
ok 1 - a
  ---
  duration_ms: 1
  ...
# Subtest: b
    # Subtest: c
    not ok 1 - c
      ---
      stack: |-
        not ok 7 - within yaml
      ...
    1..1
not ok 2 - b
# Subtest: s
ok 3 - s # SKIP why
1..3`,
    1,
  )
  t.strictSame(results, [
    { name: 'a', outcome: 'passed' },
    { name: 'b > c', outcome: 'failed' },
    { name: 's', outcome: 'skipped', reason: 'why' },
  ])
  t.end()
})

t.test('names what is skipped or still to do, at every depth', t => {
  const { results } = read(`# Subtest: g
    ok 1 - deep # SKIP no dockerd
    1..1
ok 1 - g # time=1ms
not ok 2 - later # TODO unwritten
1..2`)
  t.strictSame(results, [
    { name: 'g > deep', outcome: 'skipped', reason: 'no dockerd' },
    { name: 'later', outcome: 'skipped', reason: 'unwritten' },
  ])
  t.end()
})

t.test('sees a group that failed though its tests passed', t => {
  const { results } = read(
    `# Subtest: g
    # Subtest: fine
        ok 1 - x
        1..1
    ok 1 - fine
    not ok 2 - an assertion of the group itself
    1..2
not ok 1 - g
1..1`,
    1,
  )
  t.strictSame(
    results.map(result => `${result.name} ${result.outcome}`),
    ['g > fine passed', 'g failed'],
  )
  t.end()
})

for (const [what, text, status, signal, failure] of [
  ['runs nothing', '1..0', 0, null, 'ran no test'],
  ['prints nothing', '', 0, null, 'ended before it gave a plan'],
  ['ends half-way with status 0', 'ok 1 - a', 0, null, 'ended before it gave a plan'],
  ['runs less than planned', '1..3\nok 1 - a', 0, null, 'planned 3 tests and ran 1'],
  ['crashes after good tests', 'ok 1 - a\n1..1', 7, null, 'exited with status 7'],
  ['is killed', 'ok 1 - a\n1..1', 0, 'SIGSEGV', 'was ended by SIGSEGV'],
  ['bails out', 'ok 1 - a\nBail out! no disk', 0, null, 'bailed out: no disk'],
] as const) {
  t.test(`a file that ${what} is a failure`, t => {
    t.equal(read(text, status, signal).failure, failure)
    t.end()
  })
}

t.test('a file that skips itself whole is a skip with its reason', t => {
  const { results, failure } = read('1..0 # SKIP no tun device')
  t.equal(failure, undefined)
  t.strictSame(results, [{ name: 'whole file', outcome: 'skipped', reason: 'no tun device' }])
  t.end()
})
