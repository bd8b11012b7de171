import type { Logger } from 'pino'
import type { ErrorCode } from '../base/mod.ts'
import type { Asker } from '../io/mod.ts'

/** Of a request no more is noted: a list of names can be long. */
const REQUEST_LETTERS_MAX = 1_000

/** The trail of changes: who asked for what, noted with its outcome. The requests of the API hold no secrets. */
export function noteAsked(
  { call, request, asker }: { readonly call: string; readonly request: unknown; readonly asker: Asker | undefined },
  log: Pick<Logger, 'info'>,
): (code: ErrorCode | undefined) => void {
  const text = JSON.stringify(request)
  const shown = text.length > REQUEST_LETTERS_MAX ? `${text.slice(0, REQUEST_LETTERS_MAX)}…` : request
  return code => {
    const outcome = code === undefined ? 'done' : `refused: ${code}`
    log.info({ event: 'asked', call, request: shown, by: asker, outcome }, `${call}: ${outcome}`)
  }
}
