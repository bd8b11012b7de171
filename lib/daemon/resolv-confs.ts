import { join } from 'node:path'
import type { Logger } from 'pino'
import { errorText, WeaveError } from '../base/mod.ts'
import type { NetnsResolvConfs, Target } from '../host/mod.ts'
import { isContainerId, type AttachmentRecords, type ResolvConfRecord } from './attachment-records.ts'
import { RESOLV_CONF_SERVERS_MAX } from './constants.ts'

const NAMESPACE = 'netns:'

export interface ResolvConfParts {
  readonly files: Pick<NetnsResolvConfs, 'pathOf' | 'missingDirectories' | 'check' | 'put' | 'remove'>
  readonly records: Pick<AttachmentRecords, 'all'>
  /** Where DNS answers for containers. */
  readonly servers: () => readonly string[]
  readonly domain: string
  readonly log: Pick<Logger, 'warn'>
}

/**
 * The resolv.conf of attached namespaces, for those that asked for it. What is made is recorded first, so that it is
 * taken away whatever happens between.
 */
export class ResolvConfs {
  readonly #parts: ResolvConfParts
  readonly #left = new Map<string, string>()

  constructor(parts: ResolvConfParts) {
    this.#parts = parts
  }

  /** What is to be recorded of one. Fails with BAD_TARGET, NOT_EXPOSED or RESOLV_CONF, before anything is done. */
  plan(target: Pick<Target, 'id' | 'description'>, known: ResolvConfRecord | undefined): ResolvConfRecord {
    const { files } = this.#parts
    const name = nameOf(target.id)
    if (name === undefined) throw this.#unfit(target)
    const lines = this.#lines()
    if (lines === undefined)
      throw new WeaveError(
        'NOT_EXPOSED',
        'DNS answers nowhere that a namespace could ask',
        'expose this host with `weave-ts expose`, or launch it with --dns-listen-address (and without --no-dns)',
      )
    files.check(name, lines)
    const shared = this.#parts.records.all().flatMap(({ resolvConf }) => resolvConf?.directories ?? [])
    const missing = files.missingDirectories(name)
    const own = join(files.pathOf(name), '..')
    const directories = [join(own, '..'), own].filter(
      path => missing.includes(path) || shared.includes(path) || known?.directories.includes(path) === true,
    )
    return { directories }
  }

  /** Writes it. Fails with RESOLV_CONF. */
  put(id: string): void {
    const lines = this.#lines()
    if (lines === undefined) return
    this.#parts.files.put(nameOf(id)!, lines)
    this.#left.delete(id)
  }

  /** Takes it away, unless somebody has changed it. Never fails. */
  remove(id: string, record: ResolvConfRecord | undefined): void {
    const name = nameOf(id)
    this.#left.delete(id)
    if (record === undefined || name === undefined) return
    const { files, log } = this.#parts
    try {
      if (files.remove(name, record.directories) === 'foreign')
        log.warn({ event: 'resolv-conf-left', path: files.pathOf(name) }, 'somebody changed it, so it stays')
    } catch (error) {
      log.warn({ event: 'resolv-conf-left', path: files.pathOf(name), error: errorText(error) }, 'it stays')
    }
  }

  /** Writes all as they should be now: one is gone, or DNS answers elsewhere. Never fails. */
  reconcile(): void {
    for (const { id, resolvConf } of this.#parts.records.all())
      try {
        if (resolvConf !== undefined) this.put(id)
      } catch (error) {
        this.#left.set(id, errorText(error))
      }
  }

  /** Takes all away. */
  removeAll(): void {
    for (const { id, resolvConf } of this.#parts.records.all()) this.remove(id, resolvConf)
  }

  warnings(): readonly string[] {
    return [...this.#left].map(([id, why]) => `the resolv.conf of ${id} is not kept as it was asked for: ${why}`)
  }

  #lines(): string[] | undefined {
    const servers = this.#parts.servers().slice(0, RESOLV_CONF_SERVERS_MAX)
    if (servers.length === 0) return undefined
    return [...servers.map(server => `nameserver ${server}`), `search ${this.#parts.domain}`]
  }

  #unfit({ id, description }: Pick<Target, 'id' | 'description'>): WeaveError {
    const [server = 'ADDRESS'] = this.#parts.servers()
    const { domain } = this.#parts
    return new WeaveError(
      'BAD_TARGET',
      `--resolv-conf is for namespaces by name, as \`ip netns\` has them; it cannot be done for ${description}`,
      isContainerId(id)
        ? `start the container with \`docker run --dns ${server} --dns-search ${domain}\``
        : `write \`nameserver ${server}\` and \`search ${domain}\` into the resolv.conf that it reads`,
    )
  }
}

function nameOf(id: string): string | undefined {
  return id.startsWith(NAMESPACE) && !id.includes('/') ? id.slice(NAMESPACE.length) : undefined
}
