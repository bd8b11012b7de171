/**
 * Stops the process on a bug of our own. Never used for foreign bytes or for a user's mistake.
 * @throws AssertionError always when `condition` is falsy
 */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionError(message)
}

/** Marks a branch that the type system has proved empty. */
export function unreachable(value: never): never {
  throw new AssertionError(`unreachable: ${String(value)}`)
}

export class AssertionError extends Error {
  override readonly name = 'AssertionError'
}
