import type { PeerId } from '../address/mod.ts'
import { equalBytes, isDrop, soonest, TokenBucket, type Millis } from '../base/mod.ts'
import type { Gauge, GaugeOrder } from '../overlay/mod.ts'
import {
  decodeControl,
  encodeMeasure,
  MEASURE_KIND,
  MEASURE_TOKEN_BYTES,
  type ControlMessage,
  type MeasureAsk,
  type MeasureMessage,
  type MeasureStop,
  type MeasureVerdict,
  type MeasureWay,
} from '../wire/mod.ts'
import {
  MEASURE_ASK_AGAIN_MS,
  MEASURE_ASK_MS,
  MEASURE_BURST_S,
  MEASURE_DATAGRAM_BYTES_MIN,
  MEASURE_END_MS,
  MEASURE_MS_MAX,
  MEASURE_SHARE,
} from './constants.ts'
import type { NodeContext } from './context.ts'
import type { DataPath } from './data-path.ts'
import type { DataPaths } from './data-paths.ts'
import { Measurement, type MeasurementEnd } from './measurement.ts'
import type { NodePart } from './part.ts'
import { datagramBytesOf } from './path-size.ts'
import type { DataPathReport } from './path-state.ts'

/** What somebody here wants to know. */
export interface MeasureQuestion {
  readonly peer: PeerId
  readonly way: MeasureWay
  /** This peer sends; else the other one does. */
  readonly isSending: boolean
  /** Of UDP payload in a second. */
  readonly kbits: number
  readonly ms: number
}

/** How a question ended. */
export type MeasureEnd =
  | (Extract<MeasurementEnd, { isDone: true }> & { readonly path: DataPathReport | undefined })
  /** `limitKbits`: what the peer allows, where it said so. `busy-here`: this host measures already. */
  | {
      readonly isDone: false
      readonly reason: Exclude<MeasureVerdict, 'agreed'> | MeasureStop | 'busy-here' | 'no-answer' | 'no-way'
      readonly limitKbits?: number
    }

interface Asking {
  readonly ask: MeasureAsk
  readonly until: Millis
  nextAt: Millis
  wasSent: boolean
}

/**
 * Measures what goes between this peer and another: agrees with it by control datagrams in their session (docs/protocol.md
 * §9.11), and has the gauge send or count test datagrams. One measurement at a time, whoever asked for it. Each question
 * ends in its `onEnd`.
 */
export class Measuring implements NodePart {
  readonly name = 'measuring'
  readonly #context: NodeContext
  readonly #paths: Pick<DataPaths, 'path' | 'want' | 'handleLarge' | 'tell'>
  /** Of those that others ask for, in seconds. */
  readonly #allowance = new TokenBucket(MEASURE_BURST_S, MEASURE_SHARE)
  #question: { readonly question: MeasureQuestion; readonly onEnd: (end: MeasureEnd) => void } | undefined
  #asking: Asking | undefined
  #running: Measurement | undefined
  /** The last counts that were told to somebody who asked for a measurement, in case they were lost. */
  #last:
    { readonly peer: PeerId; readonly token: Uint8Array; readonly body: Uint8Array; readonly until: Millis } | undefined

  constructor(context: NodeContext, paths: Pick<DataPaths, 'path' | 'want' | 'handleLarge' | 'tell'>) {
    this.#context = context
    this.#paths = paths
  }

  /** Ends in `onEnd`, never before this returns. */
  begin(question: MeasureQuestion, onEnd: (end: MeasureEnd) => void, now: Millis): void {
    const { peer, way, isSending, kbits, ms } = question
    if (this.#question !== undefined || this.#running !== undefined)
      return onEnd({ isDone: false, reason: 'busy-here' })
    const gauge = this.#gauge
    if (gauge === undefined) return onEnd({ isDone: false, reason: 'forbidden' })
    this.#question = { question, onEnd }
    this.#paths.want(peer, now)
    // So that it is found by then what the path carries.
    this.#paths.handleLarge(peer, now)
    const token = this.#context.config.entropy.bytes(MEASURE_TOKEN_BYTES)
    const ask = { type: 'measure-ask', token, way, isAskerSending: isSending, datagramBytes: 0, kbits, ms } as const
    this.#asking = { ask, until: now + MEASURE_ASK_MS, nextAt: now, wasSent: false }
    if (!isSending) gauge.count(token, way === 'underlay')
    this.#ask(this.#asking, now)
  }

  /** The one who asked here has gone. */
  cancel(now: Millis): void {
    if (this.#question === undefined) return
    if (this.#running !== undefined) this.#running.stop('asked', now)
    else if (this.#asking !== undefined) this.#tellStop(this.#asking.ask, now)
    this.#finish({ isDone: false, reason: 'asked' })
  }

  /** An authenticated control datagram of the peer, which the paths are given as well. */
  handleControl(peer: PeerId, body: Uint8Array, now: Millis): void {
    const kind = body[0] ?? 0
    if (kind < MEASURE_KIND.ask || kind > MEASURE_KIND.stop) return
    const message = decodeControl(body)
    if (isDrop(message) || !isAgreement(message)) return
    if (message.type === 'measure-ask') return this.#handleAsk(peer, message, now)
    if (message.type === 'measure-answer') return this.#handleAnswer(peer, message, now)
    const running = this.#running
    if (running?.terms.peer === peer && equalBytes(running.terms.token, message.token)) {
      running.handleMessage(message, now)
      return this.#lookAtEnd(now)
    }
    if (message.type === 'measure-end') this.#repeatLast(peer, message.token, now)
  }

  handleTimeout(now: Millis): void {
    this.#running?.handleTimeout(now)
    this.#lookAtEnd(now)
    const asking = this.#asking
    if (asking === undefined || now < asking.nextAt) return
    if (now >= asking.until) {
      this.#tellStop(asking.ask, now)
      this.#finish({ isDone: false, reason: asking.wasSent ? 'no-answer' : 'no-way' })
    } else this.#ask(asking, now)
  }

  pollTimeout(): { at: Millis; reason: string } | undefined {
    const asking = this.#asking
    return soonest([
      this.#running?.pollTimeout(),
      asking === undefined ? undefined : { at: asking.nextAt, reason: 'measurement' },
    ])
  }

  get #gauge(): Gauge | undefined {
    return this.#context.config.gauge
  }

  #ask(asking: Asking, now: Millis): void {
    asking.nextAt = Math.min(asking.until, now + MEASURE_ASK_AGAIN_MS)
    const { peer, way } = this.#question!.question
    const path = this.#paths.path(peer)
    if (path === undefined || !hasWay(path, way)) return
    const ask = { ...asking.ask, datagramBytes: datagramBytesOf(path.report(now).size) }
    if (!this.#paths.tell(peer, encodeMeasure(ask), now)) return
    asking.wasSent = true
  }

  #handleAnswer(
    peer: PeerId,
    { token, verdict, limitKbits }: Extract<MeasureMessage, { type: 'measure-answer' }>,
    now: Millis,
  ): void {
    const { ask } = this.#asking ?? {}
    if (ask === undefined || this.#question!.question.peer !== peer || !equalBytes(ask.token, token)) return
    if (verdict !== 'agreed') return this.#finish({ isDone: false, reason: verdict, limitKbits })
    this.#asking = undefined
    this.#run(peer, ask, ask.isAskerSending, now)
  }

  #handleAsk(peer: PeerId, ask: MeasureAsk, now: Millis): void {
    const running = this.#running
    const isAgain = running?.terms.peer === peer && equalBytes(running.terms.token, ask.token)
    const verdict = isAgain ? 'agreed' : this.#judge(peer, ask, now)
    const limitKbits = this.#context.config.measureLimitKbits ?? 0
    this.#paths.tell(peer, encodeMeasure({ type: 'measure-answer', token: ask.token, verdict, limitKbits }), now)
    if (verdict !== 'agreed' || isAgain) return
    const { way, kbits, ms } = ask
    const nickname = this.#context.view.nicknameOf(peer)
    const fields = { peer, nickname, way, direction: ask.isAskerSending ? 'in' : 'out', kbits, ms }
    this.#context.log('info', 'measured', fields, now)
    if (ask.isAskerSending) this.#gauge!.count(ask.token, way === 'underlay')
    this.#run(peer, ask, !ask.isAskerSending, now)
    this.#lookAtEnd(now)
  }

  #judge(peer: PeerId, { way, isAskerSending, kbits, ms, datagramBytes }: MeasureAsk, now: Millis): MeasureVerdict {
    const { gauge, measureLimitKbits = 0 } = this.#context.config
    const path = this.#paths.path(peer)
    if (gauge === undefined || measureLimitKbits === 0) return 'forbidden'
    if (kbits === 0 || kbits > measureLimitKbits) return 'rate'
    if (ms === 0 || ms > MEASURE_MS_MAX) return 'time'
    if (path === undefined || datagramBytes < MEASURE_DATAGRAM_BYTES_MIN) return 'way'
    if (!isAskerSending && !hasWay(path, way)) return 'way'
    if (this.#question !== undefined || this.#running !== undefined) return 'busy'
    return this.#allowance.take(ms / 1_000, now) ? 'agreed' : 'often'
  }

  #run(peer: PeerId, ask: MeasureAsk, isSending: boolean, now: Millis): void {
    const { token, way } = ask
    const path = this.#paths.path(peer)
    const own = datagramBytesOf(path?.report(now).size)
    const order: GaugeOrder = {
      ...{ peerIndex: path?.peerIndex ?? -1, isRaw: way === 'underlay', token, ms: ask.ms },
      // What this side's path carries: the far side knows the other direction.
      datagramBytes: isSending ? own : ask.datagramBytes,
      bytesPerSecond: (ask.kbits * 1_000) / 8,
    }
    this.#running = new Measurement(
      { peer, token, order, isSending },
      {
        gauge: this.#gauge!,
        tell: (message, at) => {
          const body = encodeMeasure(message)
          this.#paths.tell(peer, body, at)
          if (message.type === 'measure-report' && message.isFinal)
            this.#last = { peer, token, body, until: at + MEASURE_END_MS }
        },
        hasWay: () => {
          const present = this.#paths.path(peer)
          return present?.peerIndex === order.peerIndex && hasWay(present, way)
        },
      },
      now,
    )
    // It may have no way from the beginning.
    this.#lookAtEnd(now)
  }

  /** An end that was told again, because the counts were lost. */
  #repeatLast(peer: PeerId, token: Uint8Array, now: Millis): void {
    const last = this.#last
    if (last === undefined || last.peer !== peer || !equalBytes(last.token, token) || now > last.until) return
    this.#paths.tell(peer, last.body, now)
  }

  /** Looks whether what runs has ended. */
  #lookAtEnd(now: Millis): void {
    const running = this.#running
    if (running?.end === undefined) return
    this.#running = undefined
    const path = this.#paths.path(running.terms.peer)?.report(now)
    this.#finish(running.end.isDone ? { ...running.end, path } : running.end)
  }

  /** Ends the question, if there is one. */
  #finish(end: MeasureEnd): void {
    const question = this.#question
    if (question === undefined) return
    this.#question = this.#asking = undefined
    if (this.#running === undefined) this.#gauge?.endCounting()
    else this.#running = undefined
    question.onEnd(end)
  }

  #tellStop({ token }: MeasureAsk, now: Millis): void {
    const peer = this.#question?.question.peer
    if (peer !== undefined) this.#paths.tell(peer, encodeMeasure({ type: 'measure-stop', token, reason: 'asked' }), now)
  }
}

function hasWay(path: DataPath, way: MeasureWay): boolean {
  return way === 'overlay' ? path.isUsable : path.state.kind === 'direct'
}

type Agreement = Exclude<MeasureMessage, { type: 'measured' }>

function isAgreement(message: ControlMessage): message is Agreement {
  return message.type.startsWith('measure-')
}
