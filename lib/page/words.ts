import type { PeerRef } from './answers.ts'

const SHORT_ID_CHARACTERS = 8
const HEX_ID = /^(docker:)?[0-9a-f]{64}$/
const HEX_ID_SHOWN = 12
/** A round trip of the RTT class 1 (docs/protocol.md §7.1) takes so long at least; each further class twice as long. */
const CLASS_ONE_MS = 4
/** That of a link whose data goes over it, since UDP does not get through. */
const CLASS_OVER_TCP = 15
const RATE_UNITS = ['B/s', 'kB/s', 'MB/s', 'GB/s'] as const

/** Where there is no value. */
export const NO_VALUE = '–'

/** `1 host`, `3 hosts`. */
export function countOf(count: number, noun: string, plural = `${noun}s`): string {
  return `${count.toLocaleString('en')} ${count === 1 ? noun : plural}`
}

/** How a peer is called: by its nickname, by its id where it has none. */
export function calledBy({ id, nickname }: PeerRef): string {
  return nickname === '' ? beginOfId(id) : nickname
}

/** As people put them in order: `host2` before `host10`. */
export function compareNames(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true })
}

/** With a capital letter: texts of the daemon begin small, as they follow a heading there. */
export function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

export function beginOfId(id: string): string {
  return id.slice(0, SHORT_ID_CHARACTERS)
}

/** What `ps` shows as the id of a container, shortened where it is one of Docker's. */
export function containerText(container: string): string {
  return HEX_ID.test(container) ? container.replace('docker:', '').slice(0, HEX_ID_SHOWN) : container
}

/** Milliseconds with as many digits as matter. */
export function rttText(ms: number | null): string {
  if (ms === null) return NO_VALUE
  if (ms === 0) return '0 ms'
  if (ms < 1) return `${ms.toFixed(2)} ms`
  return ms < 10 ? `${ms.toFixed(1)} ms` : `${Math.round(ms)} ms`
}

/** How long a round trip of an RTT class takes at least. */
export function leastMsOf(rttClass: number): number {
  return rttClass === 0 ? 0 : CLASS_ONE_MS * 2 ** (rttClass - 1)
}

/** What an RTT class says of a round trip. */
export function rttClassText(rttClass: number | null): string {
  if (rttClass === null) return NO_VALUE
  if (rttClass === 0) return `below ${CLASS_ONE_MS} ms`
  if (rttClass >= CLASS_OVER_TCP) return 'over TCP'
  const leastMs = leastMsOf(rttClass)
  return leastMs < 1_000 ? `${leastMs} to ${2 * leastMs} ms` : `${(leastMs / 1_000).toFixed(0)} s and more`
}

export function rateText(bytesPerSecond: number | null): string {
  if (bytesPerSecond === null) return NO_VALUE
  let value = bytesPerSecond
  let unit = 0
  while (value >= 999.5 && unit < RATE_UNITS.length - 1) {
    value /= 1_000
    unit++
  }
  return `${value < 10 && unit > 0 ? value.toFixed(1) : Math.round(value)} ${RATE_UNITS[unit]!}`
}

/** A span of time in its two largest units. */
export function spanText(seconds: number): string {
  if (seconds < 60) return `${Math.floor(seconds)} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  if (hours < 24) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`
  const days = Math.floor(hours / 24)
  return hours % 24 === 0 ? countOf(days, 'day') : `${countOf(days, 'day')} ${hours % 24} h`
}

/** The time of day where that is; with the day where it is another one than that of `now`. */
export function clockText(at: Date, now: Date): string {
  const two = (number: number) => String(number).padStart(2, '0')
  const clock = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`
  const isToday = at.toDateString() === now.toDateString()
  return isToday ? clock : `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${clock}`
}

/** A share in percent: less than one is not nothing. */
export function shareText(share: number): string {
  const percent = share * 100
  if (percent > 0 && percent < 0.1) return 'below 0.1 %'
  return `${percent < 10 && percent > 0 ? percent.toFixed(1) : Math.round(percent)} %`
}
