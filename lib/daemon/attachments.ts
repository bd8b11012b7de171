import { formatCidr, parseCidr, type Cidr } from '../address/mod.ts'
import type { AttachmentFound } from '../api/mod.ts'
import { WeaveError } from '../base/mod.ts'
import type { HostNetwork, Target } from '../host/mod.ts'
import { checkNoAddress, LEASE_HOLDER, parseAddressForms, parseClaim } from '../ipam/mod.ts'
import { Attaching, type AttachOutcome } from './attaching.ts'
import type { AttachmentRecords } from './attachment-records.ts'
import { EXPOSED_ID } from './constants.ts'
import { ipv6Among, type Ipv6Plan } from './ipv6-plan.ts'
import { KeyedTurns } from './keyed-turns.ts'
import type { NameBook } from './name-book.ts'
import type { NodeRunner } from './node-runner.ts'
import type { ResolvConfs } from './resolv-confs.ts'

export interface AttachmentParts {
  readonly host: Pick<HostNetwork, 'resolve' | 'list' | 'attach' | 'detach' | 'unplug'>
  readonly runner: Pick<NodeRunner, 'input' | 'requestAddress'> & {
    readonly node: Pick<NodeRunner['node'], 'leases' | 'leasesOf'>
  }
  readonly records: AttachmentRecords
  readonly book: Pick<NameBook, 'domain' | 'set' | 'publish'>
  readonly resolvConfs: Pick<ResolvConfs, 'plan' | 'put' | 'remove'>
  readonly ipv6: Pick<Ipv6Plan, 'of'>
  /** Of the mesh; for hints. */
  readonly range: Cidr
  /** Commands that take a target off the networks of Docker that it is on. */
  readonly disconnects: (id: string) => readonly string[]
}

export interface AttachOptions {
  readonly multicastRoute: boolean
  readonly signal: AbortSignal
  /** As an operator writes them, besides those that the target brings. */
  readonly names?: readonly string[]
  /** False: only the names that are given. */
  readonly defaultNames?: boolean
  /** True: its namespace gets a resolv.conf. */
  readonly resolvConf?: boolean
  /** How long all addresses may be waited for; the node decides when undefined. */
  readonly waitMs?: number | undefined
}

/**
 * What is plugged into the overlay: gets addresses from the node, interfaces from the host, and remembers both in the
 * store, so that a daemon that starts again keeps what is there. One change at a time for each target.
 */
export class Attachments {
  readonly records: AttachmentRecords
  /** Whoever changes an attachment takes a turn of its target. */
  readonly turns = new KeyedTurns()
  readonly #host: AttachmentParts['host']
  readonly #runner: AttachmentParts['runner']
  readonly #book: AttachmentParts['book']
  readonly #attaching: Attaching
  readonly #resolvConfs: Pick<ResolvConfs, 'remove'>
  readonly #disconnects: AttachmentParts['disconnects']
  readonly #range: Cidr

  constructor(parts: AttachmentParts) {
    this.#host = parts.host
    this.#runner = parts.runner
    this.#book = parts.book
    this.records = parts.records
    this.#resolvConfs = parts.resolvConfs
    this.#disconnects = parts.disconnects
    this.#range = parts.range
    this.#attaching = new Attaching(parts)
  }

  /**
   * Plugs a target in and returns the addresses that it got. Attached already, it gets what is missing and keeps the
   * rest. On failure nothing is left that was not there before.
   */
  async attach(text: string, forms: readonly string[], options: AttachOptions): Promise<AttachOutcome> {
    checkNoAddress(text)
    const wanted = parseAddressForms(forms, this.#range)
    const given = this.#book.domain.parseAll(options.names ?? [])
    const target = await this.#host.resolve(text)
    const { multicastRoute, signal, defaultNames = true, resolvConf = false, waitMs } = options
    const order = { multicastRoute, signal, given, isBare: !defaultNames, resolvConf, waitMs }
    return this.turns.take(target.id, () => this.#attaching.attach(text, target, wanted, order))
  }

  /** Takes addresses away (all, when none is named), with the IPv6 addresses of each; returns what was removed. */
  async detach(text: string, forms: readonly string[]): Promise<Pick<AttachOutcome, 'cidrs' | 'ipv6'>> {
    checkNoAddress(text)
    if (text === EXPOSED_ID)
      throw new WeaveError('BAD_TARGET', `${text} is this host itself`, 'take its addresses away with `weave-ts hide`')
    const named = forms.map(form => parseClaim(form, this.#range))
    const { id, target } = await this.#find(text)
    return this.turns.take(id, () => this.#detach(text, id, target, named))
  }

  /** Changes the names of an attachment, which are relative to the zone. Returns them. */
  async rename(text: string, change: (known: readonly string[]) => string[]): Promise<string[]> {
    const { id } = await this.#find(text)
    return this.turns.take(id, async () => {
      const stored = this.records.get(id)
      if (stored === undefined) throw this.#notAttached(text, id)
      const names = this.#book.domain.checkCount(change(stored.names ?? []))
      // One that is stopped has its names again when it starts.
      if (!(await this.#attaching.isGone(id))) this.#book.publish({ ...stored, names })
      this.records.put({ ...stored, names })
      return names
    })
  }

  /** All that is recorded, with what the host says of it now. */
  async list(): Promise<AttachmentFound[]> {
    const present = await this.presentIds()
    return this.records.all().map(stored => ({
      id: stored.id,
      description: stored.description,
      mac: stored.mac,
      cidrs: [...stored.cidrs],
      ipv6: [...(stored.ipv6 ?? [])],
      isIpv6Off: stored.isIpv6Off === true,
      names: (stored.names ?? []).map(name => this.#book.domain.full(name)),
      isPresent: present.has(stored.id),
    }))
  }

  /** The targets that have an interface. */
  async presentIds(): Promise<ReadonlySet<string>> {
    return new Set((await this.#host.list()).map(end => end.targetId))
  }

  /** The targets of all that is recorded. */
  get targetIds(): ReadonlySet<string> {
    return new Set(this.records.all().map(stored => stored.id))
  }

  /**
   * Compares what is recorded with the host: an attachment whose interface is gone (its namespace was removed) gives its
   * addresses back, unless they are kept for it. Returns the ids of those that went.
   */
  async reconcile(isKept: (id: string) => boolean = () => false): Promise<string[]> {
    const present = await this.presentIds()
    const gone = this.records.all().filter(stored => !present.has(stored.id) && !isKept(stored.id))
    const forgotten: string[] = []
    for (const { id } of gone)
      await this.turns.take(id, async () => {
        // What was attached since the host was asked is not gone.
        if (!(await this.#attaching.isGone(id))) return
        this.#forget(id)
        forgotten.push(id)
      })
    // A lease whose attachment was never recorded: the daemon ended between the two.
    const known = new Set(this.records.all().map(stored => stored.id))
    for (const { container } of this.#runner.node.leases(LEASE_HOLDER.attachment))
      if (!known.has(container) && !this.turns.has(container))
        this.#runner.input((node, now) => node.freeAddresses(container, undefined, now))
    for (const record of this.records.all()) if (present.has(record.id)) this.#book.publish(record)
    return forgotten
  }

  async #detach(
    text: string,
    id: string,
    target: Target | undefined,
    named: readonly Cidr[],
  ): Promise<Pick<AttachOutcome, 'cidrs' | 'ipv6'>> {
    const stored = this.records.get(id)
    if (stored === undefined) throw this.#notAttached(text, id)
    const wanted = named.length === 0 ? [...stored.cidrs] : named.map(formatCidr)
    const unknown = wanted.find(cidr => !stored.cidrs.includes(cidr))
    if (unknown !== undefined)
      throw new WeaveError(
        'NOT_ATTACHED',
        `${text} does not have ${unknown}; it has ${stored.cidrs.join(' ')}`,
        'name one of those, or none for all',
      )
    const left = stored.cidrs.filter(cidr => !wanted.includes(cidr))
    const ipv6 = ipv6Among(stored.ipv6 ?? [], wanted)
    if (target !== undefined) await this.#host.detach(target, left.length === 0 ? 'all' : [...wanted, ...ipv6])
    if (left.length === 0) {
      // Also from a namespace that is not called so any longer.
      await this.#host.unplug(id)
      this.#forget(id)
    } else {
      const kept = { ...stored, cidrs: left, ipv6: (stored.ipv6 ?? []).filter(text => !ipv6.includes(text)) }
      this.records.put(kept)
      this.#book.publish(kept)
      for (const cidr of wanted)
        this.#runner.input((node, now) => node.freeAddresses(id, parseCidr(cidr)!.address, now))
    }
    return { cidrs: wanted, ipv6 }
  }

  /** A target that is gone can still be detached: by what it was called when it was attached. */
  async #find(text: string): Promise<{ readonly id: string; readonly target: Target | undefined }> {
    try {
      const target = await this.#host.resolve(text)
      return { id: target.id, target }
    } catch (error) {
      const stored = this.records.find(text)
      if (stored === undefined) throw error
      return { id: stored.id, target: undefined }
    }
  }

  #forget(id: string): void {
    this.#resolvConfs.remove(id, this.records.get(id)?.resolvConf)
    this.records.delete(id)
    this.#book.set(id, [], [])
    this.#runner.input((node, now) => node.freeAddresses(id, undefined, now))
  }

  #notAttached(text: string, id: string): WeaveError {
    const commands = this.#disconnects(id)
    if (commands.length === 0)
      return new WeaveError('NOT_ATTACHED', `${text} is not attached`, 'see what is with `weave-ts ps`')
    return new WeaveError(
      'NOT_ATTACHED',
      `${text} was not attached with weave-ts: it is on ${commands.length === 1 ? 'a network' : 'networks'} of Docker`,
      `take it off with \`${commands.join('; ')}\`; names are given with --network-alias`,
    )
  }
}
