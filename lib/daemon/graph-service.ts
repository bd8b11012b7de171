import type { CallHandlers } from '../api/mod.ts'
import type { Millis } from '../base/mod.ts'
import { KeptAnswer } from './kept-answer.ts'
import type { Service } from './service.ts'
import { graphView, type GraphSource } from './status/graph.ts'

/** The mesh as a drawing needs it: `graph`. Kept for a while, as a status is. */
export class GraphService implements Service {
  readonly name = 'graph'
  readonly calls: Pick<CallHandlers, 'graph'>
  readonly #kept: KeptAnswer<ReturnType<typeof graphView>>

  constructor(runner: { readonly node: GraphSource }, now: () => Millis) {
    this.#kept = new KeptAnswer(at => graphView(runner.node, at), now)
    this.calls = { graph: () => this.#kept.current() }
  }

  changed(): void {
    this.#kept.forget()
  }
}
