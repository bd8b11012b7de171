import { randomBytes } from 'node:crypto'
import type { Entropy } from '../base/mod.ts'

/** The operating system's generator, through the runtime. */
export const systemEntropy: Entropy = {
  bytes: count => new Uint8Array(randomBytes(count)),
}
