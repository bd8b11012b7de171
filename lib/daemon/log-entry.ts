/** What a line of the log says, as pino writes it. */
export interface LogEntry {
  readonly time: string
  readonly event: string
  /** Empty where the event says it all. */
  readonly text: string
  readonly details: Readonly<Record<string, unknown>>
}

/** Undefined for a line that is of no event. @throws SyntaxError for what is no JSON */
export function logEntry(line: string): LogEntry | undefined {
  const { level: _level, time, event, msg, text, ...details } = JSON.parse(line) as Readonly<Record<string, unknown>>
  if (typeof event !== 'string') return undefined
  const said = [text, msg].find(one => typeof one === 'string' && one !== event)
  return { time: String(time), event, text: typeof said === 'string' ? said : '', details }
}
