import { shortPeerId, type PeerId } from '../address/mod.ts'
import type { CallHandlers, CallReply } from '../api/mod.ts'
import { WeaveError } from '../base/mod.ts'
import type { NodeReport } from '../node/mod.ts'
import { askNode } from './ask-node.ts'
import type { NodeRunner } from './node-runner.ts'
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

  #remove(text: string, isForced: boolean): CallReply<'rmpeer'> {
    this.#runner.requireStore()
    const before = this.#runner.report()
    const names = new Names(before)
    const victim = peerCalled(text, before)
    const removal = askNode(this.#runner, (node, now) => node.removePeer(victim, isForced, now))
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
      case 'held':
        throw new WeaveError('IPAM_WAITING', `nothing is taken over now: ${removal.hold.reason}`, removal.hold.remedy)
      case 'unknown':
        throw unknownPeer(text, before)
      case 'begun': {
        const waiting = removal.takeovers.find(one => !one.isSettled)
        const one = waiting ?? removal.takeovers.at(-1)
        return {
          peer,
          blocks: removal.takeovers.reduce((sum, { blocks }) => sum + blocks, 0),
          state: waiting === undefined ? 'settled' : waiting.isForced ? 'forced' : 'waiting',
          by: names.refOrNull(one?.author),
          agreed: one?.agreed ?? 0,
          needed: one?.needed ?? 0,
          waitsFor: (waiting?.waitsFor ?? []).map(id => names.ref(id)),
        }
      }
    }
  }
}

/**
 * The peer that is called so: by its nickname, its id, or the first characters of that.
 *
 * @throws WeaveError PEER_UNKNOWN, or BAD_PEER when several are
 */
export function peerCalled(text: string, report: Pick<NodeReport, 'self' | 'peers' | 'removed' | 'ipam'>): PeerId {
  const known = new Map<PeerId, string>()
  // Of a peer that was removed only the id may be left.
  for (const { victim } of report.ipam.takeovers) known.set(victim, '?')
  for (const { peer } of report.ipam.perPeer) known.set(peer, '?')
  for (const { peerId, nickname } of [...report.removed, ...report.peers]) known.set(peerId, nickname)
  known.set(report.self.peerId, report.self.nickname)
  const exact = [...known].filter(([id, nickname]) => id === text || nickname === text || shortPeerId(id) === text)
  if (exact.length === 1) return exact[0]![0]
  if (exact.length > 1)
    throw new WeaveError(
      'BAD_PEER',
      `${exact.length} peers are called ${text}: ${exact.map(([id]) => id).join(', ')}`,
      'name the one that is meant by its id',
    )
  throw unknownPeer(text, report)
}

function unknownPeer(text: string, { peers }: Pick<NodeReport, 'peers'>): WeaveError {
  const away = peers.filter(peer => !peer.isReachable).map(peer => `${shortPeerId(peer.peerId)}(${peer.nickname})`)
  return new WeaveError(
    'PEER_UNKNOWN',
    `no peer is known that is called ${text}; out of reach now: ${away.length === 0 ? 'none' : away.join(', ')}`,
    'name it by its nickname or its id, as `weave-ts status peers` and `status ipam` show them; one that was removed before is not known any more',
  )
}
