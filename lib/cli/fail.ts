import { WeaveError } from '../base/mod.ts'

/** Prints a failure as people read it, or as JSON; the exit status follows from its code. */
export function fail(thrown: unknown, asJson: boolean): never {
  const error =
    thrown instanceof WeaveError
      ? thrown
      : new WeaveError(
          'INTERNAL',
          thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown),
          'report this: it is a fault of weave-ts',
        )
  if (asJson) console.error(JSON.stringify({ code: error.code, message: error.message, remedy: error.remedy }))
  else console.error(`weave-ts: ${error.message}\n  ${error.remedy} [${error.code}]`)
  process.exit(error.exitStatus)
}
