import { writeSync } from 'node:fs'
import { workerData } from 'node:worker_threads'
import { playAs, type TeamOrder, type TeamProgram } from './sim-team-start.ts'
import { SimTeam } from './sim-team.ts'

/** A worker's own thread of `playTogether`. What goes wrong it says itself: the first thread waits, and relays nothing. */
const STDERR = 2

const { program, index, memory, given } = workerData as TeamOrder
const team = new SimTeam(index, memory)
try {
  const { play } = (await import(program)) as TeamProgram<unknown, unknown>
  playAs(team, given, play)
} catch (thrown) {
  team.fail()
  writeSync(STDERR, `member ${index}: ${thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)}\n`)
}
