import { spawn, type ChildProcess } from 'node:child_process'
import { rmSync } from 'node:fs'
import { errorText } from '../base/mod.ts'
import type { StoreFinding } from './state-check.ts'
import { STORE_COPY_SUFFIX } from './state-record.ts'
import { CHECKER, findingOf } from './state-store.ts'
import { StoreStream, type StreamEntry } from './store-stream.ts'
import { Turns } from './turns.ts'

const turns = new Turns()

/** How a process ended, or why it never began. */
type Ended = { readonly status: number | null; readonly signal: NodeJS.Signals | null } | string

/**
 * Reads and verifies a store in a process of its own, and gives what it holds piece by piece: a piece is what one turn
 * of the event loop may take, and the next is not read before it was taken. So neither a large store nor a damaged one
 * is in anybody's way.
 */
export class StoreReading {
  readonly #path: string
  readonly #child: ChildProcess
  readonly #ended: Promise<Ended>
  readonly #stream = new StoreStream()
  /** Read and not yet given: one, or what is left in the pipe when the process has ended. */
  readonly #chunks: Buffer[] = []
  #take: ((entries: readonly StreamEntry[]) => void) | undefined
  #pieces = 0
  #failure: string | undefined

  /** The process begins at once, and waits when its pipe is full. */
  constructor(path: string) {
    this.#path = path
    this.#child = spawn(process.execPath, [CHECKER, 'read', path], { stdio: ['ignore', 'pipe', 'ignore'] })
    this.#ended = new Promise(resolve => {
      this.#child.on('error', error => resolve(errorText(error)))
      this.#child.on('close', (status, signal) => resolve({ status, signal }))
    })
    // Listened to from the beginning: when a process ends, what nobody listens to is thrown away.
    this.#child.stdout?.on('data', (chunk: Buffer) => {
      this.#child.stdout?.pause()
      this.#chunks.push(chunk)
      this.#giveSoon()
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
    this.#take = take
    this.#giveSoon()
    const ended = await this.#ended
    while (this.#chunks.length > 0)
      await new Promise<void>(resolve => turns.add(() => (this.#give(), resolve(), false)))
    // A checker that crashed could not remove it.
    rmSync(this.#path + STORE_COPY_SUFFIX, { recursive: true, force: true })
    if (this.#failure !== undefined) return { outcome: 'damaged', reason: this.#failure }
    if (typeof ended === 'string') return { outcome: 'damaged', reason: ended }
    return findingOf(this.#stream.finding ?? '', ended)
  }

  /** Ends it; `run` then tells the reason. */
  async stop(reason: string): Promise<void> {
    this.#failure ??= reason
    this.#child.kill('SIGKILL')
    // What waits in the pipe is not waited for.
    this.#child.stdout?.destroy()
    await this.#ended
  }

  #giveSoon(): void {
    if (this.#take === undefined || this.#chunks.length === 0) return
    turns.add(() => {
      this.#give()
      return false
    })
  }

  #give(): void {
    const chunk = this.#chunks.shift()
    if (this.#chunks.length === 0) this.#child.stdout?.resume()
    if (chunk === undefined || this.#failure !== undefined) return
    const entries = this.#stream.take(chunk)
    if (entries === undefined) return void this.stop('what was read makes no sense')
    if (entries.length === 0) return
    this.#pieces++
    this.#take?.(entries)
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
