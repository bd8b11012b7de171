import type { PeerId } from '../address/mod.ts'
import type { CallHandlers, CallAnswer, CallRequest, PeerRef } from '../api/mod.ts'
import { TokenBucket, type Millis } from '../base/mod.ts'
import type { PingEnd } from '../node/mod.ts'
import { PATH_PINGS_BURST, PATH_PINGS_PER_SECOND } from './constants.ts'
import { exactPing, tooManyPings } from './exact-ping.ts'
import type { NodeRunner } from './node-runner.ts'
import { otherPeer } from './peer-lookup.ts'
import type { Service } from './service.ts'
import { pathView } from './status/paths.ts'
import { routeView } from './status/routes.ts'

/** How data goes through the mesh: `status routes`, `ping`, `trace`. */
export class WaysService implements Service {
  readonly name = 'ways'
  readonly calls: Pick<CallHandlers, 'routes' | 'ping'>
  readonly #runner: Pick<NodeRunner, 'input' | 'report' | 'node'>
  readonly #peersAt: (text: string) => PeerId[] | undefined
  readonly #now: () => Millis
  readonly #exactNow: () => number
  readonly #rate = new TokenBucket(PATH_PINGS_BURST, PATH_PINGS_PER_SECOND)

  constructor(parts: {
    runner: Pick<NodeRunner, 'input' | 'report' | 'node'>
    /** Behind whom an address of the overlay is; undefined when the text is none. */
    peersAt: (text: string) => PeerId[] | undefined
    now: () => Millis
    /** Milliseconds with fractions, of any clock. */
    exactNow?: () => number
  }) {
    this.#runner = parts.runner
    this.#peersAt = parts.peersAt
    this.#now = parts.now
    this.#exactNow = parts.exactNow ?? (() => performance.now())
    this.calls = {
      routes: () => ({ routes: this.#runner.node.ways().map(way => routeView(way, peer => this.#ref(peer))) }),
      ping: request => this.#ping(request),
    }
  }

  #ref(id: PeerId): PeerRef {
    return { id, nickname: this.#runner.node.view.nicknameOf(id) }
  }

  async #ping({ peer: text, timeoutSeconds }: CallRequest<'ping'>): Promise<CallAnswer<'ping'>> {
    const { view } = this.#runner.node
    // Whoever pings again and again does so by id: a report of a large mesh is dear.
    const known = view.peer(text as PeerId)?.id
    const peer = known ?? otherPeer(text, this.#runner.report(), this.#peersAt)
    if (!this.#rate.take(1, this.#now())) throw tooManyPings()
    const { end, rttMs } = await exactPing(this.#runner, peer, timeoutSeconds * 1_000, this.#exactNow)
    const isAnswered = end.rttMs !== undefined
    const path = end.path === undefined ? null : pathView(end.path, { ref: id => this.#ref(id) })
    return {
      peer: this.#ref(peer),
      isAnswered,
      rttMs,
      path,
      why: isAnswered ? null : whyOf(end, path?.why, view.reachable.has(peer)),
    }
  }
}

function whyOf({ sentAt }: PingEnd, why: string | null | undefined, isReachable: boolean): string {
  if (sentAt !== undefined) return 'no answer came in time'
  if (why !== undefined && why !== null) return `there is no path: ${why}`
  return isReachable ? 'there is no session with it yet' : 'no link leads to it, and no session is left'
}
