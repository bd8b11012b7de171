import { join, resolve } from 'node:path'
import { API_SOCKET } from '../api/mod.ts'

export const STATE_DIR_DEFAULT = '/var/lib/weave-ts'

export function stateDirOf(option: string | undefined): string {
  return resolve(option ?? process.env['WEAVE_TS_STATE_DIR'] ?? STATE_DIR_DEFAULT)
}

export function socketPathOf(stateDir: string): string {
  return join(stateDir, API_SOCKET)
}
