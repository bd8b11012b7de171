import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { SimTeam, teamMemory, type TeamMemory } from './sim-team.ts'

/** What a module exports that a team can play. */
export interface TeamProgram<G, R> {
  play(team: SimTeam, given: G): R
}

export interface TeamOrder {
  readonly program: string
  readonly index: number
  readonly memory: TeamMemory
  readonly given: unknown
}

/** Plays a program in so many threads, this one among them; its result here. `given` must be something that can be cloned. */
export async function playTogether<G, R>(program: string, given: G, count: number): Promise<R> {
  const memory = teamMemory(count)
  const { play } = (await import(program)) as TeamProgram<G, R>
  const file = fileURLToPath(new URL(`./sim-team-member${extname(import.meta.url)}`, import.meta.url))
  const workers = Array.from({ length: count - 1 }, (_, at) => {
    const order: TeamOrder = { program, index: at + 1, memory, given }
    return new Worker(file, { workerData: order })
  })
  const ends = workers.map(worker => new Promise<void>(resolve => worker.once('exit', () => resolve())))
  const result = playAs(new SimTeam(0, memory), given, play)
  await Promise.all(ends)
  return result
}

/** What fails in one thread fails in all. */
export function playAs<G, R>(team: SimTeam, given: G, play: TeamProgram<G, R>['play']): R {
  try {
    return play(team, given)
  } catch (thrown) {
    team.fail()
    throw thrown
  }
}
