/** Pads to a column's width, Weave's way: the text is never cut. */
export function column(text: string, width: number): string {
  return text.padEnd(width)
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
