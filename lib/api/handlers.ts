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
  stop(): Promise<void>
  /** Hands on what this peer owns, removes what it made on the host, and ends; the caller then removes the state. */
  reset(force: boolean): Promise<string[]>
}

export interface AttachOrder {
  readonly target: string
  readonly addresses: readonly string[]
  readonly multicastRoute: boolean
}
