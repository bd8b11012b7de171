const IS_TIME = /^\d+(?:\.\d+)?s?$/
/** A lone dash is standard output. */
const IS_FILE = /^(?:-|[^-].*)$/s

/** Options whose value may be left out: what it is then, and what a word that follows must look like to be it. */
const VALUES = new Map([
  ['--wait', { value: '30', form: IS_TIME }],
  ['--watch', { value: '2', form: IS_TIME }],
  ['--bundle', { value: '', form: IS_FILE }],
])

/** The words of a command line with the values that were left out. */
export function withValues(words: readonly string[]): string[] {
  return words.map((word, at) => {
    const option = VALUES.get(word)
    return option === undefined || option.form.test(words[at + 1] ?? '') ? word : `${word}=${option.value}`
  })
}

/** A complaint about an option, without the value that was put in for it. */
export function asTyped(complaint: string): string {
  return [...VALUES].reduce((text, [name, { value }]) => text.replace(`'${name}=${value}'`, `'${name}'`), complaint)
}
