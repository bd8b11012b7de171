import { DISK_CODES, WeaveError } from '../base/mod.ts'

/** Prints a failure as people read it, or as JSON; the exit status follows from its code. */
export function fail(thrown: unknown, asJson: boolean): never {
  const error = weaveError(thrown)
  if (asJson) console.error(JSON.stringify({ code: error.code, message: error.message, remedy: error.remedy }))
  else console.error(`weave-ts: ${error.message}\n  ${error.remedy} [${error.code}]`)
  process.exit(error.exitStatus)
}

/** Anything thrown as an error of ours: what a file refused to this user is no fault of the program. */
export function weaveError(thrown: unknown): WeaveError {
  if (thrown instanceof WeaveError) return thrown
  const { code, path } = (thrown ?? {}) as NodeJS.ErrnoException
  if (code === 'EACCES' && path !== undefined)
    return new WeaveError('NO_PERMISSION', `this user may not use ${path} (${code})`, 'run the command as root')
  if (code !== undefined && DISK_CODES.includes(code))
    return new WeaveError(
      'STATE_IO',
      `${path ?? 'the state directory'} cannot be written (${code})`,
      'look at its disk: df',
    )
  return new WeaveError(
    'INTERNAL',
    thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown),
    'report this: it is a fault of weave-ts',
  )
}
