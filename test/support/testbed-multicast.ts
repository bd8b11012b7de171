import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { waitFor } from './testbed-command.ts'
import type { Namespace, Testbed } from './testbed.ts'

export const GROUP_PORT = 5_007
const DEVICE = 'ethwe'

/** Sends numbered datagrams to a group, until it ends. */
const SOURCE = `
const [group, everyMs, marker] = process.argv.slice(1)
const socket = require('node:dgram').createSocket(group.includes(':') ? 'udp6' : 'udp4')
socket.bind(0, () => {
  if (group.includes(':')) socket.setMulticastInterface('::%${DEVICE}')
  socket.setMulticastTTL(4)
  setInterval(() => socket.send(marker.repeat(20), ${GROUP_PORT}, group), Number(everyMs))
  console.log('ready')
})`

/** Counts what comes for a group: 'join' and 'leave' on its input, any other line asks how many came since the last. */
const LISTENER = `
const [group] = process.argv.slice(1)
const isIpv6 = group.includes(':')
const socket = require('node:dgram').createSocket({ type: isIpv6 ? 'udp6' : 'udp4', reuseAddr: true })
const device = () => isIpv6 ? '::%${DEVICE}' : require('node:os').networkInterfaces().${DEVICE}[0].address
let count = 0
socket.on('message', () => count++)
socket.bind(${GROUP_PORT}, isIpv6 ? '::' : group, () => console.log('ready'))
require('node:readline').createInterface({ input: process.stdin }).on('line', line => {
  if (line === 'join') socket.addMembership(group, device())
  else if (line === 'leave') socket.dropMembership(group, device())
  console.log(count)
  count = 0
}).on('close', () => process.exit(0))`

/** A program in a namespace that answers each line with one. */
class Helper {
  readonly #child: ChildProcess
  #output = ''

  constructor(bed: Testbed, where: Namespace, script: string, ...args: readonly string[]) {
    const argv = where.argv(process.execPath, '-e', script, '--', ...args)
    this.#child = spawn(argv[0]!, argv.slice(1), { stdio: ['pipe', 'pipe', 'inherit'] })
    this.#child.stdout!.setEncoding('utf8').on('data', (text: string) => (this.#output += text))
    bed.onClose(async () => this.end())
  }

  async ready(): Promise<void> {
    await waitFor('a helper', 10_000, () => this.#output.includes('ready'))
  }

  async ask(line: string): Promise<string> {
    this.#output = ''
    this.#child.stdin!.write(`${line}\n`)
    return waitFor(`the answer to ${line}`, 10_000, () =>
      this.#output.includes('\n') ? this.#output.trim() : undefined,
    )
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await ended
  }
}

/** A stream of datagrams to a group, each with the marker in it. */
export async function multicastSource(
  bed: Testbed,
  where: Namespace,
  group: string,
  { everyMs, marker }: { readonly everyMs: number; readonly marker: string },
): Promise<Pick<Helper, 'end'>> {
  const helper = new Helper(bed, where, SOURCE, group, String(everyMs), marker)
  await helper.ready()
  return helper
}

/** A socket that may listen to a group. */
export class MulticastListener {
  readonly #helper: Helper

  private constructor(helper: Helper) {
    this.#helper = helper
  }

  static async open(bed: Testbed, where: Namespace, group: string): Promise<MulticastListener> {
    const helper = new Helper(bed, where, LISTENER, group)
    await helper.ready()
    return new MulticastListener(helper)
  }

  async join(): Promise<void> {
    await this.#helper.ask('join')
  }

  async leave(): Promise<void> {
    await this.#helper.ask('leave')
  }

  /** How many datagrams came since this was asked last. */
  async count(): Promise<number> {
    return Number(await this.#helper.ask('count'))
  }

  end(): Promise<void> {
    return this.#helper.end()
  }
}
