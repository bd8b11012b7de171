import type { PeerId } from '../address/mod.ts'
import { assert, soonest, type Millis } from '../base/mod.ts'
import type { RecordChange } from '../ledger/mod.ts'
import type { LedgerRecord, RoutedMessage } from '../wire/mod.ts'
import type { NodePart, PartMessage, StoreEntry, StoreRead } from './part.ts'

/** The parts of a node, and which of them gets what. */
export class Parts {
  readonly #parts: readonly NodePart[]
  readonly #byRecordKind: ReadonlyMap<number, NodePart>
  readonly #byRoutedKind: ReadonlyMap<number, NodePart>
  readonly #byMessageType: ReadonlyMap<string, NodePart>

  constructor(parts: readonly NodePart[]) {
    this.#parts = parts
    claimed(parts, part => [part.name], 'the name')
    this.#byRecordKind = claimed(parts, part => part.recordKinds ?? [], 'the record kind')
    this.#byRoutedKind = claimed(parts, part => part.routedKinds ?? [], 'the routed kind')
    this.#byMessageType = claimed(parts, part => part.messageTypes ?? [], 'the message type')
    const prefixes = [...claimed(parts, part => part.storePrefixes ?? [], 'the store prefix')]
    for (const [prefix, part] of prefixes)
      for (const [other, owner] of prefixes)
        assert(
          prefix === other || !prefix.startsWith(other),
          `the store prefix ${prefix} of ${part.name} lies under ${other} of ${owner.name}`,
        )
  }

  /** Gives each part what the store holds of its own, in order. */
  restore(read: StoreRead, now: Millis): void {
    for (const part of this.#parts) part.restore?.(entriesOf(part, read), now)
  }

  handleRecord(change: RecordChange, now: Millis): void {
    this.#byRecordKind.get(change.kind)?.handleRecord?.(change, now)
  }

  /** Tells of the records of owners that an earlier run knew; `of` gives those of an owner and a kind. */
  handleRemembered(
    owners: readonly PeerId[],
    of: (owner: PeerId, kind: number) => readonly LedgerRecord[],
    now: Millis,
  ): void {
    for (const owner of owners)
      for (const [kind, part] of this.#byRecordKind)
        for (const record of of(owner, kind)) {
          const change = { owner, kind, key: record.key, record }
          if (part.handleRemembered === undefined) part.handleRecord?.(change, now)
          else part.handleRemembered(change, now)
        }
  }

  /** False when no part knows the kind. */
  handleRouted(message: RoutedMessage, now: Millis): boolean {
    const part = this.#byRoutedKind.get(message.routedKind)
    part?.handleRouted?.(message, now)
    return part !== undefined
  }

  handleMessage(from: RoutedMessage['source'], message: PartMessage, now: Millis): void {
    this.#byMessageType.get(message.type)?.handleMessage?.(from, message, now)
  }

  neighbourUp(peer: PeerId, now: Millis): void {
    for (const part of this.#parts) part.neighbourUp?.(peer, now)
  }

  viewChanged(now: Millis): void {
    for (const part of this.#parts) part.viewChanged?.(now)
  }

  meshChanged(now: Millis): void {
    for (const part of this.#parts) part.meshChanged?.(now)
  }

  handleTimeout(now: Millis): void {
    for (const part of this.#parts) part.handleTimeout?.(now)
  }

  pollTimeout(): { readonly at: Millis; readonly reason: string } | undefined {
    return soonest(this.#parts.map(part => part.pollTimeout?.()))
  }

  /** What every part that reports has to tell, under its name. */
  report(now: Millis): Record<string, unknown> {
    const reporting = this.#parts.filter(part => part.report !== undefined)
    return Object.fromEntries(reporting.map(part => [part.name, part.report?.(now)]))
  }
}

/** What the store holds of a part. */
export function entriesOf(part: NodePart, read: StoreRead): StoreEntry[] {
  return (part.storePrefixes ?? []).flatMap(prefix => [...read(prefix)])
}

/** Each thing with the one part that claims it. */
function claimed<T>(
  parts: readonly NodePart[],
  claims: (part: NodePart) => readonly T[],
  what: string,
): Map<T, NodePart> {
  const owners = new Map<T, NodePart>()
  for (const part of parts)
    for (const claim of claims(part)) {
      const owner = owners.get(claim)
      assert(owner === undefined, `${what} ${String(claim)} is claimed by ${owner?.name ?? ''} and by ${part.name}`)
      owners.set(claim, part)
    }
  return owners
}
