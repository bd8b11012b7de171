import { spawnSync } from 'node:child_process'
import { projectRoot } from '../check-docs.ts'

/** Where this checkout is. */
export const PROJECT = projectRoot()

/** The path of an installed program, or undefined. */
export function installed(program: string): string | undefined {
  const { stdout } = spawnSync('sh', ['-c', 'command -v -- "$0"', program], { encoding: 'utf8' })
  return stdout.trim() || undefined
}

/** Why a program is not there: the variable of the environment names none, or what is none. `what` goes behind "name". */
export function absent(variable: string, what: string): string {
  const given = process.env[variable] ?? ''
  return given === '' ? `name ${what} with ${variable}` : `there is no program ${given}, which ${variable} names`
}
