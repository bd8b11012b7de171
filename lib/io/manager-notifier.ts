import { spawn } from 'node:child_process'
import { printable } from '../base/mod.ts'

/** A message that a service manager did not take by then is given up. */
const NOTIFY_TIMEOUT_MS = 6_000
const VALUE_CHARACTERS_MAX = 200
/** What systemd hands to the process that it started, and what is nobody else's. */
const VARIABLES = ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID'] as const

/** As in sd_notify(3): `READY`, `STATUS`, `STOPPING`, `WATCHDOG`, `MAINPID`. */
export type Notice = Readonly<Record<string, string>>

/**
 * Tells the service manager how the daemon does, by `systemd-notify`, which is there wherever a manager is that listens:
 * Node.js has no datagrams of Unix sockets. One message is on its way at a time; what comes meanwhile goes with the
 * next one, the newest value of each name.
 */
export class ManagerNotifier {
  /** How often the manager wants to hear of us at least; undefined when it does not watch. */
  readonly watchdogMs: number | undefined
  readonly #environment: NodeJS.ProcessEnv
  readonly #onFailure: (text: string) => void
  #next: Notice = {}
  #isBusy = false
  /** For what was said so far. */
  #waiting: (() => void)[] = []

  private constructor(socket: string, watchdogMs: number | undefined, onFailure: (text: string) => void) {
    this.#environment = { PATH: process.env['PATH'] ?? '/usr/bin:/bin', NOTIFY_SOCKET: socket }
    this.watchdogMs = watchdogMs
    this.#onFailure = onFailure
  }

  /**
   * Undefined when no manager listens. What it handed over is taken out of the environment: programs that the daemon runs
   * have no say. `onFailure`: it could not be told.
   */
  static fromEnvironment(
    environment: NodeJS.ProcessEnv,
    onFailure: (text: string) => void,
  ): ManagerNotifier | undefined {
    const [socket, period, watched] = VARIABLES.map(name => environment[name])
    for (const name of VARIABLES) delete environment[name]
    if (socket === undefined || socket === '') return undefined
    const isWatched = /^\d{1,15}$/.test(period ?? '') && (watched === undefined || watched === String(process.pid))
    const watchdogMs = isWatched && Number(period) > 0 ? Number(period) / 1000 : undefined
    return new ManagerNotifier(socket, watchdogMs, onFailure)
  }

  /** Never throws and never waits. */
  say(notice: Notice): void {
    this.#next = { ...this.#next, ...notice }
    if (!this.#isBusy) this.#send()
  }

  /** Resolves when the manager has read it, or cannot be told. */
  sayAndWait(notice: Notice): Promise<void> {
    return new Promise(resolve => {
      this.#waiting.push(resolve)
      this.say(notice)
    })
  }

  #send(): void {
    const words = Object.entries(this.#next).map(
      ([name, value]) => `${name}=${printable(value).slice(0, VALUE_CHARACTERS_MAX)}`,
    )
    this.#next = {}
    const waiting = this.#waiting
    this.#waiting = []
    if (words.length === 0) return
    this.#isBusy = true
    const child = spawn('systemd-notify', words, {
      stdio: 'ignore',
      env: this.#environment,
      timeout: NOTIFY_TIMEOUT_MS,
    })
    const done = (why: string | undefined) => {
      if (!this.#isBusy) return
      this.#isBusy = false
      for (const resolve of waiting) resolve()
      if (why !== undefined) this.#onFailure(`systemd-notify ${words[0]?.split('=')[0] ?? ''}: ${why}`)
      this.#send()
    }
    child.on('error', error => done(error.message))
    child.on('exit', (status, signal) => done(status === 0 ? undefined : `${signal ?? `status ${status}`}`))
  }
}
