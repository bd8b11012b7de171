import { spawnSync } from 'node:child_process'
import { existsSync, lstatSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { WeaveError } from '../base/mod.ts'
import { readRememberedLaunch } from '../daemon/mod.ts'
import { stateLockHolder } from '../io/mod.ts'
import { COMMAND, RUNTIME_OPTIONS } from './launch.ts'
import { UNIT_MARK, unitText } from './unit-file.ts'

/** There while systemd is the service manager: sd_booted(3). */
const BOOTED = '/run/systemd/system'
const UNIT_MODE = 0o644

export interface ServiceOptions {
  readonly stateDir: string
  readonly name: string
  readonly unitDir: string
  readonly isNow: boolean
}

/** The unit as `install` would write it. @throws WeaveError CONFIG_INVALID */
export function serviceUnit(stateDir: string): string {
  if (/\p{Cc}/u.test(stateDir))
    throw new WeaveError(
      'CONFIG_INVALID',
      `--state-dir ${JSON.stringify(stateDir.slice(0, 80))} has control characters, which no unit file can hold`,
      'give it another name',
    )
  return unitText({ command: [process.execPath, ...RUNTIME_OPTIONS, COMMAND], stateDir })
}

/**
 * Makes a unit that resumes the launch of this state directory, and has it started at boot. Does what is still to be
 * done; returns what it did, and what the operator has to know.
 */
export function installService(options: ServiceOptions): string[] {
  const { stateDir, name } = options
  const path = unitPath(options)
  const text = serviceUnit(stateDir)
  const before = ownUnit(path)
  const notes = [
    before === text ? `${path} is as it should be` : `${path} ${before === undefined ? 'made' : 'renewed'}`,
  ]
  if (before !== text) {
    mkdirSync(options.unitDir, { recursive: true })
    writeFileSync(path, text, { mode: UNIT_MODE })
  }
  mkdirSync(stateDir, { recursive: true, mode: 0o700 })
  if (readRememberedLaunch(stateDir) === undefined)
    notes.push(
      `nothing was launched in ${stateDir} yet: say once how by hand (weave-ts launch --password-file FILE HOST), then ` +
        `weave-ts stop and systemctl start ${name}`,
    )
  const holder = stateLockHolder(stateDir)
  if (holder !== undefined && !isUnits(holder.pid, name))
    notes.push(`a daemon that systemd did not start has ${stateDir}: weave-ts stop, then systemctl start ${name}`)
  return [...notes, ...manager(['daemon-reload'], ['enable', ...(options.isNow ? ['--now'] : []), unit(name)])]
}

/** Ends the daemon that systemd runs, and takes the unit away; the state stays. */
export function uninstallService(options: ServiceOptions): string[] {
  const path = unitPath(options)
  if (ownUnit(path) === undefined) return [`there is no ${path}: nothing to remove`]
  const notes = manager(['disable', '--now', unit(options.name)])
  rmSync(path)
  return [...notes, `${path} removed; ${options.stateDir} stays`, ...manager(['daemon-reload'])]
}

/**
 * Has systemd replace the daemon of a state directory, where it is systemd's. False: it is not. The new daemon must be in
 * the unit's control group, and so cannot be started from here.
 */
export function reloadUnit(stateDir: string): boolean {
  const holder = stateLockHolder(stateDir)
  const name = holder === undefined ? undefined : unitOf(holder.pid)
  if (name === undefined) return false
  manager(['reload', name])
  return true
}

/** The unit whose main process this is. */
function unitOf(pid: number): string | undefined {
  const name = /\/([^/\n]+\.service)$/m.exec(cgroupOf(pid))?.[1]
  if (name === undefined || !existsSync(BOOTED)) return undefined
  const { stdout } = spawnSync('systemctl', ['show', '--property=MainPID', '--value', name], { encoding: 'utf8' })
  return stdout.trim() === String(pid) ? name : undefined
}

function unit(name: string): string {
  return `${name}.service`
}

function unitPath({ unitDir, name }: ServiceOptions): string {
  if (!/^[a-z0-9](?:[\w.@-]{0,62}[a-z0-9])?$/i.test(name))
    throw new WeaveError(
      'CONFIG_INVALID',
      `--name ${JSON.stringify(name.slice(0, 80))} cannot be the name of a unit`,
      'use letters, digits and, between these, any of _ . @ -',
    )
  return join(unitDir, unit(name))
}

/** What is there; undefined when nothing is. @throws WeaveError UNIT_FOREIGN when somebody else wrote it */
function ownUnit(path: string): string | undefined {
  const stat = lstatSync(path, { throwIfNoEntry: false })
  if (stat === undefined) return undefined
  const text = stat.isFile() ? readFileSync(path, 'utf8') : ''
  if (text.startsWith(UNIT_MARK)) return text
  throw new WeaveError(
    'UNIT_FOREIGN',
    `${path} is there, and weave-ts did not write it`,
    'give another name with --name, or move it away if it is no longer needed',
  )
}

/** Does each of these with systemctl, where systemd runs. */
function manager(...actions: readonly (readonly string[])[]): string[] {
  if (!existsSync(BOOTED)) return ['systemd does not run here: nothing was started, stopped or enabled']
  return actions.map(action => {
    const { status, stderr } = spawnSync('systemctl', action, { encoding: 'utf8' })
    const line = `systemctl ${action.join(' ')}`
    if (status === 0) return `${line}: done`
    const [why] = stderr.trim().split('\n')
    throw new WeaveError('COMMAND_FAILED', `${line} failed: ${why}`, 'run it by hand to see more')
  })
}

function isUnits(pid: number, name: string): boolean {
  return cgroupOf(pid).includes(`/${unit(name)}`)
}

function cgroupOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cgroup`, 'utf8')
  } catch {
    return ''
  }
}
