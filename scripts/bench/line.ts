import { spawn } from 'node:child_process'
import { openSync } from 'node:fs'
import { join } from 'node:path'
import type { Namespace, Testbed } from '../../test/support/testbed.ts'

/** The underlay of every pair of hosts. */
export const UNDERLAY = '192.0.2'

/** Two ends between which a system carries traffic. `hosts`: the ends are where it runs; `containers`: behind it. */
export interface Line {
  readonly where: 'hosts' | 'containers'
  readonly from: Namespace
  readonly to: Namespace
  /** Of `to`, as `from` reaches it. */
  readonly address: string
}

/** What a system became when it was started. */
export interface Started {
  readonly lines: readonly Line[]
  /** Of the processes that carry the traffic; empty where the kernel does. */
  readonly pids: readonly number[]
  /** A text that is another one once keys were changed; undefined where they are never. */
  readonly keyMark?: () => Promise<string>
}

/** Something that carries traffic between hosts, and is measured. */
export interface System {
  /** As SYSTEMS names it. */
  readonly name: string
  /** What it is, for readers. */
  readonly what: string
  /** Measured only where SYSTEMS asks for it. */
  readonly onlyIfNamed?: true
  /** Why it cannot be measured here, in words; undefined: it can. */
  missing(): string | undefined
  start(bed: Testbed): Promise<Started>
}

/** Begins a program in a namespace; it ends with the testbed. Returns its process id. */
export function begin(
  bed: Testbed,
  place: Namespace,
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
): number {
  const words = place.argv(...argv)
  const log = openSync(join(bed.directory, `${place.name}.log`), 'a')
  const child = spawn(words[0]!, words.slice(1), { stdio: ['ignore', log, log], env: { ...process.env, ...env } })
  if (child.pid === undefined) throw new Error(`${argv[0]!} does not start`)
  child.unref()
  return child.pid
}
