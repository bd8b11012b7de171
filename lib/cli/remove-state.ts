import { readdirSync, rmSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import { isStateFile } from '../io/mod.ts'

/**
 * Removes what a daemon keeps in its state directory (also half-written: `state.mdb-lock`, `identity.json.new`), and
 * the directory when nothing else is in it: whoever names another directory by mistake loses nothing. Returns what
 * stayed.
 */
export function removeState(stateDir: string): string[] {
  const stayed: string[] = []
  for (const name of entriesOf(stateDir)) {
    if (isStateFile(name)) rmSync(join(stateDir, name), { force: true })
    else stayed.push(name)
  }
  if (stayed.length === 0) removeDirectory(stateDir)
  return stayed
}

function entriesOf(path: string): string[] {
  try {
    return readdirSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

/** It may be gone, in use as a mount point, or have been filled by another starter meanwhile. */
function removeDirectory(path: string): void {
  try {
    rmdirSync(path)
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    if (!['ENOENT', 'EBUSY', 'ENOTEMPTY'].includes(code)) throw error
  }
}
