import { lstatSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { WeaveError, errorText } from '../base/mod.ts'
import { readStateFile, writeFileDurably } from '../io/mod.ts'

export const LAUNCH_FILE = 'launch.json'

/**
 * What a state directory remembers of its last launch. The secret is not in it: only whether there was one, so that no
 * later launch opens the mesh by leaving it out.
 */
const RememberedLaunch = z.object({
  version: z.literal(1),
  mesh: z.enum(['secret', 'open']),
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
  if (textOf(path) !== content) writeFileDurably(path, content)
}

function textOf(path: string): string | undefined {
  try {
    return readStateFile(path)
  } catch {
    return undefined
  }
}
