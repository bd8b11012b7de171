import type { Logger } from 'pino'
import { printable, WeaveError, type ErrorCode } from '../base/mod.ts'
import { addressesOfLabel, ATTACH_LABEL, type DockerClient } from '../docker/mod.ts'
import type { Attachments } from './attachments.ts'
import { WARNINGS_SHOWN_MAX } from './constants.ts'
import { few } from './few.ts'
import { Mending } from './mending.ts'

/** What no second attempt mends. */
const FINAL: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'BAD_ADDRESS',
  'BAD_TARGET',
  'ADDRESS_OUTSIDE_RANGE',
  'ADDRESS_RESERVED',
])

/**
 * Containers whose label asks that they be attached when they start. An address may be long in coming, so they do not
 * share the turns of those that are attached already.
 */
export class LabelledContainers {
  readonly #engine: Pick<DockerClient, 'inspect'>
  readonly #attachments: Pick<Attachments, 'attach'>
  readonly #log: Pick<Logger, 'info' | 'warn'>
  readonly #attaching: Mending
  readonly #ending = new AbortController()
  /** Those that are to be attached, by id; what each is called. */
  readonly #names = new Map<string, string>()
  /** Labels that cannot be used; the oldest first. */
  readonly #refused = new Map<string, string>()

  constructor(parts: {
    engine: Pick<DockerClient, 'inspect'>
    attachments: Pick<Attachments, 'attach'>
    log: Pick<Logger, 'info' | 'warn'>
  }) {
    this.#engine = parts.engine
    this.#attachments = parts.attachments
    this.#log = parts.log
    this.#attaching = new Mending(
      id => this.#attach(id),
      (id, { text, attempts }) =>
        this.#log.warn({ event: 'docker-label', id, attempts, error: text }, 'could not be attached by its label'),
    )
  }

  /** Attaches one that has started, if its labels ask for it. Returns false when there is no room for it. */
  started(id: string, name: string, labels: Readonly<Record<string, string>>): boolean {
    if (!Object.hasOwn(labels, ATTACH_LABEL)) return true
    if (!this.#attaching.ask(id)) return false
    this.#names.set(id, printable(name))
    return true
  }

  /** It is no more. */
  removed(id: string): void {
    this.#refused.delete(id)
  }

  warnings(): readonly string[] {
    const troubled = [...this.#names].flatMap(([id, name]) => {
      const trouble = this.#attaching.troubleOf(id)
      return trouble === undefined
        ? []
        : [`container ${name} is not attached yet, as its label ${ATTACH_LABEL} asks: ${trouble.text}`]
    })
    const all = [...this.#refused.values(), ...troubled]
    return few(all, more => `${more} more containers are not attached as their labels ask`)
  }

  async stop(): Promise<void> {
    this.#ending.abort()
    await this.#attaching.stop()
  }

  async #attach(id: string): Promise<void> {
    const container = await this.#engine.inspect(id).catch((error: unknown) => {
      if (error instanceof WeaveError && error.code === 'TARGET_NOT_FOUND') return undefined
      throw error
    })
    // When it starts again it is asked for again.
    if (container === undefined || !container.isRunning || container.pid === 0) return this.#done(id)
    try {
      const addresses = addressesOfLabel(container.labels) ?? []
      const { cidrs } = await this.#attachments.attach(id, addresses, {
        multicastRoute: true,
        signal: this.#ending.signal,
      })
      this.#log.info({ event: 'attached-by-label', id, name: container.name, cidrs }, 'attached')
      this.#refused.delete(id)
    } catch (error) {
      if (!(error instanceof WeaveError) || !FINAL.has(error.code)) throw error
      this.#refuse(id, container.name, error)
    }
    this.#done(id)
  }

  #done(id: string): void {
    this.#names.delete(id)
  }

  #refuse(id: string, name: string, { message, remedy }: WeaveError): void {
    const text = `container ${printable(name)}: its label ${ATTACH_LABEL} cannot be used: ${message} (${remedy})`
    this.#log.warn({ event: 'docker-label', id, error: message }, text)
    this.#refused.delete(id)
    this.#refused.set(id, text)
    // As many as are shown, and one to tell that there are more.
    for (const oldest of this.#refused.keys())
      if (this.#refused.size > WARNINGS_SHOWN_MAX + 1) this.#refused.delete(oldest)
  }
}
