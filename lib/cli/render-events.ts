import type { EventView } from '../api/mod.ts'
import { shortPeerId, type PeerId } from '../address/mod.ts'
import { column } from './table.ts'

const EVENT_WIDTH = 18
const WHO = ['peer', 'nickname'] as const

/** One line: local time, what it is, who it is about, what is said of it; what is no `info` is marked. */
export function renderEvent({ time, level, event, text, details }: EventView): string {
  const { peer, nickname, by, ...rest } = details
  const who =
    typeof peer === 'string'
      ? `${shortPeerId(peer as PeerId)}${typeof nickname === 'string' ? `(${nickname})` : ''}`
      : ''
  const said = Object.entries(rest).flatMap(([key, value]) =>
    isShown(key, value) ? [`${key}=${valueText(value)}`] : [],
  )
  const parts = [who, text, ...said, askerText(by)].filter(part => part !== '')
  const mark = level === 'info' ? '' : `${level.toUpperCase()} `
  return `${localTime(time)} ${column(event, EVENT_WIDTH)} ${mark}${parts.join(' ')}`.trimEnd()
}

function isShown(key: string, value: unknown): boolean {
  return !WHO.includes(key as (typeof WHO)[number]) && value !== undefined && value !== null && value !== ''
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
