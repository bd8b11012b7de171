/** Pads to a column's width, Weave's way: the text is never cut. */
export function column(text: string, width: number): string {
  return text.padEnd(width)
}

/**
 * Rows of cells as lines, two spaces between columns that are as wide as their widest cell; the first is that of headings.
 * `toTheRight`: so many columns from the first on, for numbers.
 */
export function tabled(rows: readonly (readonly string[])[], toTheRight = 0): string[] {
  const widths = rows[0]!.map((_, at) => Math.max(...rows.map(row => row[at]!.length)))
  const cellOf = (cell: string, at: number) =>
    at < toTheRight ? cell.padStart(widths[at]!) : column(cell, widths[at]!)
  return rows.map(row => row.map(cellOf).join('  ').trimEnd())
}

/** A label to the right of a column of 15, then the value: the form of `status`. */
export function labelled(label: string, value: string | number): string {
  return `${label.padStart(15)}: ${value}`
}

/** Seconds as a short text: 4s, 2m10s, 3h5m. */
export function duration(seconds: number): string {
  const whole = Math.round(seconds)
  if (whole < 60) return `${whole}s`
  if (whole < 3600) return `${Math.floor(whole / 60)}m${whole % 60 === 0 ? '' : `${whole % 60}s`}`
  return `${Math.floor(whole / 3600)}h${Math.floor((whole % 3600) / 60)}m`
}

const STEPS = ['', 'k', 'M', 'G', 'T'] as const

/** With three digits and a prefix of SI: 1.25M. */
export function shortNumber(value: number): string {
  let step = 0
  let rest = value
  while (Number(rest.toPrecision(3)) >= 1_000 && step < STEPS.length - 1) {
    rest /= 1_000
    step++
  }
  return `${Number(rest.toPrecision(3))}${STEPS[step]!}`
}
