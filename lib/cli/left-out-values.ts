/** Options whose value may be left out, and what it is then. */
const VALUES = new Map([
  ['--wait', '30'],
  ['--watch', '2'],
])
const IS_TIME = /^\d+(?:\.\d+)?s?$/

/** The words of a command line with the values that were left out: a word that follows is one only where it is a time. */
export function withValues(words: readonly string[]): string[] {
  return words.map((word, at) => {
    const value = VALUES.get(word)
    return value === undefined || IS_TIME.test(words[at + 1] ?? '') ? word : `${word}=${value}`
  })
}
