import { assert, type Millis } from '../base/mod.ts'
import { EPOCHS_MAX, SESSION_DIES_MS } from './constants.ts'
import type { SessionCipher } from './session-message.ts'

/** One pair of keys between two peers, without the keys. */
export interface Epoch {
  readonly receiverIndex: number
  readonly cipher: SessionCipher
  readonly role: 'initiator' | 'responder'
  readonly bornAt: Millis
  /** The remote's incarnation, in hex. */
  readonly incarnation: string
  /** Of the initiation that made it. */
  readonly sequence: number
  /** True when the remote is known to hold it: at once for the initiator, when confirmed for the responder. */
  isUsable: boolean
}

/**
 * The living key pairs with one remote peer, oldest first, and which one seals. Both ends hold them in the same order,
 * so both settle on the same. Methods return the receiver indices of what they removed.
 */
export class Epochs {
  #list: Epoch[] = []
  #sealing: Epoch | undefined

  get sealing(): Epoch | undefined {
    return this.#sealing
  }

  get size(): number {
    return this.#list.length
  }

  find(receiverIndex: number): Epoch | undefined {
    return this.#list.find(epoch => epoch.receiverIndex === receiverIndex)
  }

  /** When the next key dies. */
  get nextDeathAt(): Millis | undefined {
    return this.#list[0] === undefined ? undefined : this.#list[0].bornAt + SESSION_DIES_MS
  }

  add(epoch: Epoch): readonly number[] {
    assert(this.find(epoch.receiverIndex) === undefined, `receiver index ${epoch.receiverIndex} is in use`)
    const excess = this.#list.filter(old => old !== this.#sealing).slice(0, this.#list.length + 1 - EPOCHS_MAX)
    const removed = this.#remove(old => excess.includes(old))
    this.#list.push(epoch)
    return removed
  }

  /** Seals with the youngest usable epoch from now on; true when that is another one. */
  advance(): boolean {
    const youngest = this.#list.findLast(epoch => epoch.isUsable)
    if (youngest === this.#sealing || youngest === undefined) return false
    if (this.#sealing !== undefined && this.#list.indexOf(youngest) < this.#list.indexOf(this.#sealing)) return false
    this.#sealing = youngest
    return true
  }

  stopSealing(): void {
    this.#sealing = undefined
  }

  /** Forgets the answers that the remote never took up, as it says in its next initiation. */
  dropUnadopted(incarnation: string, adopted: number): readonly number[] {
    return this.#remove(epoch => isUnproved(epoch) && epoch.incarnation === incarnation && epoch.sequence !== adopted)
  }

  /** Forgets what was agreed with other starts of the remote than this one. */
  dropOtherIncarnations(incarnation: string): readonly number[] {
    return this.#remove(epoch => epoch.incarnation !== incarnation)
  }

  dropDead(now: Millis): readonly number[] {
    return this.#remove(epoch => now >= epoch.bornAt + SESSION_DIES_MS)
  }

  clear(): readonly number[] {
    return this.#remove(() => true)
  }

  /** True when an answer younger than `since`, to the given start of the remote, still waits for its confirmation. */
  hasUnprovedSince(incarnation: string, since: Millis): boolean {
    return this.#list.some(epoch => isUnproved(epoch) && epoch.incarnation === incarnation && epoch.bornAt > since)
  }

  #remove(isDue: (epoch: Epoch) => boolean): readonly number[] {
    const removed = this.#list.filter(isDue)
    this.#list = this.#list.filter(epoch => !removed.includes(epoch))
    if (this.#sealing !== undefined && removed.includes(this.#sealing)) this.#sealing = undefined
    return removed.map(epoch => epoch.receiverIndex)
  }
}

function isUnproved(epoch: Epoch): boolean {
  return epoch.role === 'responder' && !epoch.isUsable
}
