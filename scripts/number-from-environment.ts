/** Nine digits: more is a mistake wherever it is asked for. */
const WHOLE = /^(0|[1-9]\d{0,8})$/

/**
 * A whole number from the environment, `standard` where it is not given or empty. Where it is none, or below `least` (default 1),
 * `program` says which it must be, and ends with status 2.
 */
export function numberFromEnvironment(program: string, name: string, standard: number, least = 1): number {
  const text = process.env[name] || String(standard)
  if (WHOLE.test(text) && Number(text) >= least) return Number(text)
  console.error(`${program}: ${name} is a whole number of ${least} or more, not "${text}"`)
  return process.exit(2)
}
