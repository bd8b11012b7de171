import { closeSync, openSync, writeFileSync } from 'node:fs'
import { errorText } from '../lib/base/mod.ts'

const EXIT_USAGE = 2
const INDENT = 1

/**
 * What writes a value to the file that a variable of the environment names; undefined where it names none. Where it cannot be
 * written `program` says so at once, before anything is measured, and ends with status 2.
 */
export function jsonFileFromEnvironment(program: string, name: string): ((value: unknown) => void) | undefined {
  const path = process.env[name]
  if (path === undefined || path === '') return undefined
  orUsage(`${program}: ${name}`, () => closeSync(openSync(path, 'a')))
  return value => writeFileSync(path, `${JSON.stringify(value, undefined, INDENT)}\n`)
}

/** What `read` gives; where it throws, the process says why behind `what`, and ends with status 2. */
export function orUsage<T>(what: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    console.error(`${what}: ${errorText(error)}`)
    return process.exit(EXIT_USAGE)
  }
}
