import type { Logger } from 'pino'
import type { Attachment, Status } from '../api/mod.ts'
import { counted, errorText, WeaveError, type Millis } from '../base/mod.ts'
import {
  parseDockerHost,
  type DockerClient,
  type DockerEvent,
  type EventListener,
  type EventStream,
} from '../docker/mod.ts'
import { DOCKER_REMEDY } from '../doctor/mod.ts'
import type { Attachments } from './attachments.ts'
import { isContainerId } from './attachment-records.ts'
import type { ContainerAttachments } from './container-attachments.ts'
import { few } from './few.ts'
import { LabelledContainers } from './labelled-containers.ts'
import type { Service } from './service.ts'
import { Mending, type Trouble } from './mending.ts'
import { VanishedContainers } from './vanished-containers.ts'

type Stream = Pick<EventStream, 'isUp' | 'start' | 'stop' | 'giveUp'>

export interface DockerEngine extends Pick<DockerClient, 'endpoint' | 'inspect' | 'list'> {
  events(listener: EventListener): Stream
}

/**
 * Follows the container engine: a container that starts again is plugged in as it was, one that stops keeps its
 * addresses, one that is removed gives them back. Events only say where to look; what is done follows from what the
 * engine says of the container then, so that an event too many or too few does no harm. After each gap all are looked
 * at.
 */
export class DockerService implements Service {
  readonly name = 'docker'
  readonly #engine: DockerEngine | undefined
  readonly #stream: Stream | undefined
  readonly #attachments: ContainerAttachments
  readonly #now: () => Millis
  readonly #log: Pick<Logger, 'info' | 'warn'>
  readonly #mending: Mending
  readonly #labelled: LabelledContainers | undefined
  readonly #ending = new AbortController()
  /** Containers that have no interface now, and why. */
  readonly #stopped = new Map<string, string>()
  readonly #destroyed = new Set<string>()
  readonly #vanished = new VanishedContainers()
  #down: { readonly why: string; readonly isAbsent: boolean } | undefined
  #wasUp = false
  #isStarted = false
  #isCrowded = false

  /** `engine`: undefined when containers are not to be followed. */
  constructor(parts: {
    engine: DockerEngine | undefined
    attachments: ContainerAttachments
    /** Attaches those whose labels ask for it. */
    attach: Attachments['attach']
    now: () => Millis
    log: Pick<Logger, 'info' | 'warn'>
  }) {
    this.#engine = parts.engine
    this.#attachments = parts.attachments
    this.#now = parts.now
    this.#log = parts.log
    this.#stream = parts.engine?.events({
      onUp: () => this.#up(),
      onEvent: event => this.#hear(event),
      onDown: (why, isAbsent) => this.#lost(why, isAbsent),
    })
    const { engine, attach } = parts
    this.#labelled = engine && new LabelledContainers({ engine, attachments: { attach }, log: parts.log })
    const failed = (id: string, { text, attempts }: Trouble) =>
      this.#log.warn({ event: 'docker-mend', id, attempts, error: text }, 'could not be brought in line')
    this.#mending = new Mending(id => this.#mend(id), failed)
  }

  /** True when only the engine's word ends the attachment: a container that has stopped keeps its addresses. */
  keeps(id: string): boolean {
    return this.#engine !== undefined && isContainerId(id)
  }

  /** What is known of an attachment beside whether its interface is there. */
  stateOf(id: string, isPresent: boolean): Pick<Attachment, 'state' | 'why'> {
    const trouble = this.#mending.troubleOf(id)
    if (trouble !== undefined)
      return { state: 'waiting', why: `tried ${counted(trouble.attempts, 'time')}: ${trouble.text}` }
    const stopped = this.#stopped.get(id)
    if (stopped !== undefined) return { state: 'stopped', why: stopped }
    if (this.#mending.isBusy(id)) return { state: 'waiting', why: 'it is being looked at' }
    if (isPresent) return { state: 'attached', why: null }
    if (!this.keeps(id)) return { state: 'gone', why: 'its interface is gone' }
    return { state: 'waiting', why: this.#down === undefined ? 'Docker is being asked' : this.#downText() }
  }

  /** Does not wait for the engine, which may hang. */
  reconcile(): Promise<void> {
    if (!this.#isStarted) this.#stream?.start()
    else if (this.#stream?.isUp === true) void this.#look(this.#isCrowded)
    this.#isStarted = true
    return Promise.resolve()
  }

  report(now: Millis): Pick<Status, 'docker'> {
    const containers = this.#attachments.all()
    return {
      docker: {
        state: this.#state(),
        endpoint: this.#engine?.endpoint.text ?? null,
        why: this.#down?.why ?? null,
        isExpected: this.#isExpected,
        containers: containers.length,
        stopped: containers.filter(({ id }) => this.#stopped.has(id)).length,
        waiting: containers.filter(({ id }) => this.#mending.troubleOf(id) !== undefined).length,
        vanished: this.#vanished.views(now),
      },
    }
  }

  warnings(): readonly string[] {
    if (this.#engine === undefined) return []
    const records = this.#attachments.all()
    const troubled = records.flatMap(({ id, description }) => {
      const { attempts, text } = this.#mending.troubleOf(id) ?? { attempts: 0, text: '' }
      const told = `${description} is not attached as it should be (tried ${counted(attempts, 'time')}): ${text}`
      return attempts === 0 ? [] : [told]
    })
    return [
      ...(this.#down !== undefined && (this.#isExpected || !this.#down.isAbsent)
        ? [`${this.#downText()}; containers that start meanwhile are attached when it does; ${DOCKER_REMEDY}`]
        : []),
      ...(this.#labelled?.warnings() ?? []),
      ...few(troubled, more => `${more} more containers are not attached as they should be; see \`weave-ts ps\``),
    ]
  }

  async stop(): Promise<void> {
    this.#stream?.stop()
    this.#ending.abort()
    await Promise.all([this.#mending.stop(), this.#labelled?.stop()])
  }

  #state(): Status['docker']['state'] {
    if (this.#engine === undefined) return 'off'
    if (this.#stream?.isUp === true) return 'following'
    if (this.#down === undefined) return 'connecting'
    return this.#down.isAbsent ? 'absent' : 'unreachable'
  }

  /** Where nothing was said of it, nobody misses it that was never there. */
  get #isExpected(): boolean {
    if (this.#engine === undefined) return false
    const isNamed = this.#engine.endpoint.text !== parseDockerHost(undefined).text
    return isNamed || this.#wasUp || this.#attachments.all().length > 0
  }

  #downText(): string {
    return `Docker at ${this.#engine?.endpoint.text ?? ''} does not answer: ${this.#down?.why ?? ''}`
  }

  #up(): void {
    this.#log.info({ event: 'docker-up', endpoint: this.#engine?.endpoint.text }, 'follows the events of Docker')
    this.#down = undefined
    this.#wasUp = true
    void this.#look(true)
  }

  #lost(why: string, isAbsent: boolean): void {
    // Said once for each time that it is away.
    if (this.#down === undefined)
      this.#log.warn({ event: 'docker-down', endpoint: this.#engine?.endpoint.text, error: why }, 'Docker is away')
    this.#down = { why, isAbsent }
  }

  #hear({ action, id, attributes }: DockerEvent): void {
    if (action === 'destroy') this.#labelled?.removed(id)
    if (this.#attachments.recordOf(id) === undefined) {
      this.#forget(id)
      if (action === 'start') this.#begin(id, attributes['name'] ?? '', attributes)
      return
    }
    if (action === 'destroy') this.#destroyed.add(id)
    this.#ask(id)
  }

  /** What does not find room is found by the next look. */
  #ask(id: string): void {
    if (!this.#mending.ask(id)) this.#crowd(id)
  }

  #begin(id: string, name: string, labels: Readonly<Record<string, string>>): void {
    if (this.#labelled?.started(id, name, labels) === false) this.#crowd(id)
  }

  /** All are looked at again. */
  #crowd(id: string): void {
    this.#isCrowded = true
    this.#log.warn({ event: 'docker-crowded', id }, 'too many containers change at once')
  }

  /**
   * Compares all containers with what the engine lists; after a gap, also those that seem to be as they were, and those
   * that started in it.
   */
  async #look(isAfterGap: boolean): Promise<void> {
    if (isAfterGap) this.#isCrowded = false
    try {
      const listed = new Map((await this.#engine!.list()).map(one => [one.id, one]))
      const plugged = await this.#attachments.pluggedIds()
      for (const id of this.#stopped.keys()) if (this.#attachments.recordOf(id) === undefined) this.#forget(id)
      for (const { id } of this.#attachments.all()) {
        const one = listed.get(id)
        const isRunning = one?.state === 'running' || one?.state === 'paused'
        if (isAfterGap || one === undefined || isRunning !== plugged.has(id)) this.#ask(id)
      }
      if (!isAfterGap) return
      for (const { id, name, state, labels } of listed.values())
        if (state === 'running' && this.#attachments.recordOf(id) === undefined) this.#begin(id, name, labels)
    } catch (error) {
      this.#stream?.giveUp(errorText(error))
    }
  }

  async #mend(id: string): Promise<void> {
    if (this.#attachments.recordOf(id) === undefined) return this.#forget(id)
    if (this.#destroyed.has(id)) return this.#release(id, 'the container was removed')
    const container = await this.#engine!.inspect(id).catch((error: unknown) => {
      if (error instanceof WeaveError && error.code === 'TARGET_NOT_FOUND') return undefined
      throw error
    })
    if (container === undefined) return this.#unknown(id)
    if (container.isRunning && container.pid > 0) {
      const isNew = await this.#attachments.replug(id, this.#ending.signal)
      this.#stopped.delete(id)
      if (isNew) this.#log.info({ event: 'replugged', id, name: container.name }, 'started again, and is plugged in')
      return
    }
    await this.#attachments.unplug(id)
    const how = container.state === 'exited' ? `exited with status ${container.exitCode}` : container.state
    this.#stopped.set(id, `${how}; its addresses are kept until it is removed`)
  }

  /** Its interface outlives the container by a moment; and what another engine runs is nothing that this one knows. */
  async #unknown(id: string): Promise<void> {
    if (!(await this.#attachments.pluggedIds()).has(id)) return this.#release(id, 'the container is no longer there')
    this.#stopped.set(id, 'Docker does not know it; it is kept until its interface is gone')
  }

  async #release(id: string, why: string): Promise<void> {
    const record = await this.#attachments.release(id)
    this.#forget(id)
    if (record === undefined) return
    this.#vanished.add(record, why, this.#now())
    this.#log.info({ event: 'attachment-gone', id, cidrs: record.cidrs, why }, 'its addresses rest')
  }

  #forget(id: string): void {
    this.#stopped.delete(id)
    this.#destroyed.delete(id)
  }
}
