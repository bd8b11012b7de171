import { lstatSync } from 'node:fs'
import { join } from 'node:path'
import * as z from 'zod'
import { WeaveError, errorText } from '../base/mod.ts'
import { STATE_FILE_BYTES_MAX, readStateFile, writeFileDurably } from '../io/mod.ts'

export const LAUNCH_FILE = 'launch.json'

/** Options of `launch` as an operator gave them, by the names that the command line has for them. */
export const GivenOptions = z.record(z.string(), z.union([z.string(), z.boolean(), z.array(z.string())]))
export type GivenOptions = z.infer<typeof GivenOptions>

/**
 * What a state directory remembers of its last launch. The secret is not in it: only whether there was one, so that no
 * later launch opens the mesh by leaving it out, and where its file is.
 */
const RememberedLaunch = z.object({
  version: z.literal(1),
  mesh: z.enum(['secret', 'open']),
  /** What tells the secrets apart that it accepted, 8 hex digits each; see `marksOf`. */
  secrets: z.array(z.string()).optional(),
  /** What the next launch repeats. */
  options: GivenOptions,
  /** The mesh that this peer is of, 32 hex characters or '' for one that is not known, and whom it was told to dial. */
  member: z.object({ mesh: z.string(), contacts: z.array(z.string()) }).optional(),
})
export type RememberedLaunch = z.infer<typeof RememberedLaunch>

/** Undefined when there is no such file. @throws WeaveError STATE_DAMAGED */
export function readRememberedLaunch(stateDir: string): RememberedLaunch | undefined {
  const path = join(stateDir, LAUNCH_FILE)
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return undefined
  try {
    return RememberedLaunch.parse(JSON.parse(readStateFile(path)))
  } catch (error) {
    if (error instanceof WeaveError) throw error
    const reason = error instanceof z.ZodError ? 'it is not what weave-ts writes' : errorText(error)
    throw new WeaveError(
      'STATE_DAMAGED',
      `${path}, which says how the last launch was, cannot be used: ${reason}`,
      `remove it (rm ${path}) and launch with all options again, the secret among them`,
    )
  }
}

/** Writes only what is news: a relaunch on a full disk needs no room for what is there. */
export function rememberLaunch(stateDir: string, launch: Omit<RememberedLaunch, 'version'>): void {
  const content = `${JSON.stringify({ version: 1, ...launch }, null, 2)}\n`
  const path = join(stateDir, LAUNCH_FILE)
  if (Buffer.byteLength(content) > STATE_FILE_BYTES_MAX)
    throw new WeaveError(
      'CONFIG_INVALID',
      `the options of this launch are ${Buffer.byteLength(content)} bytes; at most ${STATE_FILE_BYTES_MAX} are remembered`,
      'give fewer or shorter ones',
    )
  if (textOf(path) !== content) writeFileDurably(path, content)
}

/**
 * Remembers a launch that came up. Where a full disk takes only the options, that is said; that a mesh is closed or open
 * must be on disk.
 */
export function rememberOrSay(
  stateDir: string,
  launch: Omit<RememberedLaunch, 'version'>,
  before: Pick<RememberedLaunch, 'mesh'> | undefined,
): string[] {
  try {
    rememberLaunch(stateDir, launch)
    return []
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    if (!['ENOSPC', 'EDQUOT'].includes(code) || before?.mesh !== launch.mesh) throw error
    return [`the options of this launch are not remembered, since the disk is full: ${errorText(error)}`]
  }
}

/** As they are written on a command line: `--port 7000 --no-discovery`. */
export function wordsOf(options: GivenOptions): string[] {
  return Object.entries(options).flatMap(([key, value]) => {
    const name = optionName(key)
    if (typeof value === 'boolean') return [value ? `--${name}` : `--no-${name}`]
    return [`--${name}`, typeof value === 'string' ? value : value.join(',')]
  })
}

/** `otherPasswordFile` is `other-password-file`. */
export function optionName(key: string): string {
  return key.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)
}

function textOf(path: string): string | undefined {
  try {
    return readStateFile(path)
  } catch {
    return undefined
  }
}
