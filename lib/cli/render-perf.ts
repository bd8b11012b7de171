import type { PerfAnswer, PerfPings } from '../api/mod.ts'
import { counted } from '../base/mod.ts'
import { peerName } from './render.ts'
import { renderMilliseconds, renderVia } from './render-ways.ts'
import { shortNumber, tabled } from './table.ts'

/** One of two ways, or a direction, of which there is no result. */
export interface PerfGap {
  readonly way: PerfAnswer['way']
  readonly direction: PerfAnswer['direction']
  readonly why: string
}

const BARS = '▁▂▃▄▅▆▇█'

/** How much of what was asked for arrived, from left to right as time went on. */
export function plotted({ series, rate }: Pick<PerfAnswer, 'series' | 'rate'>): string {
  return series
    .map(({ receivedBitsPerSecond }) => {
      const part = Math.min(1, Math.max(0, receivedBitsPerSecond / rate))
      return BARS[Math.round(part * (BARS.length - 1))]!
    })
    .join('')
}

/** What was measured now: how data goes, then a line for each way and direction below headings, then what could not be had. */
export function renderPerf(measured: readonly PerfAnswer[], gaps: readonly PerfGap[]): string {
  const [first] = measured
  const lines: string[] = []
  if (first !== undefined) {
    lines.push(`${peerName(first.peer)} ${renderVia(first.path)}, datagrams of ${first.datagramBytes} bytes`)
    lines.push(
      ...tabled([
        ['WAY', 'DIRECTION', 'ASKED', 'SENT', 'ARRIVED', 'LOST', 'REORDERED', 'JITTER', 'RTT IDLE', 'RTT LOADED', ''],
        ...measured.map(one => [
          ...[one.way, one.direction, shortNumber(one.rate), shortNumber(one.sentBitsPerSecond)],
          ...[shortNumber(one.receivedBitsPerSecond), lossText(one), String(one.reordered)],
          ...[renderMilliseconds(one.jitterMs), rttText(one.idle), rttText(one.loaded), plotted(one)],
        ]),
      ]),
    )
  }
  lines.push(...gaps.map(({ way, direction, why }) => `${way} ${direction}: ${why}`))
  return lines.join('\n')
}

/** What was measured before: a line for each. */
export function renderPerfHistory(measured: readonly PerfAnswer[]): string {
  if (measured.length === 0) return ''
  return tabled([
    ['TIME', 'PEER', 'WAY', 'DIRECTION', 'ASKED', 'ARRIVED', 'LOST', 'JITTER', 'RTT IDLE', 'RTT LOADED', ''],
    ...measured.map(one => [
      ...[one.time.replace(/\.\d+/, ''), peerName(one.peer), one.way, one.direction, shortNumber(one.rate)],
      ...[shortNumber(one.receivedBitsPerSecond), lossText(one), renderMilliseconds(one.jitterMs)],
      ...[rttText(one.idle), rttText(one.loaded), plotted(one)],
    ]),
  ]).join('\n')
}

/** What is said before it begins. */
export function perfNotice(name: string, count: number, seconds: number): string {
  return `${counted(count, 'measurement')} with ${name}, ${seconds} s each`
}

function lossText({ lossPercent }: PerfAnswer): string {
  return lossPercent === null ? '-' : `${lossPercent.toFixed(2)} %`
}

function rttText({ rttMs, sent, answered }: PerfPings): string {
  if (rttMs === null) return '-'
  return `${renderMilliseconds(rttMs.average)}${answered === sent ? '' : ` (${sent - answered} lost)`}`
}
