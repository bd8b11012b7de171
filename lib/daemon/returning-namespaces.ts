import type { Logger } from 'pino'
import { WeaveError, counted, errorText } from '../base/mod.ts'
import type { StateStore } from '../io/mod.ts'
import type { AssemblySeams } from './assembly-seams.ts'
import type { AttachmentRecords } from './attachment-records.ts'
import { BOOT_KEY, RETURN_LOOK_MS, RETURN_UPTIME_S_MAX } from './constants.ts'
import type { ContainerAttachments } from './container-attachments.ts'
import type { Service } from './service.ts'

/** What the store holds of the boot in which the daemon ran last. */
interface BootRecord {
  readonly id: string
  /** Attachments of the boot before whose namespace was not made again yet. */
  readonly awaited: readonly string[]
}

interface ReturningParts {
  readonly records: Pick<AttachmentRecords, 'all' | 'get'>
  readonly attachments: Pick<ContainerAttachments, 'replug'>
  readonly store: Pick<StateStore, 'get' | 'write'>
  readonly boot: AssemblySeams['boot']
  readonly log: Pick<Logger, 'info' | 'warn'>
}

/**
 * A boot takes all namespaces away, and whoever made them makes them again under their names. Those that were attached
 * are then plugged in as they were, with addresses, names and MAC. What is not made again within RETURN_UPTIME_S_MAX of
 * the boot gives its addresses back.
 */
export class ReturningNamespaces implements Service {
  readonly name = 'returning'
  readonly #parts: ReturningParts
  readonly #awaited: Set<string>
  readonly #ending = new AbortController()
  /** What is known to be in the store. */
  #noted: string
  #told = ''
  #isLooking = false
  #timer: NodeJS.Timeout | undefined

  constructor(parts: ReturningParts) {
    this.#parts = parts
    const value = parts.store.get(BOOT_KEY)
    this.#noted = value === undefined ? '' : new TextDecoder().decode(value)
    const last = value === undefined ? undefined : (JSON.parse(this.#noted) as BootRecord)
    const isAnother = last !== undefined && last.id !== parts.boot().id
    // The number of a process means another one after a boot, and containers of an engine are the engine's to follow.
    const attached = isAnother ? parts.records.all().map(({ id }) => id) : []
    this.#awaited = new Set([...(last?.awaited ?? []), ...attached.filter(id => id.startsWith('netns:'))])
  }

  /** True while a namespace of that name may still be made again. */
  keeps(id: string): boolean {
    return this.#awaited.has(id)
  }

  async reconcile(): Promise<void> {
    this.#note()
    await this.#look()
  }

  waiting(): readonly string[] {
    if (this.#awaited.size === 0) return []
    return [
      `${counted(this.#awaited.size, 'namespace that was attached has', 'namespaces that were attached have')} not been made again since the boot`,
    ]
  }

  stop(): Promise<void> {
    this.#ending.abort()
    clearTimeout(this.#timer)
    return Promise.resolve()
  }

  /** Plugs in those that are there. Never fails. */
  async #look(): Promise<void> {
    if (this.#isLooking || this.#ending.signal.aborted || this.#awaited.size === 0) return
    this.#isLooking = true
    clearTimeout(this.#timer)
    try {
      // All are looked for once, however late after the boot.
      for (const id of [...this.#awaited]) await this.#replug(id)
      if (this.#parts.boot().uptimeS > RETURN_UPTIME_S_MAX) this.#awaited.clear()
      this.#note()
    } catch (error) {
      this.#parts.log.warn({ event: 'attachments', error: errorText(error) }, 'what came back could not be noted')
    } finally {
      this.#isLooking = false
    }
    if (this.#awaited.size > 0 && !this.#ending.signal.aborted)
      this.#timer = setTimeout(() => void this.#look(), RETURN_LOOK_MS)
  }

  async #replug(id: string): Promise<void> {
    try {
      if (this.#parts.records.get(id) !== undefined && (await this.#parts.attachments.replug(id, this.#ending.signal)))
        this.#parts.log.info({ event: 'attachment-back', id }, 'its namespace was made again; it is as it was')
      this.#awaited.delete(id)
    } catch (error) {
      if (error instanceof WeaveError && error.code === 'TARGET_NOT_FOUND') return
      const text = `${id}: ${errorText(error)}`
      if (text !== this.#told)
        this.#parts.log.warn({ event: 'attachments', id, error: errorText(error) }, 'is tried again')
      this.#told = text
    }
  }

  #note(): void {
    const record: BootRecord = { id: this.#parts.boot().id, awaited: [...this.#awaited] }
    const text = JSON.stringify(record)
    if (text === this.#noted) return
    this.#parts.store.write([[BOOT_KEY, new TextEncoder().encode(text)]])
    this.#noted = text
  }
}
