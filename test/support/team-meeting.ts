import type { SimTeam } from './sim-team.ts'

/** How many bytes each has for each other at each meeting, less its own number. */
export interface Meeting {
  readonly lengths: readonly number[]
  /** Who fails at the second meeting. */
  readonly failing?: number
}

/** A program for a team: what went wrong, anywhere. */
export function play(team: SimTeam, { lengths, failing }: Meeting): string[] {
  const bad: string[] = []
  for (const [meeting, length] of lengths.entries()) {
    if (meeting === 1 && failing === team.index) throw new Error(`member ${failing} was told to fail`)
    const partOf = (from: number, to: number) =>
      new Uint8Array(Math.max(0, length - from)).fill((16 * from + to + meeting) & 255)
    const received = team.exchange(to => partOf(team.index, to))
    const others = Array.from({ length: team.count }, (_, member) => member).filter(member => member !== team.index)
    for (const [at, from] of others.entries())
      if (Buffer.compare(received[at]!, partOf(from, team.index)) !== 0)
        bad.push(`${team.index} was given something else by ${from} at meeting ${meeting}`)
  }
  return team.gather(bad).flat()
}
