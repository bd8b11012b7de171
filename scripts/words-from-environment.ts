const EXIT_USAGE = 2

/** Whether a word means a name: it is the name, or ends with `*` and the name begins so. */
export function isMeant(word: string, name: string): boolean {
  return word.endsWith('*') ? name.startsWith(word.slice(0, -1)) : name === word
}

/** The words of a text, between spaces or commas. */
export function wordsOf(text: string): string[] {
  return text.split(/[\s,]+/).filter(word => word !== '')
}

/**
 * The words that a variable of the environment holds, all `known` where it holds none. Where one is not known, `program` says which
 * are, and ends with status 2.
 */
export function wordsFromEnvironment<T extends string>(program: string, variable: string, known: readonly T[]): T[] {
  const given = wordsOf(process.env[variable] ?? '')
  refuseUnknown(
    program,
    variable,
    given.filter(word => !(known as readonly string[]).includes(word)),
    known,
  )
  return given.length === 0 ? [...known] : (given as T[])
}

/** Ends the process with status 2 where there is a word that is not known. */
export function refuseUnknown(
  program: string,
  variable: string,
  unknown: readonly string[],
  known: readonly string[],
): void {
  if (unknown.length === 0) return
  console.error(`${program}: ${variable} names ${unknown.join(', ')}: known are ${known.join(', ')}`)
  process.exit(EXIT_USAGE)
}
