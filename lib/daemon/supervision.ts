import type { ManagerNotifier } from '../io/mod.ts'

/** A watchdog wants to hear twice in its period, as sd_watchdog_enabled(3) advises. */
const WATCHDOG_SHARE = 1 / 2
const STATUS_INTERVAL_MS = 30_000
/** A manager gives each step of the start this long: on a slow machine they take more together. */
const STEP_MS = 60_000

/** Tells a service manager of the life of the daemon; does nothing where none listens. */
export class Supervision {
  readonly #notifier: Pick<ManagerNotifier, 'say' | 'sayAndWait' | 'watchdogMs'> | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(notifier: Pick<ManagerNotifier, 'say' | 'sayAndWait' | 'watchdogMs'> | undefined) {
    this.#notifier = notifier
  }

  step(text: string): void {
    this.#notifier?.say({ STATUS: text, EXTEND_TIMEOUT_USEC: String(STEP_MS * 1000) })
  }

  /** It is about to take the place of the process that the manager watches; resolves when the manager knows. */
  async takingOver(): Promise<void> {
    await this.#notifier?.sayAndWait({ MAINPID: String(process.pid) })
  }

  /**
   * It is up. From now on the watchdog hears of it as long as the main loop turns and `summary`, which asks the node,
   * answers.
   */
  ready(summary: () => string): void {
    const notifier = this.#notifier
    if (notifier === undefined) return
    const { watchdogMs } = notifier
    notifier.say({ READY: '1', STATUS: summary() })
    this.#timer = setInterval(
      () => notifier.say({ ...(watchdogMs !== undefined && { WATCHDOG: '1' }), STATUS: summary() }),
      watchdogMs === undefined ? STATUS_INTERVAL_MS : watchdogMs * WATCHDOG_SHARE,
    )
  }

  /** It ends: the watchdog may sleep. Resolves when the manager has heard it, before which the process must not end. */
  async stopping(): Promise<void> {
    clearInterval(this.#timer)
    await this.#notifier?.sayAndWait({ STOPPING: '1', STATUS: 'stopping' })
  }
}
