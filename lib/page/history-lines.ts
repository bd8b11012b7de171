import type { HistoryShown } from './answers.ts'
import { calledBy, rateText, rttText } from './words.ts'

/** Values over time, as they are drawn: `seconds` since 1970, the newest last. */
export interface Plot {
  /** The end of the hour, in seconds since 1970, also where nothing was measured. */
  readonly end: number
  readonly seconds: readonly number[]
  readonly lines: readonly {
    readonly name: string
    /** What it is now and was at most, in words. */
    readonly figures: string
    readonly values: readonly (number | null)[]
  }[]
  /** What else is to be said; may be empty. */
  readonly note: string
}

export interface PlotPair {
  readonly rates: Plot
  readonly rtts: Plot
}

/** So many lines can be told apart: those of the longest round trips are drawn. */
export const LINES_MAX = 5

/** Throughput and round trips of one peer, or of all where it is null. */
export function plotsOf(history: HistoryShown, peerId: string | null): PlotPair {
  const { end, peers, stepSeconds, total } = history
  const one = peers.find(({ id }) => id === peerId)
  const { inBytesPerSecond, outBytesPerSecond } = one ?? total
  const endSeconds = Math.floor(Date.parse(end) / 1_000)
  const times = (count: number) => Array.from({ length: count }, (_, i) => endSeconds - (count - 1 - i) * stepSeconds)
  const shown = one === undefined ? farthest(peers) : [one]
  const count = Math.max(0, ...shown.map(({ rttMs }) => rttMs.length))
  return {
    rates: {
      end: endSeconds,
      seconds: times(inBytesPerSecond.length),
      lines: [
        { name: 'in', values: inBytesPerSecond, figures: figuresOf(inBytesPerSecond, rateText) },
        { name: 'out', values: outBytesPerSecond, figures: figuresOf(outBytesPerSecond, rateText) },
      ],
      note: '',
    },
    rtts: {
      end: endSeconds,
      seconds: times(count),
      lines: shown.map(peer => ({
        name: calledBy(peer),
        values: filled(peer.rttMs, count),
        figures: figuresOf(peer.rttMs, rttText),
      })),
      note: rttNote(shown.length, peers.length),
    },
  }
}

type PeerHistory = HistoryShown['peers'][number]

function farthest(peers: readonly PeerHistory[]): PeerHistory[] {
  return peers
    .filter(({ rttMs }) => rttMs.some(value => value !== null))
    .sort((a, b) => (newest(b.rttMs) ?? -1) - (newest(a.rttMs) ?? -1) || (a.nickname < b.nickname ? -1 : 1))
    .slice(0, LINES_MAX)
}

function filled(values: readonly (number | null)[], count: number): readonly (number | null)[] {
  return [...Array.from({ length: count - values.length }, () => null), ...values]
}

function newest(values: readonly (number | null)[]): number | null {
  return values.at(-1) ?? values.at(-2) ?? null
}

function most(values: readonly (number | null)[]): number | null {
  return values.reduce((a, b) => (a === null ? b : b === null ? a : Math.max(a, b)), null)
}

function figuresOf(values: readonly (number | null)[], textOf: (value: number | null) => string): string {
  return most(values) === null ? 'not measured' : `${textOf(newest(values))}, at most ${textOf(most(values))}`
}

function rttNote(shown: number, peers: number): string {
  if (shown === 0) return 'Nothing was measured yet.'
  return shown > 1 && peers > shown ? `The farthest ${shown} of ${peers} are shown.` : ''
}
