interface Step {
  readonly what: string
  readonly undo: () => Promise<void> | void
}

/** What has been opened, to be let go of in the opposite order. */
export class UndoStack {
  readonly #steps: Step[] = []

  push(what: string, undo: () => Promise<void> | void): void {
    this.#steps.push({ what, undo })
  }

  /** Takes everything back, the newest first; a step that fails is told of and does not keep the others. */
  async unwind(onFailure: (what: string, error: unknown) => void): Promise<void> {
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      try {
        await step.undo()
      } catch (error) {
        onFailure(step.what, error)
      }
    }
  }
}
