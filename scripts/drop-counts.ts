/** How many were dropped, by reason. */
export type DropCounts = ReadonlyMap<string, number>
export type Drops = readonly (readonly [reason: string, count: number])[]

/** What was dropped between two looks, the most first. */
export function dropsBetween(before: DropCounts, after: DropCounts): Drops {
  return [...after]
    .map(([reason, count]) => [reason, count - (before.get(reason) ?? 0)] as const)
    .filter(([, count]) => count > 0)
    .sort(([, a], [, b]) => b - a)
}

export function dropsText(drops: Drops): string {
  return drops.map(([reason, count]) => `${reason} ${count}`).join(', ')
}
