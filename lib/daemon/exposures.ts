import { contains, formatCidr, parseCidr, type Cidr } from '../address/mod.ts'
import { WeaveError } from '../base/mod.ts'
import type { ExposedAddress, HostNetwork } from '../host/mod.ts'
import { LEASE_HOLDER, parseAddressForms, parseClaim, type AddressForm } from '../ipam/mod.ts'
import type { StateStore } from '../io/mod.ts'
import { EXPOSED_ID, EXPOSURE_PREFIX, EXPOSURES_MAX } from './constants.ts'
import { ExposureNames } from './exposure-names.ts'
import { ipv6Among, type Ipv6Plan } from './ipv6-plan.ts'
import type { NameBook } from './name-book.ts'
import type { NodeRunner } from './node-runner.ts'
import { waitBudget } from './wait-budget.ts'

export interface ExposureParts {
  readonly host: Pick<HostNetwork, 'expose' | 'hide' | 'exposed'>
  readonly runner: Pick<NodeRunner, 'input' | 'requestAddress'> & {
    readonly node: Pick<NodeRunner['node'], 'leasesOf'>
  }
  readonly store: Pick<StateStore, 'range' | 'get' | 'write'>
  readonly book: Pick<NameBook, 'domain' | 'publish'>
  readonly ipv6: Pick<Ipv6Plan, 'of' | 'isOfMesh'>
  /** Of addresses that the mesh hands out. */
  readonly range: Cidr
}

/** In CIDR form: what was given or taken away, and the IPv6 addresses that go with it. */
export interface ExposeOutcome {
  readonly cidrs: string[]
  readonly ipv6: string[]
}

export interface ExposeOptions {
  readonly isMasqueraded: boolean
  readonly signal: AbortSignal
  /** As an operator writes them, besides those that it has. */
  readonly names?: readonly string[]
  /** How long all addresses may be waited for; the node decides when undefined. */
  readonly waitMs?: number | undefined
}

/**
 * The host's own addresses on the overlay: leased from the node, kept in the store, held by the bridge. One change at a
 * time.
 */
export class Exposures {
  readonly names: ExposureNames
  readonly #parts: ExposureParts
  readonly #listeners = new Set<(cidrs: readonly string[]) => void>()
  #turn: Promise<unknown> = Promise.resolve()
  /** What the listeners were told last. */
  #told = ''
  #foreign: readonly string[] = []
  /** What the bridge was given besides. */
  #ipv6: readonly string[] = []
  #isIpv6Off = false

  constructor(parts: ExposureParts) {
    this.#parts = parts
    this.names = new ExposureNames(parts.store, parts.book)
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

  /** The IPv6 addresses that go with those that are recorded, in CIDR form; none where the host has IPv6 off. */
  get ipv6(): readonly string[] {
    return this.#ipv6
  }

  /** It has none because this host has IPv6 switched off. */
  get isIpv6Off(): boolean {
    return this.#isIpv6Off
  }

  /** Calls whenever the addresses that this host answers at (CIDR form) have changed. Returns how to end that. */
  watch(listener: (cidrs: readonly string[]) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /**
   * Gives the host addresses, and returns them; what it has already it keeps, but for the masquerade. On
   * failure all is as it was before.
   */
  expose(forms: readonly string[], options: ExposeOptions): Promise<ExposeOutcome> {
    const wanted = parseAddressForms(forms, this.#parts.range)
    const names = this.names.parse(options.names ?? [])
    return this.#inTurn(() => this.#expose(wanted, { ...options, names }))
  }

  /** Changes the names of this host, which are relative to the zone. Returns them. */
  rename(change: (known: readonly string[]) => string[]): Promise<string[]> {
    return this.#inTurn(async () => {
      const cidrs = this.#cidrs()
      if (cidrs.length === 0)
        throw new WeaveError('NOT_EXPOSED', 'this host is not exposed', 'expose it with `weave-ts expose`')
      const before = this.names.all
      this.names.set(change(before))
      try {
        this.#publish(cidrs)
      } catch (error) {
        this.names.set(before)
        throw error
      }
      return [...this.names.all]
    })
  }

  /** Takes addresses away (all, when none is named) and returns what was removed. With the last one go the names. */
  hide(forms: readonly string[]): Promise<ExposeOutcome> {
    const named = forms.map(form => formatCidr(parseClaim(form, this.#parts.range)))
    return this.#inTurn(() => this.#hide(named))
  }

  /** Which of them the bridge holds now. */
  async present(): Promise<ReadonlySet<string>> {
    const held = await this.#parts.host.exposed()
    return new Set(this.#cidrs().filter(cidr => held.includes(cidr)))
  }

  /** Puts back what the bridge has lost, and ends leases that are not recorded. Returns what was put back. */
  reconcile(): Promise<readonly string[]> {
    return this.#inTurn(async () => {
      const cidrs = this.#cidrs()
      // The daemon ended between the lease and the record.
      for (const lease of this.#leases()) if (!cidrs.includes(formatCidr(lease))) this.#free(lease)
      const { added, foreign } = await this.#give(this.all)
      this.#foreign = foreign.filter(text => {
        const cidr = parseCidr(text)
        return cidr !== undefined && contains(this.#parts.range, cidr.address)
      })
      this.#tell()
      this.#publish(cidrs)
      return added
    })
  }

  async #expose(
    wanted: readonly AddressForm[],
    { isMasqueraded, signal, names = [], waitMs }: ExposeOptions,
  ): Promise<ExposeOutcome> {
    const before = this.all
    const namesBefore = this.names.all
    const heldBefore = new Set(this.#leases().map(formatCidr))
    const granted: Cidr[] = []
    try {
      const { runner } = this.#parts
      const left = waitBudget(waitMs)
      for (const form of wanted)
        granted.push(...(await runner.requestAddress(EXPOSED_ID, form, signal, LEASE_HOLDER.exposure, left())))
      const cidrs = [...new Set(granted.map(formatCidr))]
      checkCount(new Set([...before.map(({ cidr }) => cidr), ...cidrs]).size)
      // Recorded first: after a crash on the way `reconcile` must not free an address that the host has.
      this.#write(cidrs.map(cidr => ({ cidr, isMasqueraded })))
      this.names.set([...namesBefore, ...names])
      this.#publish(this.#cidrs())
      await this.#give(this.all)
      this.#publish(this.#cidrs())
      this.#tell()
      return { cidrs, ipv6: ipv6Among(this.#ipv6, cidrs) }
    } catch (error) {
      const fresh = granted.filter(cidr => !heldBefore.has(formatCidr(cidr)))
      this.#takeBack(fresh.map(formatCidr), before, namesBefore)
      for (const cidr of fresh) this.#free(cidr)
      throw error
    }
  }

  async #hide(named: readonly string[]): Promise<ExposeOutcome> {
    const held = [...this.#cidrs()]
    const unknown = named.find(cidr => !held.includes(cidr))
    if (unknown !== undefined)
      throw new WeaveError(
        'NOT_EXPOSED',
        `this host is not exposed at ${unknown}; it is at ${held.length === 0 ? 'no address' : held.join(' ')}`,
        'name one that `weave-ts ps` shows, or none for all',
      )
    const leaving = named.length === 0 ? held : [...new Set(named)]
    const ipv6 = ipv6Among(this.#ipv6, leaving)
    await this.#parts.host.hide([...leaving, ...ipv6])
    this.#ipv6 = this.#ipv6.filter(text => !ipv6.includes(text))
    this.#write([], leaving)
    const left = this.#cidrs()
    if (left.length === 0) this.names.set([])
    this.#publish(left)
    for (const cidr of leaving) this.#free(parseCidr(cidr)!)
    this.#tell()
    return { cidrs: leaving, ipv6 }
  }

  /** Makes these, with the IPv6 addresses that go with them, all that the host has on the overlay. */
  async #give(exposed: readonly ExposedAddress[]): ReturnType<ExposureParts['host']['expose']> {
    const { host, ipv6: plan } = this.#parts
    const ipv6 = plan.of(exposed.map(({ cidr }) => cidr))
    const outcome = await host.expose(
      exposed.map((one, i) => (ipv6[i] === undefined ? one : { ...one, ipv6: ipv6[i] })),
    )
    this.#isIpv6Off = outcome.isIpv6Off
    this.#ipv6 = outcome.isIpv6Off ? [] : ipv6
    // Of an earlier run: IPv6 was switched off since, or a lease ended.
    const stale = outcome.foreign.filter(text => plan.isOfMesh(text))
    if (stale.length > 0) await host.hide(stale)
    return outcome
  }

  #publish(cidrs: readonly string[]): void {
    this.names.publish(cidrs, ipv6Among(this.#ipv6, cidrs))
  }

  #cidrs(): readonly string[] {
    return this.all.map(({ cidr }) => cidr)
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
  #takeBack(cidrs: readonly string[], before: readonly ExposedAddress[], names: readonly string[]): void {
    try {
      this.#write(before, cidrs)
      this.names.set(names)
      this.#publish(before.map(({ cidr }) => cidr))
    } catch (error) {
      if (!(error instanceof WeaveError) || error.code !== 'STATE_IO') throw error
    }
  }

  #tell(): void {
    const cidrs = this.#cidrs()
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
