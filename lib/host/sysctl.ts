import { WeaveError } from '../base/mod.ts'
import { inNetns } from './ip-json.ts'
import type { CommandRunner } from './seams.ts'

/** Values, each with the keys below /proc/sys/net that get it, such as `ipv6/conf/weave/accept_ra`. */
export type Sysctls = readonly (readonly [value: number, keys: readonly string[]])[]

/** Reads kernel settings in the host's namespace, by one command; those that this kernel does not have are left out. */
export async function readSysctls(
  runner: CommandRunner,
  keys: readonly string[],
): Promise<Readonly<Record<string, number>>> {
  const files = keys.map(key => `/proc/sys/net/${key}`)
  const { stdout } = await runner.run(['grep', '-Hs', '', ...files], { okStatuses: [0, 1, 2] })
  const values: Record<string, number> = {}
  for (const line of stdout.split('\n')) {
    const [file = '', value] = line.split(':')
    if (value !== undefined) values[file.slice('/proc/sys/net/'.length)] = Number(value)
  }
  return values
}

/**
 * Writes kernel settings in a network namespace. `/proc/sys/net` shows the namespace of whoever opens it, so `tee` runs
 * inside. A key that this kernel does not have (IPv6 compiled out or turned off) is skipped; other faults are
 * COMMAND_FAILED.
 */
export async function writeSysctls(runner: CommandRunner, settings: Sysctls, netnsPath?: string): Promise<void> {
  for (const [value, keys] of settings) {
    const files = keys.map(key => `/proc/sys/net/${key}`)
    const { stderr } = await runner.run(inNetns(netnsPath, ['tee', '--', ...files]), {
      input: String(value),
      okStatuses: [0, 1],
    })
    const fault = stderr.split('\n').find(line => line.trim() !== '' && !line.includes('No such file or directory'))
    if (fault === undefined) continue
    throw new WeaveError(
      'COMMAND_FAILED',
      `a kernel setting could not be made ${value}: ${fault.trim()}`,
      'run the daemon where it may write to /proc/sys, which is read-only in a container without privileges',
    )
  }
}
