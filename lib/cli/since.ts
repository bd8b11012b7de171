import { WeaveError } from '../base/mod.ts'

const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** A time of `--since` as ISO 8601 in UTC: a while ago (90s, 10m, 2h, 3d), or a time. @throws WeaveError USAGE */
export function sinceOf(text: string, nowMs: number): string {
  const [, count, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? []
  if (count !== undefined) return new Date(nowMs - Number(count) * UNIT_MS[unit!]!).toISOString()
  const at = /^\d{4}-\d\d-\d\d/.test(text) ? new Date(text).getTime() : NaN
  if (Number.isFinite(at)) return new Date(at).toISOString()
  throw new WeaveError(
    'USAGE',
    `--since ${JSON.stringify(text.slice(0, 40))} is no time`,
    'write it as in --since 10m, or --since 2026-01-31T12:00:00Z',
  )
}
