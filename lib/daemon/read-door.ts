import type { Logger } from 'pino'
import type { ApiObservers, CallHandlers, Status } from '../api/mod.ts'
import { WeaveError, errorText } from '../base/mod.ts'
import type { AssemblySeams } from './assembly-seams.ts'
import type { Service } from './service.ts'

/**
 * `--group`: a socket at which the members of a group may look. That it cannot be opened is said, and keeps no daemon from
 * running: the mesh is worth more.
 */
export class ReadDoor implements Service {
  readonly name = 'readers'
  readonly #stateDir: string
  readonly #group: string | null
  readonly #seams: Pick<AssemblySeams, 'serveReaders'>
  readonly #log: Pick<Logger, 'warn'>
  #socket: string | null = null
  #why: string | null = null
  #close: () => Promise<void> = () => Promise.resolve()

  constructor(parts: {
    stateDir: string
    /** Null: nobody but root. */
    group: string | null
    seams: Pick<AssemblySeams, 'serveReaders'>
    log: Pick<Logger, 'warn'>
  }) {
    this.#stateDir = parts.stateDir
    this.#group = parts.group
    this.#seams = parts.seams
    this.#log = parts.log
  }

  /** The daemon is up: from now on there is something to tell. */
  async open(handlers: CallHandlers, observers: ApiObservers): Promise<void> {
    if (this.#group === null) return
    try {
      const { path, close } = await this.#seams.serveReaders(this.#stateDir, this.#group, handlers, observers)
      this.#socket = path
      this.#close = close
    } catch (error) {
      this.#why = error instanceof WeaveError ? `${error.message}; ${error.remedy}` : errorText(error)
      this.#log.warn({ event: 'readers', group: this.#group, error: this.#why }, 'the group cannot look')
    }
  }

  report(): Pick<Status, 'readers'> {
    return { readers: this.#group === null ? null : { group: this.#group, socket: this.#socket } }
  }

  warnings(): readonly string[] {
    return this.#why === null ? [] : [`nobody but root may look, for the group ${this.#group} cannot: ${this.#why}`]
  }

  stop(): Promise<void> {
    return this.#close()
  }
}
