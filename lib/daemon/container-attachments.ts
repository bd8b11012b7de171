import { formatCidr, parseCidr } from '../address/mod.ts'
import type { HostNetwork } from '../host/mod.ts'
import { familiesOf, type Ipv6Plan } from './ipv6-plan.ts'
import { isContainerId, macOf, type AttachmentRecord, type AttachmentRecords } from './attachment-records.ts'
import type { KeyedTurns } from './keyed-turns.ts'
import type { NameBook } from './name-book.ts'
import type { NodeRunner } from './node-runner.ts'

export interface ContainerAttachmentParts {
  readonly host: Pick<HostNetwork, 'resolve' | 'list' | 'inspect' | 'attach' | 'unplug'>
  readonly runner: Pick<NodeRunner, 'input' | 'requestAddress'> & {
    readonly node: Pick<NodeRunner['node'], 'leasesOf'>
  }
  readonly records: AttachmentRecords
  readonly turns: KeyedTurns
  readonly book: Pick<NameBook, 'publish' | 'set'>
  readonly ipv6: Pick<Ipv6Plan, 'of'>
}

/** Attachments of containers, through their stops and starts: what is recorded of one lasts as long as it exists. */
export class ContainerAttachments {
  readonly #host: ContainerAttachmentParts['host']
  readonly #runner: ContainerAttachmentParts['runner']
  readonly #records: AttachmentRecords
  readonly #turns: KeyedTurns
  readonly #book: ContainerAttachmentParts['book']
  readonly #ipv6: ContainerAttachmentParts['ipv6']

  constructor(parts: ContainerAttachmentParts) {
    this.#host = parts.host
    this.#runner = parts.runner
    this.#records = parts.records
    this.#turns = parts.turns
    this.#book = parts.book
    this.#ipv6 = parts.ipv6
  }

  all(): AttachmentRecord[] {
    return this.#records.all().filter(record => isContainerId(record.id))
  }

  recordOf(id: string): AttachmentRecord | undefined {
    return this.#records.get(id)
  }

  /** The targets that have an interface. */
  async pluggedIds(): Promise<ReadonlySet<string>> {
    return new Set((await this.#host.list()).map(end => end.targetId))
  }

  /**
   * Plugs a container that has started again in as it was: with its addresses and its MAC. Returns false when it is
   * plugged in already, or not recorded. What it was given meanwhile stays; a failure changes nothing that is recorded.
   */
  replug(id: string, signal: AbortSignal): Promise<boolean> {
    return this.#turns.take(id, async () => {
      const record = this.#records.get(id)
      if (record === undefined) return false
      const target = await this.#host.resolve(id)
      // The pair of its namespace before may be on its way out only, and would answer for its addresses.
      await this.#host.unplug(id, target)
      const plugged = await this.#host.inspect(target)
      const held = [...record.cidrs, ...(record.ipv6 ?? [])]
      if (plugged !== undefined && held.every(cidr => plugged.addresses.includes(cidr))) return false
      const leased = new Set(this.#runner.node.leasesOf(id).map(formatCidr))
      const missing = record.cidrs.filter(cidr => !leased.has(cidr))
      for (const text of missing)
        await this.#runner.requestAddress(id, { type: 'claim', cidr: parseCidr(text)! }, signal)
      const { multicastRoute = true } = record
      const ipv6 = this.#ipv6.of(record.cidrs)
      const attachment = await this.#host.attach(target, record.cidrs, { multicastRoute, ipv6, ...macOf(record) })
      const { description } = target
      const netnsInode = String(target.netnsInode)
      const now = { ...record, ...familiesOf(ipv6, attachment), description, netnsInode, mac: attachment.mac }
      this.#records.put(now)
      this.#book.publish(now)
      return true
    })
  }

  /** Takes the interface of a container that has stopped away; its addresses are kept for it. */
  unplug(id: string): Promise<void> {
    return this.#turns.take(id, async () => {
      if (this.#records.get(id) === undefined) return
      this.#book.set(id, [], [])
      await this.#host.unplug(id)
    })
  }

  /** Ends the attachment of a container that is gone for good; gives what was recorded. */
  release(id: string): Promise<AttachmentRecord | undefined> {
    return this.#turns.take(id, async () => {
      const record = this.#records.get(id)
      if (record === undefined) return undefined
      this.#book.set(id, [], [])
      await this.#host.unplug(id)
      this.#records.delete(id)
      this.#runner.input((node, now) => node.freeAddresses(id, undefined, now))
      return record
    })
  }
}
