import { WeaveError } from '../base/mod.ts'

/** The value of an option, in seconds or a whole number, within bounds. @throws WeaveError USAGE */
export function numberOf(option: string, text: string, min: number, max: number, isWhole = false): number {
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : NaN
  if (value >= min && value <= max && (!isWhole || Number.isInteger(value))) return value
  throw new WeaveError(
    'USAGE',
    `${option} ${JSON.stringify(text.slice(0, 40))} must be ${isWhole ? 'a whole number' : 'seconds'} from ${min} to ${max}`,
    `write it as in ${option} ${Math.max(1, min)}`,
  )
}
