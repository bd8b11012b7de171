import type { Attachment, Report, Status } from './schema.ts'

/** What the API can ask of the daemon. Failures are WeaveErrors. `signal` is aborted when the client hangs up. */
export interface ApiHandlers {
  status(): Status
  report(): Report
  connect(targets: readonly string[], replace: boolean): string[]
  forget(targets: readonly string[]): string[]
  attach(request: AttachOrder, signal: AbortSignal): Promise<string[]>
  detach(target: string, addresses: readonly string[]): Promise<string[]>
  ps(): Promise<Attachment[]>
  /** Hands on what this peer owns and removes what it made on the host. Returns what the operator should read. */
  leave(): Promise<string[]>
  /** The answer to `stop` or `reset` has been sent: now the daemon may end. */
  finish(): void
}

export interface AttachOrder {
  readonly target: string
  readonly addresses: readonly string[]
  readonly multicastRoute: boolean
}
