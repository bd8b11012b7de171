import type { Logger } from 'pino'
import { errorText } from '../base/mod.ts'
import type { HostNetwork } from '../host/mod.ts'
import { macOf, type AttachmentRecord, type AttachmentRecords } from './attachment-records.ts'
import { familiesOf, type Ipv6Plan } from './ipv6-plan.ts'
import type { KeyedTurns } from './keyed-turns.ts'
import type { NameBook } from './name-book.ts'

export interface Ipv6MendingParts {
  readonly host: Pick<HostNetwork, 'resolve' | 'attach' | 'detach'>
  readonly records: AttachmentRecords
  readonly turns: KeyedTurns
  readonly book: Pick<NameBook, 'publish'>
  readonly ipv6: Pick<Ipv6Plan, 'of' | 'isKnown'>
  readonly log: Pick<Logger, 'info' | 'warn'>
}

/**
 * Makes what is attached have the IPv6 addresses of today: an earlier version gave none, `--no-ipv6` came or went, or
 * the mesh is another.
 */
export class Ipv6Mending {
  readonly #parts: Ipv6MendingParts
  /** Targets for which it failed, with what was told. */
  readonly #told = new Map<string, string>()

  constructor(parts: Ipv6MendingParts) {
    this.#parts = parts
  }

  /** Never fails. `present`: ids of the targets that are plugged in. Costs nothing where all is as it should be. */
  async mend(present: ReadonlySet<string>): Promise<void> {
    const { records, turns } = this.#parts
    for (const { id } of records.all().filter(record => present.has(record.id) && this.#isDue(record))) {
      try {
        await turns.take(id, () => this.#change(id))
        this.#told.delete(id)
      } catch (error) {
        const text = errorText(error)
        if (this.#told.get(id) !== text)
          this.#parts.log.warn({ event: 'ipv6', id, error: text }, 'could not be given its IPv6 addresses')
        this.#told.set(id, text)
      }
    }
  }

  #isDue({ cidrs, ipv6 = [], isIpv6Off = false }: AttachmentRecord): boolean {
    const { ipv6: plan } = this.#parts
    if (!plan.isKnown) return false
    const wanted = plan.of(cidrs)
    return isIpv6Off ? wanted.length === 0 : wanted.join(' ') !== ipv6.join(' ')
  }

  async #change(id: string): Promise<void> {
    const { host, records, book, ipv6: plan, log } = this.#parts
    const record = records.get(id)
    if (record === undefined || !this.#isDue(record)) return
    const target = await host.resolve(record.target)
    // Another namespace has its name now; whoever looks after attachments finds out.
    if (target.id !== id || String(target.netnsInode) !== record.netnsInode) return
    const wanted = plan.of(record.cidrs)
    const stale = (record.ipv6 ?? []).filter(text => !wanted.includes(text))
    if (stale.length > 0) await host.detach(target, stale)
    const { multicastRoute = true } = record
    const plugged = await host.attach(target, record.cidrs, { multicastRoute, ipv6: wanted, ...macOf(record) })
    const mended = { ...record, ...familiesOf(wanted, plugged) }
    records.put(mended)
    book.publish(mended)
    log.info({ event: 'ipv6', id, had: record.ipv6, has: mended.ipv6 }, 'its IPv6 addresses are others now')
  }
}
