import type { PeerId } from '../address/mod.ts'
import { ByteReader, type Millis } from '../base/mod.ts'
import { PeerSession } from '../noise/mod.ts'
import type { EngineOp } from '../overlay/mod.ts'
import type { NodeContext } from './context.ts'
import { DataPath } from './data-path.ts'
import type { MeshView } from './mesh-view.ts'
import { OwnMappings } from './own-mappings.ts'
import { PathSize } from './path-size.ts'
import { PathUse } from './path-use.ts'

/**
 * Makes data paths, each with a session of its own, and keeps what all sessions of this start must not have in common.
 */
export class PathMaker {
  readonly #context: NodeContext
  readonly #view: MeshView
  /** How others see this peer. */
  readonly mappings: OwnMappings
  /** Receiver indices of the living sessions. */
  readonly #indices = new Set<number>()
  /** Of all sessions of this start: a session that is made anew must not begin below what the remote has seen of it. */
  #sequence = 0

  constructor(context: NodeContext, view: MeshView) {
    this.#context = context
    this.#view = view
    this.mappings = new OwnMappings(context.config)
  }

  /** Undefined when the peer's key is not known. */
  make(peerId: PeerId, now: Millis): DataPath | undefined {
    const { config, ledger, neighbours } = this.#context
    const signingPublic = neighbours.neighbour(peerId)?.hello.signingPublic ?? ledger.signingPublicOf(peerId)
    const exchangePublic = signingPublic && config.suite.exchangePublicKey(signingPublic)
    if (exchangePublic === undefined) return undefined
    const session = new PeerSession({
      self: config.identity,
      incarnation: config.incarnation,
      remote: { peerId, exchangePublic },
      suite: config.suite,
      entropy: config.entropy,
      chance: config.chance,
      meshId: ledger.meshId,
      hasAes: config.hasAes,
      allocateIndex: () => this.#allocateIndex(),
      nextSequence: () => ++this.#sequence,
    })
    return new DataPath({
      peerId,
      peerIndex: this.#view.ensurePeer(peerId).index,
      session,
      use: new PathUse(receiverIndex => config.sessionTotals(receiverIndex), now),
      chance: config.chance,
      beat: config.beat,
      patience: () => this.#context.health.patience,
      size: new PathSize(config),
      mappings: this.mappings,
    })
  }

  /** To be told of every order of a path. */
  note(op: EngineOp): void {
    if (op.op === 'add-session') this.#indices.add(op.session.receiverIndex)
    else if (op.op === 'remove-session') this.#indices.delete(op.receiverIndex)
  }

  /** A random index that no live session of this peer has. */
  #allocateIndex(): number {
    for (;;) {
      const index = new ByteReader(this.#context.config.entropy.bytes(4)).u32()
      if (index !== 0 && !this.#indices.has(index)) return index
    }
  }
}
