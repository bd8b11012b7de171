import type { LogLevel, LogLine, Millis } from '../base/mod.ts'
import type { Ledger } from '../ledger/mod.ts'
import type { NodeConfig } from './config.ts'
import type { Neighbours } from './neighbours.ts'
import type { NodeOutput } from './outputs.ts'

/** What the parts of a node share. */
export interface NodeContext {
  readonly config: NodeConfig
  readonly ledger: Ledger
  readonly neighbours: Neighbours
  /** False while there is no mesh, or nobody else in it: then nothing of the ledger is told. */
  isShared(): boolean
  emit(output: NodeOutput): void
  log(level: LogLevel, event: string, fields: LogLine['fields'], now: Millis): void
  /** Counts foreign input that was dropped. */
  drop(reason: string): void
}
