/** The first place of an ascending row of `count` whose entry is not below what is looked for; `count` when all are. */
export function firstNotBelow(count: number, isBelow: (place: number) => boolean): number {
  let low = 0
  let high = count
  while (low < high) {
    const middle = (low + high) >>> 1
    if (isBelow(middle)) low = middle + 1
    else high = middle
  }
  return low
}
