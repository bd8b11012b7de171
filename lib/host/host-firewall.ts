import type { Mac } from '../address/mod.ts'
import { WeaveError, type Advice } from '../base/mod.ts'
import {
  ensureForwarding,
  isLegacy,
  removeForwarding,
  showFiltering,
  showLegacy,
  type Filtering,
} from './bridge-firewall.ts'
import { showInterfaces } from './ip-json.ts'
import { isEngineBridge, tableOf, tableText, type ExposedAddress } from './overlay-table.ts'
import type { CommandRunner } from './seams.ts'

export interface FirewallReport {
  /** The kernel hands bridged packets to the firewall. */
  readonly isBridgeFiltered: boolean
  /** Programs whose FORWARD chain holds rules of ours now. */
  readonly accepting: readonly string[]
  /** What drops packets of the overlay and is not ours to change, with what to do. */
  readonly warnings: readonly Advice[]
  /** What of ours was there before, was gone, and is put back. */
  readonly restored: readonly string[]
  /** There is something of ours that could be taken away: a table, or rules. */
  readonly hasRules: boolean
  /** Some of it is in a legacy table, of whose changes nobody tells. */
  readonly hasLegacyRules: boolean
}

const IS_GONE = /No such file or directory/

/**
 * All that weave-ts has in the host's firewall: a table of its own while the host is exposed, and accept rules in
 * chains of others that would drop by default. See docs/decisions/0003-bridge-netfilter.md and
 * 0019-host-on-the-overlay.md.
 */
export class HostFirewall {
  readonly #runner: CommandRunner
  readonly #bridge: string
  readonly #mac: Mac
  /** Undefined: not told yet, so that a table of an earlier run stays until it can be replaced. */
  #exposed: readonly ExposedAddress[] | undefined
  /** The table as it was written, and as nft lists it since; undefined: not known. */
  #written: { readonly text: string; readonly listing: string } | undefined
  #last:
    { readonly filtering: Filtering; readonly legacy: string | undefined; readonly report: FirewallReport } | undefined

  constructor(runner: CommandRunner, bridge: string, mac: Mac) {
    this.#runner = runner
    this.#bridge = bridge
    this.#mac = mac
  }

  get exposed(): readonly ExposedAddress[] {
    return this.#exposed ?? []
  }

  /**
   * Takes these for the host's addresses; does nothing when they are what it has. Fails with MISSING_TOOL or
   * COMMAND_FAILED, and is as it was before then.
   */
  async setExposed(exposed: readonly ExposedAddress[]): Promise<FirewallReport> {
    const before = this.#exposed
    if (this.#last !== undefined && JSON.stringify(before) === JSON.stringify(exposed)) return this.#last.report
    this.#exposed = exposed
    try {
      return await this.ensure()
    } catch (error) {
      this.#exposed = before
      throw error
    }
  }

  /** Puts back what is missing. Safe to repeat. Fails with MISSING_TOOL or COMMAND_FAILED. */
  async ensure(): Promise<FirewallReport> {
    const filtering = await showFiltering(this.#runner)
    // Seen before it is looked whether our rules are there: what is taken away meanwhile differs at the next look.
    const legacy = await showLegacy(this.#runner, filtering)
    const restored = (await this.#ensureTable()) ? [`table ${tableOf(this.#bridge).join(' ')}`] : []
    const isExposed = this.exposed.length > 0
    const mayHaveRules = (this.#last?.report.accepting.length ?? 1) > 0
    const { added, ...passing } = await ensureForwarding(this.#runner, this.#bridge, {
      isExposed,
      isIpv6Exposed: this.exposed.some(({ ipv6 }) => ipv6 !== undefined),
      filtering,
      mayHaveRules,
    })
    const lost = added.filter(program => this.#last?.report.accepting.includes(program))
    const report = {
      ...passing,
      restored: [...restored, ...lost.map(program => `rules of ${program}`)],
      hasRules: isExposed || passing.accepting.length > 0,
      hasLegacyRules: passing.accepting.some(isLegacy),
    }
    this.#last = { filtering, legacy: added.length === 0 ? legacy : undefined, report: { ...report, restored: [] } }
    return report
  }

  /**
   * As `ensure`, for when changes of nftables would have been told: only what nobody tells of is looked at, unless that
   * has changed.
   */
  async glance(): Promise<FirewallReport> {
    const filtering = await showFiltering(this.#runner)
    const last = this.#last
    if (last === undefined || JSON.stringify(filtering) !== JSON.stringify(last.filtering)) return this.ensure()
    return (await showLegacy(this.#runner, filtering)) === last.legacy ? last.report : this.ensure()
  }

  /** Takes all that is ours out of the firewall. Safe to repeat. */
  async remove(): Promise<void> {
    this.#exposed = []
    await this.#deleteTable()
    await removeForwarding(this.#runner, this.#bridge)
    this.#last = undefined
  }

  /** True when it was there, and somebody has removed or changed it. */
  async #ensureTable(): Promise<boolean> {
    if (this.#exposed === undefined) return false
    if (this.#exposed.length === 0) {
      // One may be left of an earlier run.
      if (this.#written?.text !== '') await this.#deleteTable()
      this.#written = { text: '', listing: '' }
      return false
    }
    const bridges = await showInterfaces(this.#runner, 'type', 'bridge')
    const engineBridges = bridges
      .map(one => one.ifname)
      .filter(isEngineBridge)
      .sort()
    const text = tableText({ bridge: this.#bridge, mac: this.#mac, exposed: this.#exposed, engineBridges })
    const isSame = this.#written?.text === text
    if (isSame && (await this.#list()) === this.#written?.listing) return false
    await this.#runner.run(['nft', '-f', '-'], { input: text })
    this.#written = { text, listing: (await this.#list()) ?? '' }
    return isSame
  }

  /** Our table as nft prints it; undefined when there is none. */
  async #list(): Promise<string | undefined> {
    const { stdout, status } = await this.#runner.run(['nft', 'list', 'table', ...tableOf(this.#bridge)], {
      okStatuses: [0, 1],
    })
    return status === 0 ? stdout : undefined
  }

  async #deleteTable(): Promise<void> {
    const isThere = this.#written !== undefined && this.#written.text !== ''
    this.#written = undefined
    const argv = ['nft', 'delete', 'table', ...tableOf(this.#bridge)]
    try {
      const { status, stderr } = await this.#runner.run(argv, { okStatuses: [0, 1] })
      if (status === 0 || !isThere || IS_GONE.test(stderr)) return
      throw new WeaveError(
        'COMMAND_FAILED',
        `\`${argv.join(' ')}\` ended with status 1: ${stderr.trim()}`,
        'run the command by hand as root to see more, then try again',
      )
    } catch (error) {
      // Where nft cannot be used there can be no table of ours.
      if (!(error instanceof WeaveError) || (isThere && error.code !== 'MISSING_TOOL')) throw error
    }
  }
}
