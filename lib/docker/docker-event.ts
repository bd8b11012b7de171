import * as z from 'zod'

/** What became of a container or a network, as the engine tells it. */
export interface DockerEvent {
  readonly type: 'container' | 'network'
  /** `start`, `die`, `destroy`, `rename`, … */
  readonly action: string
  /** 64 hex characters. */
  readonly id: string
  /** Its labels, and what the engine adds: `name`, `image`, `exitCode`. */
  readonly attributes: Readonly<Record<string, string>>
}

/** The events that are asked for. */
export interface EventFilters {
  readonly type: readonly DockerEvent['type'][]
  readonly event: readonly string[]
}

/** What becomes of containers. */
export const EVENT_FILTERS: EventFilters = { type: ['container'], event: ['start', 'die', 'destroy', 'rename'] }
/** Who comes to a network, and what containers are called; the attribute `container` says which. */
export const NETWORK_EVENT_FILTERS: EventFilters = { type: ['network', 'container'], event: ['connect', 'rename'] }

const eventSchema = z.object({
  Type: z.enum(['container', 'network']),
  Action: z.string().max(64),
  Actor: z.object({
    ID: z.string().regex(/^[0-9a-f]{64}$/),
    Attributes: z.record(z.string(), z.string()).nullish(),
  }),
})

/**
 * Reads one line of GET /events (API 1.22 and later). Undefined: an event of another kind. `nonsense`: no engine says
 * that.
 */
export function parseEvent(line: string): DockerEvent | undefined | 'nonsense' {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return 'nonsense'
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'nonsense'
  const parsed = eventSchema.safeParse(value)
  if (!parsed.success) return undefined
  const { Type, Action, Actor } = parsed.data
  return { type: Type, action: Action, id: Actor.ID, attributes: Actor.Attributes ?? {} }
}
