import type { ApiClient, PathView, PeerRef, PingAnswer } from '../api/mod.ts'
import { numberOf } from './number-option.ts'
import { peerName } from './render.ts'
import { renderMilliseconds, renderVia } from './render-ways.ts'

const COUNT_MAX = 1_000_000
/** The daemon sends 20 a second at most, for all that ask. */
const INTERVAL_SECONDS_MIN = 0.1

export interface PingOptions {
  /** 0: for ever. */
  readonly count: number
  readonly intervalMs: number
  readonly timeoutSeconds: number
}

/** What all pings of a run amount to, as `ping --json` prints it. */
export interface PingSummary {
  readonly peer: PeerRef
  readonly sent: number
  readonly answered: number
  readonly lossPercent: number
  /** Null when nothing was answered. */
  readonly rttMs: { readonly min: number; readonly average: number; readonly max: number } | null
  /** How often an answer took another path than the one before. */
  readonly pathChanges: number
  readonly answers: readonly PingAnswer[]
}

/** @throws WeaveError USAGE */
export function pingOptions(given: { count: string; interval: string; timeout: string }): PingOptions {
  return {
    count: numberOf('--count', given.count, 0, COUNT_MAX, true),
    intervalMs: 1_000 * numberOf('--interval', given.interval, INTERVAL_SECONDS_MIN, 3_600),
    timeoutSeconds: answerTimeout(given.timeout),
  }
}

/** How long an answer is waited for, in seconds. @throws WeaveError USAGE */
export function answerTimeout(text: string): number {
  return numberOf('--timeout', text, 0.01, 30)
}

/** One line for one answer, or for its absence. */
export function renderAnswer(answer: PingAnswer, number: number): string {
  const { peer, isAnswered, rttMs, path, why } = answer
  if (isAnswered)
    return `${number}: answer from ${peerName(peer)} via ${renderVia(path)} in ${renderMilliseconds(rttMs ?? 0)}`
  return `${number}: no answer from ${peerName(peer)} via ${renderVia(path)}: ${why ?? '?'}`
}

export function renderSummary({ peer, sent, answered, lossPercent, rttMs, pathChanges }: PingSummary): string {
  const lines = [`--- ${peerName(peer)}: ${sent} sent, ${answered} answered, ${lossPercent.toFixed(0)} % lost`]
  if (rttMs !== null)
    lines.push(`rtt min/avg/max ${[rttMs.min, rttMs.average, rttMs.max].map(renderMilliseconds).join(' / ')}`)
  if (pathChanges > 0) lines.push(`the path changed ${pathChanges === 1 ? 'once' : `${pathChanges} times`}`)
  return lines.join('\n')
}

/** Undefined without any answer of the daemon. */
export function pingSummary(answers: readonly PingAnswer[]): PingSummary | undefined {
  const last = answers.at(-1)
  if (last === undefined) return undefined
  const times = answers.flatMap(({ isAnswered, rttMs }) => (isAnswered && rttMs !== null ? [rttMs] : []))
  const paths = answers.filter(({ path }) => path !== null).map(({ path }) => renderVia(path))
  return {
    peer: last.peer,
    sent: answers.length,
    answered: times.length,
    lossPercent: (100 * (answers.length - times.length)) / answers.length,
    rttMs:
      times.length === 0
        ? null
        : { min: Math.min(...times), average: times.reduce((a, b) => a + b) / times.length, max: Math.max(...times) },
    pathChanges: paths.filter((path, i) => i > 0 && path !== paths[i - 1]).length,
    answers,
  }
}

/** What a change of the path is told as, before the answer that took the new one; undefined: there was none. */
export function renderChange(before: PathView | null | undefined, path: PathView | null): string | undefined {
  if (before === undefined || renderVia(before) === renderVia(path)) return undefined
  const why = path?.kind === 'direct' || path === null ? '' : `: ${path.why ?? ''}`
  return `   path changed: ${renderVia(before)} > ${renderVia(path)}${why}`
}

/**
 * Pings until all were sent, or the signal says so; each is told of by `onLine`.
 *
 * @param wait Resolves after so many milliseconds, or with the abort.
 * @throws WeaveError PEER_UNKNOWN and others, of the first ping only
 */
export async function pingPeer(
  client: Pick<ApiClient, 'call'>,
  name: string,
  { count, intervalMs, timeoutSeconds }: PingOptions,
  run: {
    readonly onLine: (line: string) => void
    readonly signal: AbortSignal
    readonly wait: (ms: number) => Promise<void>
  },
): Promise<PingAnswer[]> {
  const answers: PingAnswer[] = []
  let peer = name
  while (!run.signal.aborted && (count === 0 || answers.length < count)) {
    const begunAt = performance.now()
    const answer = await client.call('ping', { peer, timeoutSeconds })
    const change = renderChange(answers.at(-1)?.path, answer.path)
    if (change !== undefined) run.onLine(change)
    answers.push(answer)
    run.onLine(renderAnswer(answer, answers.length))
    peer = answer.peer.id
    const isLast = count !== 0 && answers.length >= count
    if (!isLast) await run.wait(Math.max(0, intervalMs - (performance.now() - begunAt)))
  }
  return answers
}
