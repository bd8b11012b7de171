import { endpointOf, endpointParts, withoutScopeId, type Endpoint, type PeerId } from '../address/mod.ts'
import { TokenBucket, isDrop, printable, type Millis } from '../base/mod.ts'
import {
  decodeCheckBody,
  decodeCheckedBody,
  encodeCheckBody,
  encodeCheckMessage,
  encodeCheckedBody,
  type CheckResult,
  type CheckSubject,
} from '../wire/mod.ts'
import { CHECKS_MAX, CHECKS_PER_SECOND, CHECK_BURST } from './constants.ts'
import type { NodeContext } from './context.ts'
import type { Neighbour } from './neighbour.ts'
import type { NodePart, PartMessage } from './part.ts'
import { drawToken } from './path-probes.ts'

/** What a neighbour wants to know: what this host's clock says, or whether this host can dial it. */
export type NeighbourCheck = { readonly peer: PeerId; readonly token: number } & (
  | { readonly subject: 'clock' }
  /** `endpoint`: of the neighbour itself, to be dialled by TCP and closed at once. */
  | { readonly subject: 'dialBack'; readonly endpoint: Endpoint }
)

interface Asked {
  readonly peer: PeerId
  readonly subject: CheckSubject
  readonly until: Millis
  readonly onEnd: (result: CheckResult | undefined) => void
}

/** What one neighbour asks. */
interface Asker {
  readonly connection: number
  readonly rate: TokenBucket
  /** A dial to it is under way. */
  isDialled: boolean
}

/**
 * What neighbours tell each other for `doctor`: what their clocks say, and whether a peer can be dialled from outside.
 * Nobody is dialled but the asker itself: at the address from which its link comes, on the port at which it says that it
 * listens, which is where every peer would dial it anyway. Limits: CHECKS_MAX of own questions at once; of each
 * neighbour CHECK_BURST and then CHECKS_PER_SECOND, and one dial at a time.
 */
export class Checks implements NodePart {
  readonly name = 'checks'
  readonly messageTypes = ['check', 'checked'] as const
  readonly #context: NodeContext
  /** By token. */
  readonly #asked = new Map<number, Asked>()
  readonly #askers = new Map<PeerId, Asker>()

  constructor(context: NodeContext) {
    this.#context = context
  }

  /**
   * Asks a neighbour. Ends in `onEnd`, within `waitMs`, never before this returns; undefined: it did not say. False: it is
   * no neighbour, or too much is asked already.
   */
  begin(
    peer: PeerId,
    subject: CheckSubject,
    waitMs: Millis,
    onEnd: (result: CheckResult | undefined) => void,
    now: Millis,
  ): boolean {
    const { config, neighbours } = this.#context
    if (this.#asked.size >= CHECKS_MAX) return false
    const token = drawToken(config.chance, this.#asked)
    if (!neighbours.send(peer, encodeCheckMessage('check', encodeCheckBody({ token, subject })), now)) return false
    this.#asked.set(token, { peer, subject, until: now + waitMs, onEnd })
    return true
  }

  handleMessage(from: PeerId, message: PartMessage, now: Millis): void {
    if (message.type === 'check') this.#answer(from, message.body, now)
    else if (message.type === 'checked') this.#take(from, message.body)
  }

  /** What was found for a neighbour that asked. */
  handleChecked({ peer, token }: NeighbourCheck, result: CheckResult, now: Millis): void {
    const asker = this.#askers.get(peer)
    if (asker !== undefined && result.subject === 'dialBack') asker.isDialled = false
    const told = result.subject === 'clock' ? result : { ...result, endpoint: unscoped(result.endpoint) }
    this.#context.neighbours.send(peer, encodeCheckMessage('checked', encodeCheckedBody(token, told)), now)
  }

  viewChanged(): void {
    for (const peer of [...this.#askers.keys()])
      if (this.#context.neighbours.neighbour(peer) === undefined) this.#askers.delete(peer)
  }

  handleTimeout(now: Millis): void {
    for (const [token, asked] of [...this.#asked]) if (now >= asked.until) this.#end(token, asked, undefined)
  }

  pollTimeout(): { at: Millis; reason: string } | undefined {
    let at = Infinity
    for (const { until } of this.#asked.values()) at = Math.min(at, until)
    return at === Infinity ? undefined : { at, reason: 'check' }
  }

  #answer(peer: PeerId, body: Uint8Array, now: Millis): void {
    const neighbour = this.#context.neighbours.neighbour(peer)
    const check = decodeCheckBody(body)
    if (isDrop(check)) return this.#context.drop(check.reason)
    if (neighbour === undefined) return
    const asker = this.#askerOf(neighbour)
    const { token, subject } = check
    if ((subject === 'dialBack' && asker.isDialled) || !asker.rate.take(1, now)) return this.#context.drop('check-rate')
    if (subject === 'clock') return this.#context.emit({ type: 'check', check: { peer, token, subject } })
    asker.isDialled = true
    this.#context.emit({ type: 'check', check: { peer, token, subject, endpoint: listensAt(neighbour) } })
  }

  #take(peer: PeerId, body: Uint8Array): void {
    const checked = decodeCheckedBody(body)
    if (isDrop(checked)) return this.#context.drop(checked.reason)
    const { token, result } = checked
    const asked = this.#asked.get(token)
    if (asked?.peer !== peer || asked.subject !== result.subject) return this.#context.drop('check-unexpected')
    const isFailure = result.subject === 'dialBack' && result.why !== undefined
    this.#end(token, asked, isFailure ? { ...result, why: printable(result.why) } : result)
  }

  #end(token: number, { onEnd }: Asked, result: CheckResult | undefined): void {
    this.#asked.delete(token)
    onEnd(result)
  }

  /** A link that is made anew begins anew: a dial that was under way for the old one is forgotten. */
  #askerOf({ peerId, connection }: Neighbour): Asker {
    const known = this.#askers.get(peerId)
    if (known?.connection === connection) return known
    const rate = known?.rate ?? new TokenBucket(CHECK_BURST, CHECKS_PER_SECOND)
    const asker: Asker = { connection, rate, isDialled: false }
    this.#askers.set(peerId, asker)
    return asker
  }
}

/** Where a neighbour listens, for all that is proved: where it is by its link, on the port that it names. */
function listensAt({ endpoint, hello }: Neighbour): Endpoint {
  return endpointOf(endpointParts(endpoint).ip, hello.port)
}

/** Scope ids mean something on one host only. */
function unscoped(endpoint: Endpoint): Endpoint {
  const { ip, port } = endpointParts(endpoint)
  return endpointOf(withoutScopeId(ip), port)
}
