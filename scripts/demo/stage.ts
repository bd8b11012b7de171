/** What the demo prints: headed steps, the commands as an operator types them, and what was checked. */
export class Stage {
  readonly #began = performance.now()
  readonly #failures: string[] = []
  #steps = 0

  get failures(): readonly string[] {
    return this.#failures
  }

  get seconds(): number {
    return (performance.now() - this.#began) / 1000
  }

  /** Begins a step: what is done, and why. */
  step(what: string, why: string): void {
    this.#steps++
    const heading = `${this.#steps}. ${what}`
    console.log(`\n${heading}\n${'─'.repeat(heading.length)}\n${why}\n`)
  }

  /** A command as typed on a host, and what it printed. */
  command(host: string, command: string, output: string): void {
    console.log(`   ${host}$ ${command}`)
    for (const line of output.trimEnd().split('\n')) if (line !== '') console.log(`      ${line}`)
  }

  /** Something that must hold; if it does not, the demo goes on and ends with status 1. */
  check(holds: boolean, statement: string): void {
    console.log(`   ${holds ? 'ok  ' : 'FAIL'} ${statement}`)
    if (!holds) this.#failures.push(statement)
  }
}
