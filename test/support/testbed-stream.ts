import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Namespace } from './testbed.ts'
import { waitFor } from './testbed-command.ts'

const SOURCE = `
const chunk = Buffer.alloc(16384)
require('node:net').createServer(socket => {
  socket.on('error', () => undefined)
  const timer = setInterval(() => { if (socket.writableLength < 1e6) socket.write(chunk) }, 5)
  socket.on('close', () => clearInterval(timer))
}).listen(8081, process.argv[1], () => console.log('ready'))`

const SINK = `
let last = performance.now(), gap = 0, bytes = 0
const socket = require('node:net').connect(8081, process.argv[1], () => console.log('ready'))
const look = () => { const now = performance.now(); gap = Math.max(gap, now - last); return now }
socket.on('data', part => { last = look(); bytes += part.length })
process.stdin.on('data', () => { look(); console.log(Math.round(gap) + ' ' + bytes); gap = 0; bytes = 0; last = performance.now() })
process.stdin.on('end', () => process.exit(0))`

/** A TCP connection that always has something to send, about 3 MB each second. */
export class Stream {
  readonly #children: ReturnType<typeof spawn>[] = []
  #output = ''

  async start(from: Namespace, to: Namespace, address: string): Promise<void> {
    let ready = ''
    const source = this.#spawn(from, SOURCE, address)
    source.stdout!.setEncoding('utf8').on('data', (text: string) => (ready += text))
    await waitFor('the source of the stream', 10_000, () => ready.includes('ready'))
    const sink = this.#spawn(to, SINK, address)
    sink.stdout!.setEncoding('utf8').on('data', (text: string) => (this.#output += text))
    await waitFor('the stream', 10_000, () => this.#output.includes('ready'))
  }

  /** The longest time without data, and how much came, since the last call. */
  async since(): Promise<{ readonly gapMs: number; readonly bytes: number }> {
    this.#output = ''
    this.#children[1]!.stdin!.write('.')
    const line = await waitFor('what came', 5_000, () =>
      this.#output.includes('\n') ? this.#output.trim() : undefined,
    )
    const [gapMs = NaN, bytes = NaN] = line.split(' ').map(Number)
    return { gapMs, bytes }
  }

  async end(): Promise<void> {
    for (const child of this.#children) {
      const ended = child.exitCode === null ? once(child, 'exit') : undefined
      child.kill('SIGKILL')
      await ended
    }
  }

  #spawn(where: Namespace, script: string, address: string) {
    const argv = where.argv(process.execPath, '-e', script, '--', address)
    const child = spawn(argv[0]!, argv.slice(1), { stdio: ['pipe', 'pipe', 'inherit'] })
    this.#children.push(child)
    return child
  }
}
