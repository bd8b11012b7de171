const UNITS: Readonly<Record<string, number>> = { '': 1, k: 1e3, M: 1e6, G: 1e9 }

/** A rate in bit/s as it is written: 500k, 2.5M, 1G, or a plain number; undefined when it is none. */
export function rateOf(text: string): number | undefined {
  const [, number, unit] = /^(\d{1,12}(?:\.\d{1,3})?)([kMG]?)$/.exec(text) ?? []
  return number === undefined ? undefined : Math.round(Number(number) * UNITS[unit!]!)
}
