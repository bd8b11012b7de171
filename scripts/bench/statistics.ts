/** The middle one; of an even number the mean of the two in the middle. Undefined of none. */
export function median(values: readonly number[]): number | undefined {
  if (values.length === 0) return undefined
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** How far the largest is from the least, as a share of the median; undefined where that is 0 or there are not two. */
export function spread(values: readonly number[]): number | undefined {
  const middle = median(values)
  if (values.length < 2 || middle === undefined || middle === 0) return undefined
  return (Math.max(...values) - Math.min(...values)) / middle
}

/** The value that `share` of all are not above, by nearest rank. Undefined of none. */
export function percentile(values: readonly number[], share: number): number | undefined {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]
}
