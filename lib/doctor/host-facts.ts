import { statfs } from 'node:fs/promises'
import { release } from 'node:os'
import { dirname } from 'node:path'
import { parseCidr } from '../address/mod.ts'
import { errorText, WeaveError } from '../base/mod.ts'
import {
  inputDrops,
  preflightFaults,
  showFiltering,
  showInterfaces,
  showRoutes,
  underlayMtu,
  type CommandRunner,
  type InputDrop,
  type PreflightCheck,
} from '../host/mod.ts'

/** Asks systemd, which asks the kernel: whatever program keeps the clock. */
const CLOCK_COMMAND = ['timedatectl', 'show', '--property=NTPSynchronized', '--value'] as const
const CLOCK_TIMEOUT_MS = 2_000

/** What this host is to be looked at for. */
export interface HostQuestion {
  readonly bridge: string
  readonly device: string
  /** In CIDR form. */
  readonly range: string
  /** TCP and UDP. */
  readonly port: number
  /** Somebody else made the bridge, and that is meant. */
  readonly mayAdoptBridge: boolean
  readonly stateDir: string
}

/** A host as it was found. What could not be looked at is the error that says why. */
export interface HostFacts {
  readonly asked: HostQuestion
  /** As `uname -r` prints it. */
  readonly kernel: string
  readonly preflight: Readonly<Record<PreflightCheck, WeaveError | undefined>>
  /** Protocols that the kernel has bridged packets of filtered: `iptables`, `ip6tables`. */
  readonly bridgeFilters: readonly string[] | WeaveError
  readonly inputDrops: readonly InputDrop[] | WeaveError
  /** The smallest MTU on the ways out of this host, in bytes. */
  readonly underlayMtu: number | WeaveError
  /** Whether something keeps the clock in time. */
  readonly isClockKept: boolean | WeaveError
  /** Of the file system of the state directory; undefined: it cannot be looked at. */
  readonly freeBytes: number | undefined
}

/** Looks at this host. Changes nothing, and takes a few commands. */
export async function examineHost(runner: CommandRunner, asked: HostQuestion): Promise<HostFacts> {
  const { bridge, device, port, mayAdoptBridge, stateDir } = asked
  const range = parseCidr(asked.range)
  return {
    asked,
    kernel: release(),
    preflight: await preflightFaults(runner, { bridge, tap: device, range, mayAdoptBridge }),
    bridgeFilters: await looked(() => bridgeFilters(runner)),
    inputDrops: await looked(() => inputDrops(runner, port)),
    underlayMtu: await looked(async () =>
      underlayMtu(await showRoutes(runner, 4), await showInterfaces(runner), new Set([bridge, device])),
    ),
    isClockKept: await looked(() => isClockKept(runner)),
    freeBytes: await freeBytesAt(stateDir),
  }
}

async function bridgeFilters(runner: CommandRunner): Promise<readonly string[]> {
  const { files } = await showFiltering(runner)
  return Object.entries(files).flatMap(([file, lines]) => {
    const name = /\/bridge-nf-call-(ip6?tables)$/.exec(file)?.[1]
    return name !== undefined && lines[0] === '1' ? [name] : []
  })
}

async function isClockKept(runner: CommandRunner): Promise<boolean> {
  const { stdout } = await runner.run(CLOCK_COMMAND, { timeoutMs: CLOCK_TIMEOUT_MS })
  return stdout.trim() === 'yes'
}

/** Where there is no such directory yet: of the one that it would be made in. */
async function freeBytesAt(path: string): Promise<number | undefined> {
  try {
    const { bavail, bsize } = await statfs(path)
    return bavail * bsize
  } catch (error) {
    const parent = dirname(path)
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || parent === path) return undefined
    return freeBytesAt(parent)
  }
}

async function looked<T>(look: () => Promise<T>): Promise<T | WeaveError> {
  try {
    return await look()
  } catch (error) {
    return error instanceof WeaveError ? error : new WeaveError('COMMAND_FAILED', errorText(error), 'try it by hand')
  }
}
