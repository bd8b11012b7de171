import { extname } from 'node:path'
import t from 'tap'
import { SimTeam, teamMemory } from '../../support/sim-team.ts'
import { playTogether } from '../../support/sim-team-start.ts'
import type { Meeting } from '../../support/team-meeting.ts'

const PROGRAM = new URL(`../../support/team-meeting${extname(import.meta.url)}`, import.meta.url).href

void t.test('each is given what each other has for it, of any length, as often as they meet', async t => {
  for (const count of [1, 2, 3]) {
    const lengths = [0, 1, 1_000, 9 * 2 ** 20, ...Array.from({ length: 5_000 }, (_, at) => at % 5)]
    const bad = await playTogether<Meeting, string[]>(PROGRAM, { lengths }, count)
    t.same(bad, [], `${count} members`)
  }
})

void t.test('where one fails all fail', async t => {
  await t.rejects(
    playTogether<Meeting, string[]>(PROGRAM, { lengths: [1, 1], failing: 1 }, 2),
    /member 1 of the team failed/,
  )
  await t.rejects(
    playTogether<Meeting, string[]>(PROGRAM, { lengths: [1, 1], failing: 0 }, 2),
    /member 0 was told to fail/,
  )
})

void t.test('a team of one gathers what it has', t => {
  t.same(new SimTeam(0, teamMemory(1)).gather({ a: 1 }), [{ a: 1 }])
  t.end()
})
