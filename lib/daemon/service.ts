import type { CallHandlers, Status } from '../api/mod.ts'
import type { Millis } from '../base/mod.ts'

/**
 * A part of the daemon that stands on the node: it brings calls of the API and keeps the host in line with what should
 * be. A new subject is a file with a service, and a line in the list of `daemon-services.ts`; its calls have rows in
 * lib/api/calls.ts.
 */
export interface Service {
  readonly name: string
  /** The calls that it answers. Every call of the table has exactly one service. */
  readonly calls?: Partial<CallHandlers>
  /** Compares what is with what should be, and mends it: once at the start, then every RECONCILE_INTERVAL_MS. */
  reconcile?(): Promise<void>
  /** Fields of a Status that are its own. */
  report?(now: Millis): Partial<Status>
  /** A call that changes something has been answered or refused. */
  changed?(): void
  /** What an operator should read. */
  warnings?(): readonly string[]
  /** What is waited for, and why. */
  waiting?(): readonly string[]
  /** Ends it; node, host and store are still there. `isLeaving`: for good, with all that was made on the host. */
  stop?(isLeaving: boolean): Promise<void>
}
