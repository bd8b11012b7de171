import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import type { Test } from 'tap'
import { parseMac } from '../../lib/address/mod.ts'
import { HostNetwork, type HostNetworkOptions, type Target } from '../../lib/host/mod.ts'
import { ChildProcessRunner } from '../../lib/io/command-runner.ts'

export const BRIDGE_MAC = '02:00:5e:00:00:01'

/** Why the tests of this machine's kernel cannot run here; false when they can. */
export const skipSystem: string | false = process.geteuid?.() === 0 ? false : 'system tests need root'

export function command(...argv: string[]): string {
  return execFileSync(argv[0]!, argv.slice(1), { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}

/** True when the command ends with status 0. */
export function succeeds(...argv: string[]): boolean {
  try {
    command(...argv)
    return true
  } catch {
    return false
  }
}

/** A host and its containers as network namespaces with names of their own, removed at the end of the test. */
export class HostFixture {
  readonly tag = `wh${randomBytes(3).toString('hex')}`
  readonly host = `${this.tag}-host`
  readonly runner = new ChildProcessRunner({ prefix: ['nsenter', `--net=/run/netns/${this.host}`, '--'] })
  readonly #names: string[] = []

  constructor(t: Test) {
    t.teardown(() => {
      for (const name of this.#names) succeeds('ip', 'netns', 'delete', name)
    })
    this.#add(this.host)
  }

  #add(name: string): void {
    command('ip', 'netns', 'add', name)
    this.#names.push(name)
    command('ip', '-n', name, 'link', 'set', 'lo', 'up')
  }

  /** Adds a container namespace; returns its name. */
  container(name: string): string {
    const whole = `${this.tag}-${name}`
    this.#add(whole)
    return whole
  }

  deleteContainer(name: string): void {
    command('ip', 'netns', 'delete', name)
    this.#names.splice(this.#names.indexOf(name), 1)
  }

  network(options: Partial<HostNetworkOptions> = {}): HostNetwork {
    return new HostNetwork({ runner: this.runner, mac: parseMac(BRIDGE_MAC)!, ...options })
  }

  onHost(...argv: string[]): string {
    return command('nsenter', `--net=/run/netns/${this.host}`, '--', ...argv)
  }

  inside(target: Pick<Target, 'netnsPath'>, ...argv: string[]): string {
    return command('nsenter', `--net=${target.netnsPath}`, '--', ...argv)
  }

  canPing(target: Pick<Target, 'netnsPath'>, ...args: string[]): boolean {
    return succeeds('nsenter', `--net=${target.netnsPath}`, '--', 'ping', '-c', '1', '-W', '1', ...args)
  }

  hostLinks(): readonly string[] {
    const rows = JSON.parse(this.onHost('ip', '-j', 'link', 'show')) as { readonly ifname: string }[]
    return rows.map(row => row.ifname)
  }
}

/** Polls until the condition holds; false when it does not within the time. */
export async function eventually(condition: () => boolean | Promise<boolean>, withinMs = 5_000): Promise<boolean> {
  const deadline = performance.now() + withinMs
  while (!(await condition())) {
    if (performance.now() > deadline) return false
    await new Promise(resolve => setTimeout(resolve, 50))
  }
  return true
}
