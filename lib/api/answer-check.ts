import type { z } from 'zod'
import { BODIES } from './bodies.ts'
import type { CallAnswer, CallName } from './calls.ts'
import { EventView } from './schema.ts'

/**
 * Holds what a daemon of another build says against the schemas, and fills in what it does not know of. To load them takes
 * a command longer than all else that it does: the client does so only where it has to.
 * @throws Error that says what does not fit
 */
export function checkedAnswer<N extends CallName>(name: N, value: unknown): CallAnswer<N> {
  return checked<CallAnswer<N>>(BODIES[name].answer, value)
}

/** As `checkedAnswer`, of one event of a stream. */
export function checkedEvent(value: unknown): EventView {
  return checked<EventView>(EventView, value)
}

function checked<Value>(type: z.ZodType, value: unknown): Value {
  const result = type.safeParse(value)
  if (result.success) return result.data as Value
  const issue = result.error.issues[0]
  throw new Error([issue?.path.join('.'), issue?.message].filter(Boolean).join(': ') || 'it does not follow the schema')
}
