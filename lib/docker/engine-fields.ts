import * as z from 'zod'
import { ALIASES_MAX } from './limits.ts'

/** Of a container, a network or an endpoint, as the engine writes it whole. */
export const engineId = z.string().regex(/^[0-9a-f]{64}$/)

/** Labels or options; Go leaves an empty map out, or writes null. */
export const texts = z
  .record(z.string(), z.string())
  .nullish()
  .transform(all => all ?? {})

/** Those that somebody gave a container: the engine counts its short id and its host name among them. */
export function givenAliases(
  { Id, Hostname }: { readonly Id: string; readonly Hostname: string },
  aliases: readonly string[],
): string[] {
  return [...new Set(aliases)].filter(alias => !Id.startsWith(alias) && alias !== Hostname).slice(0, ALIASES_MAX)
}
