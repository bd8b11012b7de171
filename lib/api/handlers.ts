import { assert } from '../base/mod.ts'
import { CALL_NAMES, isChange, type CallName, type CallAnswer, type CallRequest } from './calls.ts'

export interface CallContext {
  /** Aborted when the client hangs up, or when the call's deadline has passed. */
  readonly signal: AbortSignal
  /** Runs once the answer has been sent, or the client is gone (`isSent` false); not at all when the call fails. */
  afterAnswer(run: (isSent: boolean) => void): void
}

/**
 * Answers one call. A failure that the caller can understand is a WeaveError. An answer may be given again, and is not
 * changed once it was given.
 */
export type CallHandler<N extends CallName> = (
  request: CallRequest<N>,
  context: CallContext,
) => CallAnswer<N> | Promise<CallAnswer<N>>

export type CallHandlers = { readonly [N in CallName]: CallHandler<N> }

/**
 * Joins what several services handle. Every call must have one handler, and no more: anything else is a fault of ours.
 * `onChange`: after each call that may have changed something, before its answer is sent.
 */
export function joinHandlers(
  parts: Iterable<{ readonly name: string; readonly calls?: Partial<CallHandlers> }>,
  onChange: () => void,
): CallHandlers {
  const owners = new Map<string, string>()
  const joined: Partial<CallHandlers> = {}
  for (const { name, calls = {} } of parts) {
    for (const call of Object.keys(calls)) {
      const owner = owners.get(call)
      assert(owner === undefined, `the call ${call} is handled by ${owner ?? ''} and by ${name}`)
      owners.set(call, name)
    }
    Object.assign(joined, calls)
  }
  const missing = CALL_NAMES.filter(call => !owners.has(call))
  assert(missing.length === 0, `no service handles ${missing.join(', ')}`)
  const handlers = joined as CallHandlers
  return Object.fromEntries(
    CALL_NAMES.map(name => [name, isChange(name) ? followed(handlers[name], onChange) : handlers[name]]),
  ) as CallHandlers
}

function followed<N extends CallName>(handle: CallHandler<N>, onChange: () => void): CallHandler<N> {
  return async (request, context) => {
    try {
      return await handle(request, context)
    } finally {
      onChange()
    }
  }
}
