import type { FloodOrigin, NodeReport } from '../../node/mod.ts'
import type { Advice } from '../../base/mod.ts'
import { few } from '../few.ts'
import type { Names } from './names.ts'

/** Whose broadcasts are dropped because they are not proved to be its, for people. */
export function floodOriginAdvice({ parts }: Pick<NodeReport, 'parts'>, names: Names): Advice[] {
  const all = (parts['floodOrigins'] as readonly FloodOrigin[] | undefined) ?? []
  const lines = all.map(({ origin, by }) => ({
    what: `broadcasts that ${names.short(by)} passes on as of ${names.host(origin)} are dropped, for nothing proves that they began there`,
    remedy: `look who may have changed ${names.short(by)}`,
  }))
  return few<Advice>(lines, more => ({
    what: `broadcasts that others pass on as of ${more} more hosts are dropped`,
  }))
}
