import { contains, formatCidr, parseCidr, type Cidr } from '../address/mod.ts'
import { WeaveError } from '../base/mod.ts'
import type { ExposedAddress, HostNetwork } from '../host/mod.ts'
import { LEASE_HOLDER, parseAddressForms, parseClaim, type AddressForm } from '../ipam/mod.ts'
import type { StateStore } from '../io/mod.ts'
import { EXPOSURE_PREFIX, EXPOSURES_MAX } from './constants.ts'
import type { NodeRunner } from './node-runner.ts'

/** This host, among those that hold addresses. */
export const EXPOSED_ID = 'weave:expose'

export interface ExposureParts {
  readonly host: Pick<HostNetwork, 'expose' | 'hide' | 'exposed'>
  readonly runner: Pick<NodeRunner, 'input' | 'requestAddress'> & {
    readonly node: Pick<NodeRunner['node'], 'leasesOf'>
  }
  readonly store: Pick<StateStore, 'range' | 'write'>
  /** Of addresses that the mesh hands out. */
  readonly range: Cidr
}

/**
 * The host's own addresses on the overlay: leased from the node, kept in the store, held by the bridge. One change at a
 * time.
 */
export class Exposures {
  readonly #parts: ExposureParts
  readonly #listeners = new Set<(cidrs: readonly string[]) => void>()
  #turn: Promise<unknown> = Promise.resolve()
  /** What the listeners were told last. */
  #told = ''
  #foreign: readonly string[] = []

  constructor(parts: ExposureParts) {
    this.#parts = parts
  }

  /** All that is recorded, in the order of the addresses. */
  get all(): readonly ExposedAddress[] {
    return this.#parts.store
      .range(EXPOSURE_PREFIX)
      .map(([, value]) => JSON.parse(new TextDecoder().decode(value)) as ExposedAddress)
      .sort((a, b) => parseCidr(a.cidr)!.address - parseCidr(b.cidr)!.address)
  }

  /** Addresses of the mesh's range that the bridge holds, and that nobody here leased: a container may get them. */
  get foreign(): readonly string[] {
    return this.#foreign
  }

  /** Calls whenever the addresses that this host answers at (CIDR form) have changed. Returns how to end that. */
  watch(listener: (cidrs: readonly string[]) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /**
   * Gives the host addresses, and returns them in CIDR form; what it has already it keeps, but for the masquerade. On
   * failure all is as it was before.
   */
  expose(
    forms: readonly string[],
    options: { readonly isMasqueraded: boolean; readonly signal: AbortSignal },
  ): Promise<string[]> {
    const wanted = parseAddressForms(forms)
    return this.#inTurn(() => this.#expose(wanted, options))
  }

  /** Takes addresses away (all, when none is named) and returns what was removed. */
  hide(forms: readonly string[]): Promise<string[]> {
    const named = forms.map(form => formatCidr(parseClaim(form)))
    return this.#inTurn(() => this.#hide(named))
  }

  /** Which of them the bridge holds now. */
  async present(): Promise<ReadonlySet<string>> {
    const held = await this.#parts.host.exposed()
    return new Set(this.all.map(({ cidr }) => cidr).filter(cidr => held.includes(cidr)))
  }

  /** Puts back what the bridge has lost, and ends leases that are not recorded. Returns what was put back. */
  reconcile(): Promise<readonly string[]> {
    return this.#inTurn(async () => {
      const cidrs = this.all.map(({ cidr }) => cidr)
      // The daemon ended between the lease and the record.
      for (const lease of this.#leases()) if (!cidrs.includes(formatCidr(lease))) this.#free(lease)
      const { added, foreign } = await this.#parts.host.expose(this.all)
      this.#foreign = foreign.filter(text => {
        const cidr = parseCidr(text)
        return cidr !== undefined && contains(this.#parts.range, cidr.address)
      })
      this.#tell()
      return added
    })
  }

  async #expose(
    wanted: readonly AddressForm[],
    { isMasqueraded, signal }: { readonly isMasqueraded: boolean; readonly signal: AbortSignal },
  ): Promise<string[]> {
    const before = this.all
    const heldBefore = new Set(this.#leases().map(formatCidr))
    const granted: Cidr[] = []
    try {
      for (const form of wanted)
        granted.push(...(await this.#parts.runner.requestAddress(EXPOSED_ID, form, signal, LEASE_HOLDER.exposure)))
      const cidrs = [...new Set(granted.map(formatCidr))]
      checkCount(new Set([...before.map(({ cidr }) => cidr), ...cidrs]).size)
      // Recorded first: after a crash on the way `reconcile` must not free an address that the host has.
      this.#write(cidrs.map(cidr => ({ cidr, isMasqueraded })))
      await this.#parts.host.expose(this.all)
      this.#tell()
      return cidrs
    } catch (error) {
      const fresh = granted.filter(cidr => !heldBefore.has(formatCidr(cidr)))
      this.#takeBack(fresh.map(formatCidr), before)
      for (const cidr of fresh) this.#free(cidr)
      throw error
    }
  }

  async #hide(named: readonly string[]): Promise<string[]> {
    const held = this.all.map(({ cidr }) => cidr)
    const unknown = named.find(cidr => !held.includes(cidr))
    if (unknown !== undefined)
      throw new WeaveError(
        'NOT_EXPOSED',
        `this host is not exposed at ${unknown}; it is at ${held.length === 0 ? 'no address' : held.join(' ')}`,
        'name one that `weave-ts ps` shows, or none for all',
      )
    const leaving = named.length === 0 ? held : [...new Set(named)]
    await this.#parts.host.hide(leaving)
    this.#write([], leaving)
    for (const cidr of leaving) this.#free(parseCidr(cidr)!)
    this.#tell()
    return leaving
  }

  #leases(): readonly Cidr[] {
    return this.#parts.runner.node.leasesOf(EXPOSED_ID, LEASE_HOLDER.exposure)
  }

  #free({ address }: Cidr): void {
    this.#parts.runner.input((node, now) => node.freeAddresses(EXPOSED_ID, address, now, LEASE_HOLDER.exposure))
  }

  #write(puts: readonly ExposedAddress[], deletes: readonly string[] = []): void {
    this.#parts.store.write(
      puts.map(exposure => [EXPOSURE_PREFIX + exposure.cidr, new TextEncoder().encode(JSON.stringify(exposure))]),
      deletes.map(cidr => EXPOSURE_PREFIX + cidr),
    )
  }

  /** As it was before. A disk that takes nothing, perhaps the reason, must not keep addresses from being given back. */
  #takeBack(cidrs: readonly string[], before: readonly ExposedAddress[]): void {
    try {
      this.#write(before, cidrs)
    } catch (error) {
      if (!(error instanceof WeaveError) || error.code !== 'STATE_IO') throw error
    }
  }

  #tell(): void {
    const cidrs = this.all.map(({ cidr }) => cidr)
    if (cidrs.join(' ') === this.#told) return
    this.#told = cidrs.join(' ')
    for (const listener of this.#listeners) listener(cidrs)
  }

  #inTurn<T>(change: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(change)
    this.#turn = turn.catch(() => undefined)
    return turn
  }
}

function checkCount(count: number): void {
  if (count > EXPOSURES_MAX)
    throw new WeaveError(
      'BAD_ADDRESS',
      `${count} addresses for this host; the limit is ${EXPOSURES_MAX}`,
      'hide those that are not needed',
    )
}
