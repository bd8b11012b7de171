/**
 * A whole number from the environment, `standard` where it is not given or empty. Where it does not match `form`, `program`
 * says which it must be, and ends with status 2.
 */
export function numberFromEnvironment(
  program: string,
  name: string,
  standard: number,
  { least, form }: { readonly least: number; readonly form: RegExp },
): number {
  const text = process.env[name] || String(standard)
  if (form.test(text)) return Number(text)
  console.error(`${program}: ${name} is a number of ${least} or more, not "${text}"`)
  return process.exit(2)
}
