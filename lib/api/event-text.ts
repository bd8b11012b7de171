import { peerLabel, shortPeerId } from '../address/mod.ts'
import { printable } from '../base/mod.ts'
import type { EventView } from './schema.ts'

const EVENT_WIDTH = 18
const WHO = ['peer', 'nickname']

/** An event in one line: local time, `before`, kind, `mark`, who it is about, what is said of it. */
export function eventText(
  { time, event, text, details }: Pick<EventView, 'time' | 'event' | 'text' | 'details'>,
  { before = '', mark = '' }: { readonly before?: string; readonly mark?: string },
): string {
  const { peer, nickname, by, ...others } = details
  const { call, outcome, ...request } = others
  // The trail of changes has these two in its text.
  const rest = text === `${String(call)}: ${String(outcome)}` ? request : others
  const who =
    typeof peer !== 'string' ? '' : typeof nickname === 'string' ? peerLabel(peer, nickname) : shortPeerId(peer)
  const said = Object.entries(rest).flatMap(([key, value]) =>
    isShown(key, value) ? [`${key}=${valueText(value)}`] : [],
  )
  const parts = [who, text, ...said, askerText(by)].filter(part => part !== '')
  // Some of it is of others, and must not steer a terminal.
  return printable(`${localTime(time)} ${before}${event.padEnd(EVENT_WIDTH)} ${mark}${parts.join(' ')}`).trimEnd()
}

function isShown(key: string, value: unknown): boolean {
  return !WHO.includes(key) && value !== undefined && value !== null && value !== ''
}

/** Objects stay JSON; a text with spaces is put in quotes. */
function valueText(value: unknown): string {
  if (typeof value !== 'string') return JSON.stringify(value)
  return /[\s"=]/.test(value) || value === '' ? JSON.stringify(value) : value
}

/** Of the trail of changes: who asked. */
function askerText(by: unknown): string {
  if (typeof by !== 'object' || by === null) return ''
  const { uid, pid, loginUid, command } = by as Readonly<Record<string, unknown>>
  const login = loginUid === undefined || loginUid === uid ? '' : `, logged in as ${String(loginUid)}`
  return `by uid ${String(uid)}${login} (pid ${String(pid)}${typeof command === 'string' ? ` ${command}` : ''})`
}

function localTime(iso: string): string {
  const at = new Date(iso)
  if (Number.isNaN(at.getTime())) return iso
  const two = (number: number) => String(number).padStart(2, '0')
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`
  return `${day} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`
}
