import type { Logger } from 'pino'
import { WeaveError } from '../base/mod.ts'
import type { AssemblySeams } from './assembly-seams.ts'
import { assemble, type Assembly, type Surroundings } from './assembly.ts'
import type { DaemonConfig } from './config.ts'
import { RECONCILE_INTERVAL_MS } from './constants.ts'
import type { EventBook } from './event-book.ts'
import { systemSeams } from './system-seams.ts'

const EXIT_FAULT = 70

export interface DaemonEvents {
  /** It begins to let go of everything. */
  readonly onEnding?: () => void
  /** It has let go of everything; `status` is the process's exit status. */
  readonly onEnd: (status: number) => void
}

/** Where it says what it does: its log, and the events that the log makes. */
export interface DaemonVoice {
  readonly log: Logger
  readonly events: EventBook
}

/** The life of one daemon: it comes up, keeps its host in line, and ends once. */
export class Daemon {
  readonly #config: DaemonConfig
  readonly #log: Logger
  readonly #book: EventBook
  readonly #events: DaemonEvents
  readonly #seams: AssemblySeams
  #assembly: Assembly | undefined
  #assembling: Promise<Assembly> | undefined
  #timer: NodeJS.Timeout | undefined
  #isEnding = false
  #isLeaving = false

  constructor(config: DaemonConfig, voice: DaemonVoice, events: DaemonEvents, seams = systemSeams()) {
    this.#config = config
    this.#log = voice.log
    this.#book = voice.events
    this.#events = events
    this.#seams = seams
  }

  /**
   * Comes up and returns what the operator should read; or fails with a WeaveError after it has taken back what it did
   * to the host. `onStep` is told what is done now.
   */
  async start(
    onStep: Surroundings['onStep'],
    onTakingOver: Surroundings['onTakingOver'] = () => Promise.resolve(),
  ): Promise<readonly string[]> {
    this.#assembling = assemble(this.#config, {
      seams: this.#seams,
      log: this.#log,
      events: this.#book,
      onStep: step => {
        this.#log.debug({ event: 'step', step }, 'starting')
        onStep(step)
      },
      onTakingOver,
      onFatal: thrown => this.#fatal(thrown),
      onEnd: isLeaving => this.#end(isLeaving),
    })
    const assembly = await this.#assembling
    this.#assembly = assembly
    this.#wait(assembly)
    return assembly.notes
  }

  /** How it does, in a line. */
  summary(): string {
    return this.#assembly?.summary() ?? 'starting'
  }

  /** Ends: says goodbye, stops the lanes, lets go of everything but what is attached. */
  async shutdown(status: number): Promise<void> {
    if (this.#isEnding) return
    this.#isEnding = true
    this.#events.onEnding?.()
    clearTimeout(this.#timer)
    // A signal may come while the start is under way: what it is about to make could not be taken back yet.
    const assembly = await this.#assembling?.catch(() => undefined)
    await assembly?.close(this.#isLeaving)
    this.#log.info({ event: 'stopped', status }, 'stopped')
    this.#events.onEnd(status)
  }

  #wait(assembly: Assembly): void {
    if (this.#isEnding) return
    this.#timer = setTimeout(() => {
      void assembly.services.reconcile().then(() => this.#wait(assembly))
    }, RECONCILE_INTERVAL_MS)
  }

  #end(isLeaving: boolean): void {
    this.#isLeaving ||= isLeaving
    void this.shutdown(0)
  }

  #fatal(thrown: unknown): void {
    this.#log.fatal({ event: 'fatal', error: thrown instanceof Error ? thrown.stack : String(thrown) }, 'cannot go on')
    void this.shutdown(thrown instanceof WeaveError ? thrown.exitStatus : EXIT_FAULT)
  }
}
