import { formatIp, parseIp } from '../address/mod.ts'
import type { CallHandlers, NameView, Status } from '../api/mod.ts'
import { WeaveError } from '../base/mod.ts'
import type { NameRecord } from '../wire/mod.ts'
import type { Attachments } from './attachments.ts'
import { EXPOSED_ID, EXTERNAL_PREFIX } from './constants.ts'
import type { DnsServer } from './dns-server.ts'
import type { Exposures } from './exposures.ts'
import type { NameBook } from './name-book.ts'
import type { NodeRunner } from './node-runner.ts'
import type { Service } from './service.ts'
import { Names } from './status/names.ts'

interface Given {
  readonly book: NameBook
  readonly runner: Pick<NodeRunner, 'report' | 'requireStore'> & {
    readonly node: Pick<NodeRunner['node'], 'leases' | 'names'>
  }
  readonly attachments: Pick<Attachments, 'rename'>
  readonly exposures: Pick<Exposures, 'rename'>
  readonly ttlSeconds: number
  /** Undefined: nobody answers queries. */
  readonly server: Pick<DnsServer, 'reconcile' | 'report' | 'warnings' | 'stop'> | undefined
}

const OFF = { listening: [], upstream: [], queries: { total: 0, forwarded: 0, failed: 0, dropped: 0 } }

/** The names of containers: gives them, takes them away, finds them. */
export class NamesService implements Service {
  readonly name = 'names'
  readonly calls: Pick<CallHandlers, 'dns' | 'dns-add' | 'dns-remove' | 'dns-lookup'>
  readonly #book: NameBook
  readonly #runner: Given['runner']
  readonly #attachments: Given['attachments']
  readonly #exposures: Given['exposures']
  readonly #ttlSeconds: number
  readonly #server: Given['server']

  constructor({ book, runner, attachments, exposures, ttlSeconds, server }: Given) {
    this.#book = book
    this.#runner = runner
    this.#attachments = attachments
    this.#exposures = exposures
    this.#ttlSeconds = ttlSeconds
    this.#server = server
    this.calls = {
      dns: () => ({ domain: book.domain.name, entries: this.#entries() }),
      'dns-add': ({ target, names }) => this.#change(target, names, added),
      'dns-remove': ({ target, names }) => this.#change(target, names, removed),
      'dns-lookup': ({ name }) => this.#lookup(name),
    }
  }

  /** Names whose container has no address any more end: the daemon ended between the two. */
  async reconcile(): Promise<void> {
    const { node } = this.#runner
    const held = new Set(node.leases().map(lease => lease.container))
    for (const { container } of node.names.own())
      if (!container.startsWith(EXTERNAL_PREFIX) && !held.has(container)) this.#book.set(container, [], [])
    await this.#server?.reconcile()
  }

  report(): Pick<Status, 'dns'> {
    const { domain } = this.#book
    const served = this.#server?.report() ?? OFF
    return {
      dns: {
        domain: domain.name,
        ...this.#runner.node.names.report(),
        isOn: this.#server !== undefined,
        ttlSeconds: this.#ttlSeconds,
        ...served,
      },
    }
  }

  warnings(): readonly string[] {
    return this.#server?.warnings() ?? []
  }

  async stop(): Promise<void> {
    await this.#server?.stop()
  }

  async #change(target: string, texts: readonly string[], change: typeof added): Promise<{ names: string[] }> {
    this.#runner.requireStore()
    const names = this.#book.domain.parseAll(texts)
    const left = await this.#rename(target, known => change(known, names, target))
    return { names: left.map(name => this.#book.domain.full(name)) }
  }

  async #rename(target: string, change: (known: readonly string[]) => string[]): Promise<string[]> {
    if (target === EXPOSED_ID) return this.#exposures.rename(change)
    const ip = parseIp(target)
    return ip === undefined ? this.#attachments.rename(target, change) : this.#changeExternal(formatIp(ip), change)
  }

  /** Names of an address that no container here has. */
  #changeExternal(address: string, change: (known: readonly string[]) => string[]): string[] {
    const container = EXTERNAL_PREFIX + address
    const names = this.#book.domain.checkCount(change(this.#runner.node.names.of(container)?.names ?? []))
    this.#book.set(container, names.length === 0 ? [] : [address], names)
    return names
  }

  #lookup(text: string): { addresses: string[]; names: string[] } {
    const { zone } = this.#runner.node.names
    const { domain } = this.#book
    const ip = parseIp(text)
    const addresses = ip === undefined ? zone.addressesOf(domain.parse(text)) : undefined
    const names = ip === undefined ? [] : zone.namesOf(formatIp(ip)).map(name => domain.full(name))
    if (addresses === undefined && names.length === 0)
      throw new WeaveError('NAME_UNKNOWN', `nothing is called ${text}`, 'see all names with `weave-ts status dns`')
    return { addresses: (addresses ?? []).map(({ address }) => address), names }
  }

  #entries(): NameView[] {
    const { node } = this.#runner
    const peers = new Names(this.#runner.report())
    return node.names.zone
      .live()
      .flatMap(({ owner, container, addresses, names }) =>
        names.flatMap(name => addresses.map(address => ({ name, address, container, peer: peers.ref(owner) }))),
      )
      .sort((a, b) => compare(a.name, b.name) || compare(a.address, b.address))
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function added(known: NameRecord['names'], names: readonly string[], target: string): string[] {
  if (names.length === 0) throw new WeaveError('USAGE', `no name for ${target} was given`, 'give at least one')
  return [...new Set([...known, ...names])]
}

/** All, when none is named. */
function removed(known: NameRecord['names'], names: readonly string[], target: string): string[] {
  const unknown = names.find(name => !known.includes(name))
  if (unknown !== undefined || known.length === 0)
    throw new WeaveError(
      'NAME_UNKNOWN',
      unknown === undefined ? `${target} has no names` : `${target} is not called ${unknown}`,
      known.length === 0 ? 'see all names with `weave-ts status dns`' : `name one of ${known.join(' ')}`,
    )
  return names.length === 0 ? [] : known.filter(name => !names.includes(name))
}
