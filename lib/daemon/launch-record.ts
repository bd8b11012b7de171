import type { DaemonConfig } from './config.ts'
import { readRememberedLaunch, rememberLaunch, rememberOrSay, type RememberedLaunch } from './remembered-launch.ts'
import { judgeTrust } from './trust.ts'

/** What this launch means for those to come. */
export class LaunchRecord {
  readonly #config: DaemonConfig
  readonly #before: RememberedLaunch | undefined
  readonly #mesh: RememberedLaunch['mesh']
  readonly #notices: readonly string[]

  /**
   * Judges whether the mesh may be open. A state is marked closed at once, and open only by a launch that comes up.
   * @throws WeaveError SECRET_REQUIRED, STATE_DAMAGED
   */
  constructor(config: DaemonConfig, isNewState: boolean) {
    const { stateDir, secret } = config
    this.#config = config
    this.#before = readRememberedLaunch(stateDir)
    this.#notices = judgeTrust(config, this.#before, isNewState)
    this.#mesh = secret === null ? 'open' : 'secret'
    if ((isNewState && this.#before === undefined) || this.#mesh === 'secret')
      rememberLaunch(stateDir, { mesh: this.#mesh, options: this.#before?.options ?? {} })
  }

  /** It comes up: the next launch repeats it. Returns what the operator should read. */
  keep(): string[] {
    const { stateDir, remember } = this.#config
    return [...this.#notices, ...rememberOrSay(stateDir, { mesh: this.#mesh, options: remember }, this.#before)]
  }
}
