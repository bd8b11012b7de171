import type { PeerId } from '../address/mod.ts'
import type { CallHandlers, CallAnswer } from '../api/mod.ts'
import { counted, WeaveError } from '../base/mod.ts'
import { TERM_MAX } from '../ipam/mod.ts'
import { askNode } from './ask-node.ts'
import type { NodeRunner } from './node-runner.ts'
import { peerCalled, unknownPeer } from './peer-lookup.ts'
import type { Service } from './service.ts'
import { Names } from './status/names.ts'

/** Takes over what peers owned that are gone for good. */
export class RemovalService implements Service {
  readonly name = 'removal'
  readonly calls: Pick<CallHandlers, 'rmpeer'>
  readonly #runner: Pick<NodeRunner, 'input' | 'report' | 'requireStore'>

  constructor(runner: Pick<NodeRunner, 'input' | 'report' | 'requireStore'>) {
    this.#runner = runner
    this.calls = { rmpeer: ({ peer, force }) => this.#remove(peer, force) }
  }

  #remove(text: string, isForced: boolean): CallAnswer<'rmpeer'> {
    this.#runner.requireStore()
    const before = this.#runner.report()
    const names = new Names(before)
    const victim = peerCalled(text, before)
    const { unreachedMs, removal } = askNode(this.#runner, (node, now) => ({
      unreachedMs: node.unreachedMs(victim, now),
      removal: node.removePeer(victim, isForced, now),
    }))
    const peer = names.ref(victim)
    switch (removal.outcome) {
      case 'self':
        throw new WeaveError(
          'PEER_REACHABLE',
          `${text} is this peer itself`,
          'to leave the mesh and hand everything on: `weave-ts reset` here',
        )
      case 'reachable':
        throw new WeaveError(
          'PEER_REACHABLE',
          `${names.short(victim)} can be reached: what it owns is not taken from it`,
          'run `weave-ts reset` on that host, which hands everything on; or stop its daemon first, if the host shall go',
        )
      case 'full':
        throw new WeaveError(
          'IPAM_WAITING',
          'this peer has published as many takeovers as others listen to',
          'run it on another host, or again when those are ten minutes old and nothing rests on them',
        )
      case 'spent':
        throw new WeaveError(
          'IPAM_WAITING',
          `the blocks of ${names.short(victim)} were taken over up to the greatest term that there is (${TERM_MAX}): nobody can take them over any more`,
          'start that host again, or found the mesh anew (`weave-ts reset`, then `weave-ts launch`, on every host)',
        )
      case 'held':
        throw new WeaveError('IPAM_WAITING', `nothing is taken over now: ${removal.hold.reason}`, removal.hold.remedy)
      case 'unknown':
        throw unknownPeer(text, before)
      case 'begun': {
        const waiting = removal.takeovers.find(one => !one.isSettled)
        if (waiting === undefined) this.#requireGone(victim, names)
        const one = waiting ?? removal.takeovers.at(-1)
        return {
          peer,
          blocks: (waiting === undefined
            ? removal.takeovers
            : removal.takeovers.filter(({ isSettled }) => !isSettled)
          ).reduce((sum, { blocks }) => sum + blocks, 0),
          state: waiting === undefined ? 'settled' : waiting.isForced ? 'forced' : 'waiting',
          by: names.refOrNull(one?.author),
          agreed: one?.agreed ?? 0,
          needed: one?.needed ?? 0,
          unreachedSeconds: unreachedMs === undefined ? null : Math.floor(unreachedMs / 1_000),
          waitsFor: (waiting?.waitsFor ?? []).map(id => names.ref(id)),
        }
      }
    }
  }

  /** @throws WeaveError IPAM_WAITING when the peer still owns blocks, though no takeover is under way. */
  #requireGone(victim: PeerId, names: Names): void {
    const { blocks } = this.#runner.report().ipam.perPeer.find(({ peer }) => peer === victim) ?? { blocks: 0 }
    if (blocks === 0) return
    throw new WeaveError(
      'IPAM_WAITING',
      `${names.short(victim)} still owns ${counted(blocks, 'address block')}: what was begun did not take them, or was taken back at once`,
      'run it again; `weave-ts status ipam` shows who owns what, and what others began',
    )
  }
}
