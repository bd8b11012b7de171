import { formatCidr, parseCidr, type Cidr } from '../address/mod.ts'
import type { AttachmentFound } from '../api/mod.ts'
import { WeaveError } from '../base/mod.ts'
import type { HostNetwork, Target } from '../host/mod.ts'
import { LEASE_HOLDER, parseAddressForms, parseClaim, type AddressForm } from '../ipam/mod.ts'
import type { StateStore } from '../io/mod.ts'
import { AttachmentRecords, isContainerId, macOf, type AttachmentRecord } from './attachment-records.ts'
import { KeyedTurns } from './keyed-turns.ts'
import type { NameBook } from './name-book.ts'
import type { NodeRunner } from './node-runner.ts'

export interface AttachmentParts {
  readonly host: Pick<HostNetwork, 'resolve' | 'list' | 'attach' | 'detach'>
  readonly runner: Pick<NodeRunner, 'input' | 'requestAddress'> & {
    readonly node: Pick<NodeRunner['node'], 'leases' | 'leasesOf'>
  }
  readonly store: Pick<StateStore, 'range' | 'get' | 'write'>
  readonly book: Pick<NameBook, 'domain' | 'set' | 'publish'>
}

export interface AttachOptions {
  readonly multicastRoute: boolean
  readonly signal: AbortSignal
  /** As an operator writes them, besides those that the target brings. */
  readonly names?: readonly string[]
  /** False: only the names that are given. */
  readonly defaultNames?: boolean
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

  constructor(parts: AttachmentParts) {
    this.#host = parts.host
    this.#runner = parts.runner
    this.#book = parts.book
    this.records = new AttachmentRecords(parts.store)
  }

  /**
   * Plugs a target in and returns its addresses in CIDR form. Attached already, it gets what is missing and keeps the
   * rest. On failure nothing is left that was not there before.
   */
  async attach(text: string, forms: readonly string[], options: AttachOptions): Promise<string[]> {
    const wanted = parseAddressForms(forms)
    const given = this.#book.domain.parseAll(options.names ?? [])
    const target = await this.#host.resolve(text)
    const own = options.defaultNames === false ? [] : (target.names ?? [])
    const names = [...given, ...own.flatMap(name => this.#book.domain.tryParse(name) ?? [])]
    return this.turns.take(target.id, () => this.#attach(text, target, wanted, { ...options, names }))
  }

  /** Takes addresses away (all, when none is named) and returns what was removed. */
  async detach(text: string, forms: readonly string[]): Promise<string[]> {
    const named = forms.map(form => parseClaim(form))
    const { id, target } = await this.#find(text)
    return this.turns.take(id, () => this.#detach(text, id, target, named))
  }

  /** Changes the names of an attachment, which are relative to the zone. Returns them. */
  async rename(text: string, change: (known: readonly string[]) => string[]): Promise<string[]> {
    const { id } = await this.#find(text)
    return this.turns.take(id, async () => {
      const stored = this.records.get(id)
      if (stored === undefined) throw notAttached(text)
      const names = this.#book.domain.checkCount(change(stored.names ?? []))
      // One that is stopped has its names again when it starts.
      if (!(await this.#isGone(id))) this.#book.publish({ ...stored, names })
      this.records.put({ ...stored, names })
      return names
    })
  }

  /** All that is recorded, with what the host says of it now. */
  async list(): Promise<AttachmentFound[]> {
    const plugged = await this.#host.list()
    const present = new Set(plugged.map(end => end.targetId))
    return this.records.all().map(stored => ({
      id: stored.id,
      description: stored.description,
      mac: stored.mac,
      cidrs: [...stored.cidrs],
      isPresent: present.has(stored.id),
    }))
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
    const plugged = await this.#host.list()
    const present = new Set(plugged.map(end => end.targetId))
    const gone = this.records.all().filter(stored => !present.has(stored.id) && !isKept(stored.id))
    const forgotten: string[] = []
    for (const { id } of gone)
      await this.turns.take(id, async () => {
        // What was attached since the host was asked is not gone.
        if (!(await this.#isGone(id))) return
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

  async #isGone(id: string): Promise<boolean> {
    const plugged = await this.#host.list()
    return !plugged.some(end => end.targetId === id)
  }

  async #attach(
    text: string,
    target: Target,
    wanted: readonly AddressForm[],
    { multicastRoute, signal, names = [] }: AttachOptions,
  ): Promise<string[]> {
    const before = this.records.get(target.id)
    const isOther = before !== undefined && !isContainerId(target.id) && before.netnsInode !== String(target.netnsInode)
    if (isOther || (before !== undefined && !isContainerId(target.id) && (await this.#isGone(target.id))))
      this.records.delete(target.id)
    const known = this.records.get(target.id)
    const held = known?.cidrs ?? []
    const heldBefore = new Set(this.#runner.node.leasesOf(target.id).map(formatCidr))
    const granted: Cidr[] = []
    try {
      for (const form of wanted) granted.push(...(await this.#runner.requestAddress(target.id, form, signal)))
      const asked = granted.map(formatCidr)
      const cidrs = [...new Set([...held, ...asked])]
      const record = {
        id: target.id,
        description: target.description,
        target: text,
        netnsInode: String(target.netnsInode),
        cidrs,
        multicastRoute,
        names: this.#book.domain.checkCount([...new Set([...(known?.names ?? []), ...names])]),
      }
      // Recorded first: after a crash on the way `reconcile` must not free an address that the container may have.
      this.records.put({ ...record, mac: known?.mac ?? '' })
      this.#book.publish(record)
      const attachment = await this.#host.attach(target, cidrs, { multicastRoute, ...macOf(known) })
      this.records.put({ ...record, mac: attachment.mac })
      return [...new Set(asked)]
    } catch (error) {
      this.#takeBack(target.id, known)
      for (const cidr of granted)
        if (!heldBefore.has(formatCidr(cidr)))
          this.#runner.input((node, now) => node.freeAddresses(target.id, cidr.address, now))
      throw error
    }
  }

  async #detach(text: string, id: string, target: Target | undefined, named: readonly Cidr[]): Promise<string[]> {
    const stored = this.records.get(id)
    if (stored === undefined) throw notAttached(text)
    const wanted = named.length === 0 ? [...stored.cidrs] : named.map(formatCidr)
    const unknown = wanted.find(cidr => !stored.cidrs.includes(cidr))
    if (unknown !== undefined)
      throw new WeaveError(
        'NOT_ATTACHED',
        `${text} does not have ${unknown}; it has ${stored.cidrs.join(' ')}`,
        'name one of those, or none for all',
      )
    const left = stored.cidrs.filter(cidr => !wanted.includes(cidr))
    if (target !== undefined) await this.#host.detach(target, left.length === 0 ? 'all' : wanted)
    if (left.length === 0) this.#forget(id)
    else {
      this.records.put({ ...stored, cidrs: left })
      this.#book.publish({ ...stored, cidrs: left })
      for (const cidr of wanted)
        this.#runner.input((node, now) => node.freeAddresses(id, parseCidr(cidr)!.address, now))
    }
    return wanted
  }

  /** A target that is gone can still be detached: by what it was called when it was attached. */
  async #find(text: string): Promise<{ readonly id: string; readonly target: Target | undefined }> {
    try {
      const target = await this.#host.resolve(text)
      return { id: target.id, target }
    } catch (error) {
      return { id: this.#goneTarget(text, error), target: undefined }
    }
  }

  #goneTarget(text: string, error: unknown): string {
    const stored = this.records
      .all()
      .find(
        one =>
          one.target === text ||
          one.id === text ||
          one.description === `container ${text}` ||
          (text.length >= 12 && one.id.startsWith(text)),
      )
    if (stored === undefined) throw error
    return stored.id
  }

  #forget(id: string): void {
    this.records.delete(id)
    this.#book.set(id, [], [])
    this.#runner.input((node, now) => node.freeAddresses(id, undefined, now))
  }

  /** As it was before. A disk that takes nothing, perhaps the reason, must not keep addresses from being given back. */
  #takeBack(id: string, known: AttachmentRecord | undefined): void {
    this.#book.publish(known ?? { id, cidrs: [] })
    try {
      if (known === undefined) this.records.delete(id)
      else this.records.put(known)
    } catch (error) {
      if (!(error instanceof WeaveError) || error.code !== 'STATE_IO') throw error
    }
  }
}

function notAttached(text: string): WeaveError {
  return new WeaveError('NOT_ATTACHED', `${text} is not attached`, 'see what is with `weave-ts ps`')
}
