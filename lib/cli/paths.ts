import { join, resolve } from 'node:path'
import { API_SOCKET } from '../api/mod.ts'
import { WeaveError } from '../base/mod.ts'

export const STATE_DIR_DEFAULT = '/var/lib/weave-ts'

/**
 * By the option, else by the environment, where an empty variable counts as none, else the usual one.
 * @throws WeaveError CONFIG_INVALID when the option is empty, as that of an unset variable is: it would name the directory
 * that one happens to be in
 */
export function stateDirOf(option: string | undefined): string {
  if (option === '')
    throw new WeaveError(
      'CONFIG_INVALID',
      '--state-dir is empty',
      `name a directory, or leave it out for ${STATE_DIR_DEFAULT}`,
    )
  return resolve(option ?? (process.env['WEAVE_TS_STATE_DIR'] || STATE_DIR_DEFAULT))
}

export function socketPathOf(stateDir: string): string {
  return join(stateDir, API_SOCKET)
}
