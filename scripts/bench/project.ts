import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** Where this checkout is; compiled, this file lies in `build/scripts/bench`. */
export const PROJECT = fileURLToPath(new URL('../../..', import.meta.url))

/** The path of an installed program, or undefined. */
export function installed(program: string): string | undefined {
  const { stdout } = spawnSync('sh', ['-c', 'command -v -- "$0"', program], { encoding: 'utf8' })
  return stdout.trim() || undefined
}
