import type { PeerId } from '../address/mod.ts'
import type { LogLevel, LogLine, Millis } from '../base/mod.ts'
import type { Ledger } from '../ledger/mod.ts'
import type { NodeConfig } from './config.ts'
import type { LocalHealth } from './local-health.ts'
import type { MeshView } from './mesh-view.ts'
import type { Neighbours } from './neighbours.ts'
import type { NodeOutput } from './outputs.ts'

/** What the parts of a node share. */
export interface NodeContext {
  readonly config: NodeConfig
  readonly ledger: Ledger
  readonly neighbours: Neighbours
  readonly view: MeshView
  /** How well this process keeps time. */
  readonly health: LocalHealth
  /** False while there is no mesh, or nobody else in it: then nothing of the ledger is told. */
  isShared(): boolean
  /** Sends a routed message to any peer of the mesh; false when there is no way now. It may be lost all the same. */
  route(to: PeerId, routedKind: number, body: Uint8Array, now: Millis): boolean
  /** Persists what was written to the ledger, and tells the neighbours. */
  flush(now: Millis): void
  emit(output: NodeOutput): void
  log(level: LogLevel, event: string, fields: LogLine['fields'], now: Millis): void
  /** Counts foreign input that was dropped. */
  drop(reason: string): void
}
