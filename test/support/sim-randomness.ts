import { createHash } from 'node:crypto'
import type { Chance, Entropy } from '../../lib/base/mod.ts'
import { seededChance } from './seeded-chance.ts'

/** Bytes for keys, drawn from a label that holds the seed: never the same twice for one label. */
export function seededEntropy(label: string): Entropy {
  let count = 0
  let pool = Buffer.alloc(0)
  return {
    bytes(wanted) {
      while (pool.length < wanted)
        pool = Buffer.concat([pool, createHash('sha512').update(`${label} ${count++}`).digest()])
      const taken = Uint8Array.from(pool.subarray(0, wanted))
      pool = pool.subarray(wanted)
      return taken
    },
  }
}

export function labelledChance(label: string): Chance {
  return seededChance(createHash('sha256').update(label).digest().readUInt32LE(0))
}

/** Bytes from a source of numbers, for keys of simulations that need no other. */
export function chanceEntropy(chance: Chance): Entropy {
  return { bytes: wanted => Uint8Array.from({ length: wanted }, () => Math.floor(chance() * 256)) }
}
