import { formatCidr, type Cidr, type Mac } from '../address/mod.ts'
import { WeaveError } from '../base/mod.ts'
import { attach, detach, hostEnds, inspectAttachment, unplug, type HostEnd, type PluggedTarget } from './attachment.ts'
import { addBridgeAddresses, removeBridgeAddresses } from './bridge-address.ts'
import { hasIpv6 } from './guest-address.ts'
import { isPlugged } from './bridge-fdb.ts'
import { ensureBridge, ensureTapPort, removeBridge, removeHalfMadePairs, type BridgeSettings } from './bridge.ts'
import { HostFirewall, type FirewallReport } from './host-firewall.ts'
import { heldAddresses } from './interface-address.ts'
import { InterfaceLook } from './interface-look.ts'
import { routeTo, showInterface, showInterfaces, showRoutes } from './ip-json.ts'
import { BRIDGE_NAME, GUEST_NAME, PENDING_CHANGES_MAX, TAP_NAME } from './limits.ts'
import { adoptPair, inspectPair, makePair, placePair, removePair, type LoosePair } from './loose-pair.ts'
import { configuredMtu, overlayMtu, underlayMtu } from './mtu.ts'
import type { ExposedAddress } from './overlay-table.ts'
import type { CommandRunner, ContainerLookup } from './seams.ts'
import { overlappingRoute, preflight } from './preflight.ts'
import { resolveTarget, type Target } from './target.ts'
import type { AttachmentSettings } from './veth-pair.ts'

export interface HostNetworkOptions {
  /** Runs in the host's network namespace. */
  readonly runner: CommandRunner
  /** Finds Docker containers; without it only namespaces and `pid:N` are targets. */
  readonly containers?: ContainerLookup
  /** The bridge's MAC, derived from the peer id by the caller. */
  readonly mac: Mac
  /** The overlay's range; undefined when addresses are not managed. */
  readonly range?: Cidr
  /** What the operator asked for; otherwise derived from the underlay. */
  readonly mtu?: number
  readonly bridge?: string
  readonly tap?: string
  /** Take over a bridge of that name that somebody else made. */
  readonly mayAdoptBridge?: boolean
  readonly multicastRoute?: boolean
}

/**
 * The host's side of the overlay: bridge, TAP port, and what is attached. Changes happen one after the other, in the
 * order of the calls. Every failure is a WeaveError and leaves nothing half-made behind.
 */
export class HostNetwork {
  readonly bridge: string
  readonly tap: string
  readonly #options: HostNetworkOptions
  readonly #runner: CommandRunner
  readonly #firewall: HostFirewall
  readonly #interfaces: InterfaceLook
  #mtu: number | undefined
  #last: Promise<unknown> = Promise.resolve()
  #pending = 0

  constructor(options: HostNetworkOptions) {
    this.#options = options
    this.#runner = options.runner
    this.bridge = options.bridge ?? BRIDGE_NAME
    this.tap = options.tap ?? TAP_NAME
    this.#firewall = new HostFirewall(this.#runner, this.bridge, options.mac)
    this.#interfaces = new InterfaceLook(this.#runner)
  }

  /**
   * Checks what can be known before anything is made. Fails with NOT_ROOT, NO_TUN, MISSING_TOOL, BRIDGE_FOREIGN,
   * RANGE_OVERLAP, or CONFIG_INVALID for the MTU.
   */
  async preflight(): Promise<void> {
    if (this.#options.mtu !== undefined) configuredMtu(this.#options.mtu)
    const { range, mayAdoptBridge = false } = this.#options
    await preflight(this.#runner, { bridge: this.bridge, tap: this.tap, range, mayAdoptBridge })
  }

  /** The overlay's MTU in bytes; known once `prepareBridge` is done. */
  get mtu(): number | undefined {
    return this.#mtu
  }

  /**
   * Makes the bridge, or mends it. `peers`: addresses of known peers, by whose routes the MTU is chosen. Fails with
   * BRIDGE_FOREIGN or COMMAND_FAILED.
   */
  prepareBridge(peers: readonly string[] = []): Promise<{
    readonly mtu: number
    /** The smallest MTU on the ways to the peers, in bytes. */
    readonly underlay: number
    readonly isAdopted: boolean
    readonly firewall: FirewallReport
  }> {
    return this.#inTurn(async () => {
      const underlay = await this.#underlay(peers)
      const given = this.#options.mtu
      const mtu = given === undefined ? overlayMtu(underlay) : configuredMtu(given)
      if (this.#mtu === undefined) await removeHalfMadePairs(this.#runner)
      this.#mtu = mtu
      const isAdopted = await ensureBridge(this.#runner, this.#bridgeSettings(mtu))
      return { mtu, underlay, isAdopted, firewall: await this.#firewall.ensure() }
    })
  }

  /** Makes the packet engine's TAP device (by default the one named at construction) a port of the bridge. */
  plugTap(name: string = this.tap): Promise<void> {
    return this.#inTurn(async () => ensureTapPort(this.#runner, this.#bridgeSettings(this.#knownMtu()), name))
  }

  /** What is asked of the interfaces while this goes on is of one look at them: see `InterfaceLook`. */
  look<T>(all: () => Promise<T>): Promise<T> {
    return this.#interfaces.within(all)
  }

  /** The kernel has told of a change. */
  noteChange(): void {
    this.#interfaces.noteChange()
  }

  /**
   * Puts back what somebody removed by hand: the bridge, the TAP's place on it, and that of the targets' interfaces.
   * Returns what was put back.
   */
  mend(targetIds: ReadonlySet<string>): Promise<readonly string[]> {
    return this.#reading(async () => this.#mend(targetIds))
  }

  async #mend(targetIds: ReadonlySet<string>): Promise<readonly string[]> {
    const all = await this.#interfaces.all()
    const interfaces = new Map(all.map(one => [one.ifname, one]))
    const mended: string[] = []
    const settings = this.#bridgeSettings(this.#knownMtu())
    if (interfaces.get(this.bridge)?.flags.includes('UP') !== true) {
      this.noteChange()
      await ensureBridge(this.#runner, settings)
      mended.push(`bridge ${this.bridge}`)
    }
    if (interfaces.has(this.tap) && interfaces.get(this.tap)?.master !== this.bridge) {
      this.noteChange()
      await ensureTapPort(this.#runner, settings, this.tap)
      mended.push(`${this.tap} on the bridge`)
    }
    for (const end of hostEnds(all)) {
      if (end.master !== undefined || !targetIds.has(end.targetId)) continue
      this.noteChange()
      await this.#runner.run(['ip', 'link', 'set', 'dev', end.hostInterface, 'master', this.bridge, 'up'])
      mended.push(`${end.targetId} on the bridge`)
    }
    return mended
  }

  /**
   * Puts back what a firewall's reload took away. Call it every now and then. `isTold`: changes of nftables are told, so
   * that only the rest need be looked at.
   */
  reconcileFirewall(isTold = false): Promise<FirewallReport> {
    return this.#reading(async () => (isTold ? this.#firewall.glance() : this.#firewall.ensure()))
  }

  /**
   * What `netns:NAME`, `netns:/PATH`, `/PATH`, `pid:N`, or a container's id or name stands for. See `resolveTarget`.
   */
  resolve(target: string): Promise<Target> {
    return resolveTarget(target, { runner: this.#runner, containers: this.#options.containers })
  }

  /** See `isPlugged` in bridge-fdb.ts. */
  isPlugged(mac: Mac): Promise<boolean | undefined> {
    return isPlugged(this.#runner, this.bridge, this.tap, mac)
  }

  /** Plugs a target in with these addresses (CIDR form). See `attach` in attachment.ts. */
  attach(
    target: Target,
    addresses: readonly string[],
    options: Pick<AttachmentSettings, 'multicastRoute' | 'guestInterface' | 'mac' | 'ipv6'> = {},
  ): Promise<PluggedTarget> {
    return this.#inTurn(async () => {
      if ((await showInterface(this.#runner, this.bridge)) === undefined) {
        this.noteChange()
        await this.#mend(new Set())
      }
      return attach(this.#runner, target, addresses, { ...this.#attachmentSettings(), ...options })
    })
  }

  /** Takes addresses away, and the interface with the last one; returns what is left. */
  detach(
    target: Target,
    addresses: readonly string[] | 'all',
    guestInterface: string = GUEST_NAME,
  ): Promise<readonly string[]> {
    return this.#inTurn(async () => detach(this.#runner, target, addresses, guestInterface))
  }

  /** Removes the pairs of a target, but for that of its namespace when it is given. None is no error. */
  unplug(targetId: string, but?: Target): Promise<void> {
    return this.#inTurn(async () => unplug(this.#runner, targetId, but))
  }

  inspect(target: Target, guestInterface: string = GUEST_NAME): Promise<PluggedTarget | undefined> {
    return this.#reading(async () => inspectAttachment(this.#runner, target, guestInterface))
  }

  /** Makes a veth pair that is plugged in here and not placed yet. See `makePair` in loose-pair.ts. */
  makePair(id: string, options: { readonly mac?: string; readonly mtu?: number } = {}): Promise<LoosePair> {
    return this.#inTurn(async () => makePair(this.#runner, id, { ...this.#attachmentSettings(), ...options }))
  }

  /** Places such a pair in a target, with these addresses (CIDR form). See `placePair`. */
  placePair(
    id: string,
    target: Target,
    guestInterface: string,
    addresses: readonly string[] = [],
  ): Promise<PluggedTarget> {
    return this.#inTurn(async () => placePair(this.#runner, id, target, guestInterface, addresses))
  }

  /** Takes up such a pair that somebody else has placed. See `adoptPair`. */
  adoptPair(id: string, target: Target, guestInterface?: string): Promise<PluggedTarget> {
    return this.#inTurn(async () => adoptPair(this.#runner, id, target, guestInterface))
  }

  /** What such a pair has where somebody else has placed it. See `inspectPair`. */
  inspectPair(id: string, target: Target): Promise<PluggedTarget> {
    return this.#reading(async () => inspectPair(this.#runner, id, target))
  }

  /** Removes such a pair, placed or not; none is no error. */
  removePair(id: string): Promise<void> {
    return this.#inTurn(async () => removePair(this.#runner, id))
  }

  /**
   * Takes these for all that the host has on the overlay: the firewall follows them, then the bridge gets those that it
   * does not hold; without those of IPv6 where the bridge has none. Returns these, and what the bridge holds besides. See
   * `addBridgeAddresses`. On failure all is as it was.
   */
  expose(
    wanted: readonly ExposedAddress[],
  ): Promise<{ readonly added: readonly string[]; readonly foreign: readonly string[]; readonly isIpv6Off: boolean }> {
    return this.#reading(async () => {
      const isDual = wanted.some(({ ipv6 }) => ipv6 !== undefined)
      const isIpv6Off = isDual && !(await hasIpv6(this.#runner, this.bridge))
      const exposed = isIpv6Off ? wanted.map(({ cidr, isMasqueraded }) => ({ cidr, isMasqueraded })) : wanted
      const before = this.#firewall.exposed
      await this.#firewall.setExposed(exposed)
      try {
        const bridge = { name: this.bridge, mac: this.#options.mac }
        const outcome = await addBridgeAddresses(this.#runner, bridge, exposed.flatMap(addressesOf), await this.#held())
        if (outcome.added.length > 0) this.noteChange()
        return { ...outcome, isIpv6Off }
      } catch (error) {
        this.noteChange()
        await this.#firewall.setExposed(before).catch(() => undefined)
        throw error
      }
    })
  }

  /** Takes addresses (CIDR form) from the host; those that it does not hold are no error. */
  hide(addresses: readonly string[]): Promise<void> {
    return this.#inTurn(async () => {
      await removeBridgeAddresses(this.#runner, this.bridge, addresses)
      await this.#firewall.setExposed(this.#firewall.exposed.filter(({ cidr }) => !addresses.includes(cidr)))
    })
  }

  /** Whether this host routes packets of IPv4. */
  async isForwarding(): Promise<boolean> {
    const { stdout } = await this.#runner.run(['cat', '/proc/sys/net/ipv4/ip_forward'])
    return stdout.trim() === '1'
  }

  /** A route of the host that leads into this subnet of IPv4, over whatever interface; the default route is none. */
  async routeInto(subnet: Cidr): Promise<string | undefined> {
    const found = overlappingRoute(subnet, await this.#routes(4))
    return found && formatCidr(found.destination)
  }

  /** What the bridge holds, whoever gave it. */
  exposed(): Promise<readonly string[]> {
    return this.#reading(async () => this.#held())
  }

  /** Our host ends on the bridge: what is attached and alive. */
  list(): Promise<readonly HostEnd[]> {
    return this.#reading(async () => hostEnds(await this.#interfaces.all()))
  }

  /**
   * Removes veth pairs, TAP, bridge and firewall rules: nothing of ours stays on the host. `addresses`: of the host (CIDR
   * form), beside those that it was told of. Safe to repeat.
   */
  remove(addresses: readonly string[] = []): Promise<void> {
    return this.#inTurn(async () => {
      // Those of a bridge that stays.
      const exposed = [...new Set([...this.#firewall.exposed.flatMap(addressesOf), ...addresses])]
      await removeBridgeAddresses(this.#runner, this.bridge, exposed)
      await removeHalfMadePairs(this.#runner)
      await removeBridge(this.#runner, this.bridge, this.tap)
      await this.#firewall.remove()
    })
  }

  async #underlay(peers: readonly string[]): Promise<number> {
    const toPeers = await Promise.all(peers.map(peer => routeTo(this.#runner, peer)))
    const known = toPeers.filter(route => route !== undefined)
    const routes = known.length > 0 ? known : [...(await this.#routes(4)), ...(await this.#routes(6))]
    return underlayMtu(routes, await showInterfaces(this.#runner), new Set([this.bridge, this.tap]))
  }

  #routes(family: 4 | 6) {
    return showRoutes(this.#runner, family)
  }

  #knownMtu(): number {
    if (this.#mtu !== undefined) return this.#mtu
    throw new WeaveError('INTERNAL', 'the bridge is not prepared yet', 'report this: it is a fault of weave-ts')
  }

  #bridgeSettings(mtu: number): BridgeSettings {
    return { name: this.bridge, mac: this.#options.mac, mtu, mayAdopt: this.#options.mayAdoptBridge === true }
  }

  #attachmentSettings(): AttachmentSettings {
    return { bridge: this.bridge, mtu: this.#knownMtu(), multicastRoute: this.#options.multicastRoute ?? true }
  }

  /** What the bridge holds, whoever gave it; nothing when there is no bridge. */
  async #held(): Promise<readonly string[]> {
    const found = await this.#interfaces.named(this.bridge)
    return found === undefined ? [] : heldAddresses(found)
  }

  /** In turn what changes interfaces. */
  #inTurn<T>(change: () => Promise<T>): Promise<T> {
    return this.#reading(async () => {
      try {
        return await change()
      } finally {
        this.noteChange()
      }
    })
  }

  /** In turn what reads, or itself notes what it changes. */
  async #reading<T>(change: () => Promise<T>): Promise<T> {
    if (this.#pending >= PENDING_CHANGES_MAX) {
      throw new WeaveError(
        'DAEMON_BUSY',
        `${this.#pending} changes of the host's network wait for their turn; the limit is ${PENDING_CHANGES_MAX}`,
        'try again in a moment',
      )
    }
    this.#pending++
    const turn = this.#last.then(change)
    this.#last = turn.catch(() => undefined)
    try {
      return await turn
    } finally {
      this.#pending--
    }
  }
}

/** In CIDR form. */
function addressesOf({ cidr, ipv6 }: ExposedAddress): string[] {
  return ipv6 === undefined ? [cidr] : [cidr, ipv6]
}
