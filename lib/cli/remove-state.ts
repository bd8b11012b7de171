import { readdirSync, rmSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import { API_SOCKET, INSTANCE_FILE } from '../daemon/mod.ts'
import { IDENTITY_FILE, LOCK_FILE, STATE_STORE_FILE } from '../io/mod.ts'

const FILES = [IDENTITY_FILE, INSTANCE_FILE, STATE_STORE_FILE, LOCK_FILE, 'daemon.log', API_SOCKET] as const

/**
 * Removes what a daemon keeps in its state directory (also half-written: `state.mdb-lock`, `identity.json.new`), and the
 * directory when nothing else is in it: whoever names another directory by mistake loses nothing. Returns what stayed.
 */
export function removeState(stateDir: string): string[] {
  const stayed: string[] = []
  for (const name of entriesOf(stateDir)) {
    const isOurs = FILES.some(file => name === file || name.startsWith(`${file}.`) || name.startsWith(`${file}-`))
    if (isOurs) rmSync(join(stateDir, name), { force: true })
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
