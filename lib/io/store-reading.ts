import { spawn, type ChildProcess } from 'node:child_process'
import { rmSync } from 'node:fs'
import { errorText } from '../base/mod.ts'
import type { StoreFinding } from './state-check.ts'
import { STORE_COPY_SUFFIX } from './state-record.ts'
import { CHECKER, findingOf } from './state-store.ts'
import { StoreStream, type StreamEntry } from './store-stream.ts'
import { Turns } from './turns.ts'

const turns = new Turns()

/**
 * Reads and verifies a store in a process of its own, and gives what it holds piece by piece: a piece is what one turn of
 * the event loop may take, and the next is not read before it was taken. So neither a large store nor a damaged one is in
 * anybody's way.
 */
export class StoreReading {
  readonly #path: string
  readonly #child: ChildProcess
  readonly #ended: Promise<StoreFinding>
  readonly #stream = new StoreStream()
  #pieces = 0
  #failure: string | undefined

  /** The process begins at once, and waits when its pipe is full. */
  constructor(path: string) {
    this.#path = path
    this.#child = spawn(process.execPath, [CHECKER, 'read', path], { stdio: ['ignore', 'pipe', 'ignore'] })
    this.#ended = new Promise(resolve => {
      this.#child.on('error', error => resolve({ outcome: 'damaged', reason: errorText(error) }))
      this.#child.on('close', (status, signal) => resolve(this.#finding(status, signal)))
    })
  }

  /** How many pieces were given. */
  get pieces(): number {
    return this.#pieces
  }

  /**
   * Gives all entries in the order of their keys, each in one piece, whose values are not to be kept; then what was
   * found.
   */
  async run(take: (entries: readonly StreamEntry[]) => void): Promise<StoreFinding> {
    const { stdout } = this.#child
    stdout?.on('data', (chunk: Buffer) => {
      stdout.pause()
      turns.add(() => {
        this.#give(chunk, take)
        stdout.resume()
        return false
      })
    })
    const finding = await this.#ended
    // A checker that crashed could not remove it.
    rmSync(this.#path + STORE_COPY_SUFFIX, { force: true })
    return finding
  }

  /** Ends it; `run` then tells the reason. */
  async stop(reason: string): Promise<void> {
    this.#failure ??= reason
    this.#child.kill('SIGKILL')
    // What waits in the pipe is not waited for.
    this.#child.stdout?.destroy()
    await this.#ended
  }

  #give(chunk: Buffer, take: (entries: readonly StreamEntry[]) => void): void {
    if (this.#failure !== undefined) return
    const entries = this.#stream.take(chunk)
    if (entries === undefined) return void this.stop('what was read makes no sense')
    if (entries.length === 0) return
    this.#pieces++
    take(entries)
  }

  #finding(status: number | null, signal: NodeJS.Signals | null): StoreFinding {
    if (this.#failure !== undefined) return { outcome: 'damaged', reason: this.#failure }
    return findingOf(this.#stream.finding ?? '', { status, signal })
  }
}

/** Makes an empty store, by a process of its own too; what `create` of that process found. */
export function makeStore(path: string): Promise<StoreFinding> {
  return new Promise(resolve => {
    const child = spawn(process.execPath, [CHECKER, 'create', path], { stdio: ['ignore', 'pipe', 'ignore'] })
    let text = ''
    child.stdout.on('data', chunk => (text += String(chunk)))
    child.on('error', error => resolve({ outcome: 'damaged', reason: errorText(error) }))
    child.on('close', (status, signal) => resolve(findingOf(text, { status, signal })))
  })
}
