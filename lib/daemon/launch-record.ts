import type { DaemonConfig } from './config.ts'
import { readRememberedLaunch, rememberLaunch, rememberOrSay, type RememberedLaunch } from './remembered-launch.ts'
import { judgeTrust } from './trust.ts'

/** What this launch means for those to come. */
export class LaunchRecord {
  readonly #config: DaemonConfig
  readonly #before: RememberedLaunch | undefined
  readonly #mesh: RememberedLaunch['mesh']
  readonly #notices: readonly string[]
  #secrets: RememberedLaunch['secrets']
  #member: RememberedLaunch['member']
  /** The mesh that the store has lost; undefined when nothing was. */
  readonly lost: RememberedLaunch['member']

  /**
   * Judges whether the mesh may be open. A state is marked closed at once, and open only by a launch that comes up.
   * @throws WeaveError SECRET_REQUIRED, STATE_DAMAGED
   */
  constructor(
    config: DaemonConfig,
    isNewState: boolean,
    /** `isSameHost`: the identity is that of the launches before. `hasMesh`: the store says something of a mesh. */
    found: { readonly isSameHost: boolean; readonly hasMesh: boolean },
  ) {
    const { stateDir, secret } = config
    this.#config = config
    this.#before = readRememberedLaunch(stateDir)
    this.#notices = judgeTrust(config, this.#before, isNewState)
    this.#mesh = secret === null ? 'open' : 'secret'
    this.#secrets = this.#before?.secrets
    this.#member = found.isSameHost ? this.#before?.member : undefined
    // A launch is remembered from when its store was made: without one it is gone.
    const isGone = isNewState && this.#before !== undefined && found.isSameHost
    if (isGone) this.#member ??= { mesh: '', contacts: [] }
    this.lost = found.hasMesh ? undefined : this.#member
    if ((isNewState && this.#before === undefined) || this.#mesh === 'secret')
      rememberLaunch(stateDir, { mesh: this.#mesh, options: this.#before?.options ?? {}, ...this.#kept })
  }

  /** Which mesh this peer is of. */
  note(member: NonNullable<RememberedLaunch['member']>): void {
    const { stateDir, remember } = this.#config
    this.#member = member
    rememberLaunch(stateDir, { mesh: this.#mesh, options: remember, ...this.#kept })
  }

  /** The only mesh that this peer may come into: of one that gave way since it is that which came of it; null: any. */
  get invitedTo(): string | null {
    return this.#config.mesh === null ? null : this.#member?.mesh || this.#config.mesh
  }

  get #kept(): Pick<RememberedLaunch, 'member' | 'secrets'> {
    return {
      ...(this.#member !== undefined && { member: this.#member }),
      ...(this.#secrets !== undefined && { secrets: this.#secrets }),
    }
  }

  /**
   * It comes up: the next launch repeats it. `secrets`: what tells those that it accepts apart. Returns what the operator
   * should read.
   */
  keep(secrets: readonly string[]): string[] {
    this.#secrets = [...secrets]
    const { stateDir, remember } = this.#config
    return [
      ...this.#notices,
      ...rememberOrSay(stateDir, { mesh: this.#mesh, options: remember, ...this.#kept }, this.#before),
    ]
  }
}
