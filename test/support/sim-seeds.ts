/**
 * The seeds that a simulation plays: PREFIX_SEED (or SEED) is the first of them, 1 when nothing is said, and PREFIX_SEEDS
 * (or ROUNDS) tells how many. `make soak` sets those of the prefix SIM.
 */
export function seedsOf(prefix: string, count: number): number[] {
  const first = Number(process.env[`${prefix}_SEED`] ?? process.env['SEED'] ?? 1)
  const asked = Number(process.env[`${prefix}_SEEDS`] ?? process.env['ROUNDS'] ?? count)
  return Array.from({ length: asked }, (_, i) => first + i)
}

/** The words that repeat one seed. */
export function replayOf(prefix: string, seed: number): string {
  return `seed ${seed} (${prefix}_SEED=${seed} ${prefix}_SEEDS=1 repeats it)`
}

/** Plays one seed; what is thrown says how to repeat it. */
export function playSeed<T>(prefix: string, seed: number, play: (seed: number) => T): T {
  try {
    return play(seed)
  } catch (thrown) {
    throw new Error(replayOf(prefix, seed), { cause: thrown })
  }
}
