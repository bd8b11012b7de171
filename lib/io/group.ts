import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { WeaveError } from '../base/mod.ts'

const GROUP_FILE = '/etc/group'
const LOOK_UP_MS_MAX = 5_000

/**
 * The number of a group: of /etc/group, or of whatever else the host knows groups from (`getent`); a number is one.
 * @throws WeaveError CONFIG_INVALID when there is no such group
 */
export function groupId(name: string): number {
  if (/^\d{1,9}$/.test(name)) return Number(name)
  const id = groupIdIn(readFileSync(GROUP_FILE, 'utf8'), name) ?? groupIdIn(lookedUp(name), name)
  if (id !== undefined) return id
  throw new WeaveError(
    'CONFIG_INVALID',
    `--group ${name}: this host has no such group`,
    `make it (groupadd --system ${name}), or launch with --forget-option group`,
  )
}

/** `text`: lines as group(5) has them. */
export function groupIdIn(text: string, name: string): number | undefined {
  for (const line of text.split('\n')) {
    const [group, , id = ''] = line.split(':')
    if (group === name && /^\d{1,10}$/.test(id)) return Number(id)
  }
  return undefined
}

function lookedUp(name: string): string {
  const { stdout } = spawnSync('getent', ['group', name], { encoding: 'utf8', timeout: LOOK_UP_MS_MAX })
  return stdout ?? ''
}
