import type { DataPlane, EngineOp, SessionTotals } from '../overlay/mod.ts'

const NO_TRAFFIC: SessionTotals = { sentDatagrams: 0, sentBytes: 0, receivedDatagrams: 0, receivedBytes: 0 }

/**
 * What went to each peer and came from it, over all its sessions: the data plane counts by session, and forgets one with
 * what it counted. It is told of every order before that is carried out. A peer that is removed is forgotten here too, so
 * it holds no more than the data plane does.
 */
export class PeerTraffic {
  readonly #plane: () => Pick<DataPlane, 'sessionTotals'>
  /** Sessions that there are, by receiver index, and whose they are. */
  readonly #sessions = new Map<number, number>()
  /** What sessions counted that are gone, by peer index. */
  readonly #ended = new Map<number, SessionTotals>()

  constructor(plane: () => Pick<DataPlane, 'sessionTotals'>) {
    this.#plane = plane
  }

  note(op: EngineOp): void {
    if (op.op === 'add-session') this.#add(op.session.peerIndex, op.session.receiverIndex)
    else if (op.op === 'remove-session') this.#end(op.receiverIndex)
    else if (op.op === 'remove-peer') this.#forget(op.peerIndex)
  }

  /** By peer index, those that ever had a session. */
  totals(): ReadonlyMap<number, SessionTotals> {
    const totals = new Map(this.#ended)
    for (const [receiverIndex, peerIndex] of this.#sessions)
      totals.set(peerIndex, sumOf(totals.get(peerIndex), this.#plane().sessionTotals(receiverIndex)))
    return totals
  }

  #add(peerIndex: number, receiverIndex: number): void {
    this.#sessions.set(receiverIndex, peerIndex)
  }

  #end(receiverIndex: number): void {
    const peerIndex = this.#sessions.get(receiverIndex)
    if (peerIndex === undefined) return
    this.#sessions.delete(receiverIndex)
    this.#ended.set(peerIndex, sumOf(this.#ended.get(peerIndex), this.#plane().sessionTotals(receiverIndex)))
  }

  #forget(peerIndex: number): void {
    this.#ended.delete(peerIndex)
    for (const [receiverIndex, index] of this.#sessions) if (index === peerIndex) this.#sessions.delete(receiverIndex)
  }
}

function sumOf(a: SessionTotals = NO_TRAFFIC, b: SessionTotals = NO_TRAFFIC): SessionTotals {
  return {
    sentDatagrams: a.sentDatagrams + b.sentDatagrams,
    sentBytes: a.sentBytes + b.sentBytes,
    receivedDatagrams: a.receivedDatagrams + b.receivedDatagrams,
    receivedBytes: a.receivedBytes + b.receivedBytes,
  }
}
