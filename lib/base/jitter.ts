import type { Chance, Millis } from './seams.ts'

/** A wait of about so long, three to five quarters of it: so that what began together does not stay together. */
export function jittered(waitMs: Millis, chance: Chance): Millis {
  return Math.round(waitMs * (0.75 + 0.5 * chance()))
}
