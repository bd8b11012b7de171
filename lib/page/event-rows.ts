import type { EventView } from './answers.ts'
import { beginOfId } from './words.ts'

export interface EventRow {
  readonly seq: number
  readonly time: Date
  readonly level: EventView['level']
  readonly kind: string
  readonly text: string
}

const EVENT_ROWS_MAX = 500
const WHO: readonly string[] = ['peer', 'nickname']

/** Kinds after which all looks as before: that a change was asked for; what came of it is told by others. */
const QUIET_KINDS: readonly string[] = ['asked']

/** The newest first; what came twice, as after a lost connection, is there once. */
export function withEvents(rows: readonly EventRow[], events: readonly EventView[]): EventRow[] {
  const last = rows[0]?.seq ?? 0
  const fresh = events.filter(({ seq }) => seq > last).map(eventRow)
  return [...fresh.reverse(), ...rows].slice(0, EVENT_ROWS_MAX)
}

/** Whether an event lets expect that answers of before are not true any more. */
export function isNews({ event }: Pick<EventView, 'event'>): boolean {
  return !QUIET_KINDS.includes(event)
}

function eventRow({ seq, time, level, event, text, details }: EventView): EventRow {
  const { peer, nickname, by, ...rest } = details
  const who =
    typeof nickname === 'string' && nickname !== '' ? nickname : typeof peer === 'string' ? beginOfId(peer) : ''
  const said = Object.entries(rest).flatMap(([key, value]) =>
    WHO.includes(key) || value === undefined || value === null || value === '' ? [] : [`${key}=${valueText(value)}`],
  )
  return {
    seq,
    time: new Date(time),
    level,
    kind: event,
    text: [who, text, ...said, askerOf(by)].filter(word => word !== '').join(' '),
  }
}

function valueText(value: unknown): string {
  return typeof value === 'string' && !/[\s"=]/.test(value) ? value : JSON.stringify(value)
}

function askerOf(by: unknown): string {
  if (typeof by !== 'object' || by === null) return ''
  const { uid, command } = by as Readonly<Record<string, unknown>>
  return `by uid ${String(uid)}${typeof command === 'string' ? ` (${command})` : ''}`
}
