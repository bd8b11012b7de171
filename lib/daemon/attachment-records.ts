import type { StateStore } from '../io/mod.ts'
import { ATTACHMENT_PREFIX } from './constants.ts'

/** What is kept of an attachment over a restart. */
export interface AttachmentRecord {
  readonly id: string
  readonly description: string
  readonly target: string
  /** The namespace it was plugged into: another one under the same name is another container. */
  readonly netnsInode: string
  readonly cidrs: readonly string[]
  /** The IPv6 addresses that go with them, in CIDR form. Absent in what earlier versions recorded: none. */
  readonly ipv6?: readonly string[]
  /** It has none because IPv6 is switched off inside. */
  readonly isIpv6Off?: boolean
  readonly mac: string
  /** Absent in what earlier versions recorded: true. */
  readonly multicastRoute?: boolean
  /** Relative to the zone. Absent in what earlier versions recorded: none. */
  readonly names?: readonly string[]
  /** Names that its labels ask for and that it does not have, for they cannot be. */
  readonly refusedNames?: readonly string[]
  /** Its namespace has a resolv.conf of ours. */
  readonly resolvConf?: ResolvConfRecord
}

export interface ResolvConfRecord {
  /** Those that were made for it, the outermost first. */
  readonly directories: readonly string[]
}

/** The attachments in the state store. */
export class AttachmentRecords {
  readonly #store: Pick<StateStore, 'range' | 'get' | 'write'>

  constructor(store: Pick<StateStore, 'range' | 'get' | 'write'>) {
    this.#store = store
  }

  all(): AttachmentRecord[] {
    return this.#store.range(ATTACHMENT_PREFIX).map(([, value]) => decode(value))
  }

  get(id: string): AttachmentRecord | undefined {
    const value = this.#store.get(keyOf(id))
    return value && decode(value)
  }

  /** By what it was called when it was attached, by its id, or by the beginning of a container's id. */
  find(text: string): AttachmentRecord | undefined {
    return this.all().find(
      one =>
        one.target === text ||
        one.id === text ||
        one.description === `container ${text}` ||
        (text.length >= 12 && one.id.startsWith(text)),
    )
  }

  put(record: AttachmentRecord): void {
    this.#store.write([[keyOf(record.id), new TextEncoder().encode(JSON.stringify(record))]])
  }

  delete(id: string): void {
    this.#store.write([], [keyOf(id)])
  }
}

/** Containers are known by 64 hex characters: no other is ever given the same, and it keeps them when it restarts. */
export function isContainerId(id: string): boolean {
  return /^[0-9a-f]{64}$/.test(id)
}

/** The MAC that a target had, if it is known. */
export function macOf(record: AttachmentRecord | undefined): { readonly mac?: string } {
  return record === undefined || record.mac === '' ? {} : { mac: record.mac }
}

function keyOf(id: string): string {
  return ATTACHMENT_PREFIX + id
}

function decode(value: Uint8Array): AttachmentRecord {
  return JSON.parse(new TextDecoder().decode(value)) as AttachmentRecord
}
