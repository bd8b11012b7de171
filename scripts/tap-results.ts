/**
 * Reads what one test file prints in the Test Anything Protocol (version 13 and 14, as tap and node:test write it) and
 * counts tests: the innermost subtests, and points at the top of a file. Assertions inside a test are not counted.
 */
export interface TestResult {
  /** The names of its subtests, outermost first, joined by " > ". */
  readonly name: string
  readonly outcome: 'passed' | 'failed' | 'skipped'
  /** Why it was skipped, or the first of its assertions that failed. */
  readonly reason?: string
}

interface Level {
  /** Named by `# Subtest:`, and not yet ended by its point. */
  subtest: string | undefined
  /** Results of tests that ended below the present subtest. */
  tests: number
  failures: number
  points: number
  /** The first assertion of the present subtest that failed. */
  failedPoint: string | undefined
}

const INDENT = 4

export class TapResults {
  readonly results: TestResult[] = []
  readonly #levels: Level[] = []
  #yamlEnd: string | undefined
  #plan: number | undefined
  #bailed: string | undefined

  /** One line, without its line end. */
  line(line: string): void {
    if (this.#yamlEnd !== undefined) {
      if (line === this.#yamlEnd) this.#yamlEnd = undefined
      return
    }
    const indent = /^ */.exec(line)![0].length
    const text = line.slice(indent)
    if (text === '---' && indent % INDENT === 2) {
      this.#yamlEnd = `${' '.repeat(indent)}...`
      return
    }
    if (indent % INDENT !== 0) return
    const depth = indent / INDENT
    if (text.startsWith('# Subtest: ')) this.#level(depth).subtest = text.slice('# Subtest: '.length)
    else if (/^(not )?ok\b/.test(text)) this.#point(depth, text)
    else if (depth === 0) this.#topLine(text)
  }

  /** Ends the input. `failure` tells why the file as a whole did not hold, if so. */
  end(exitStatus: number | null, signal: string | null): { failure: string | undefined } {
    const hasFailed = this.results.some(result => result.outcome === 'failed')
    const points = this.#levels[0]?.points ?? 0
    if (signal !== null) return { failure: `was ended by ${signal}` }
    if (this.#bailed !== undefined) return { failure: `bailed out: ${this.#bailed}` }
    if (hasFailed) return { failure: undefined }
    if (exitStatus !== 0) return { failure: `exited with status ${exitStatus}` }
    if (this.#plan === undefined) return { failure: 'ended before it gave a plan' }
    if (this.#plan !== points) return { failure: `planned ${this.#plan} tests and ran ${points}` }
    if (this.results.length === 0) return { failure: 'ran no test' }
    return { failure: undefined }
  }

  #topLine(text: string): void {
    const plan = /^1\.\.(\d+)(?:\s*#\s*skip\S*\s*(.*))?/i.exec(text)
    if (plan !== null) {
      this.#plan = Number(plan[1])
      if (plan[2] !== undefined) this.results.push({ name: 'whole file', outcome: 'skipped', reason: plan[2] })
    } else if (text.startsWith('Bail out!')) {
      this.#bailed = text.slice('Bail out!'.length).trim()
    }
  }

  #point(depth: number, text: string): void {
    const level = this.#level(depth)
    level.points++
    const inner = this.#levels[depth + 1]
    this.#levels.length = depth + 1
    const isSubtest = level.subtest !== undefined
    level.subtest = undefined

    const { name, directive, reason } = parsePoint(text)
    const isOk = text.startsWith('ok') || directive === 'todo'
    const isSkipped = directive !== undefined
    // A group of tests is not a test; but a group that failed by itself must not go unseen.
    if (inner !== undefined && inner.tests > 0) {
      level.tests += inner.tests
      level.failures += inner.failures
      if (isOk || inner.failures > 0) return
    } else if (depth > 0 && !isSubtest && !isSkipped) {
      if (!isOk) level.failedPoint ??= name
      return
    }
    const fullName = [...this.#names(depth), name].join(' > ')
    level.tests++
    if (!isOk) {
      level.failures++
      const reason = inner?.failedPoint
      this.results.push({ name: fullName, outcome: 'failed', ...(reason === undefined ? {} : { reason }) })
    } else if (isSkipped) {
      this.results.push({ name: fullName, outcome: 'skipped', reason: reason === '' ? `${directive}` : reason })
    } else {
      this.results.push({ name: fullName, outcome: 'passed' })
    }
  }

  #names(depth: number): string[] {
    return this.#levels.slice(0, depth).map(level => level.subtest ?? '?')
  }

  #level(depth: number): Level {
    for (let i = this.#levels.length; i <= depth; i++) {
      this.#levels.push({ subtest: undefined, tests: 0, failures: 0, points: 0, failedPoint: undefined })
    }
    return this.#levels[depth]!
  }
}

function parsePoint(text: string): { name: string; directive?: 'skip' | 'todo'; reason: string } {
  const rest = text.replace(/^(not )?ok\b\s*\d*\s*(- )?/, '')
  const found = /(?:^|\s)#\s*(skip|todo)\S*\s*(.*)$/i.exec(rest)
  const name = rest
    .slice(0, found?.index ?? rest.length)
    .replace(/\s*# time=\S+$/, '')
    .trim()
  if (found === null) return { name, reason: '' }
  return {
    name,
    directive: found[1]!.toLowerCase() as 'skip' | 'todo',
    reason: found[2]!.replace(/\s*# time=\S+$/, ''),
  }
}
