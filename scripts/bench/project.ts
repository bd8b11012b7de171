import { spawnSync } from 'node:child_process'
import { projectRoot } from '../check-docs.ts'

/** Where this checkout is. */
export const PROJECT = projectRoot()

/** The path of an installed program, or undefined. */
export function installed(program: string): string | undefined {
  const { stdout } = spawnSync('sh', ['-c', 'command -v -- "$0"', program], { encoding: 'utf8' })
  return stdout.trim() || undefined
}
