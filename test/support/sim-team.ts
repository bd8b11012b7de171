import { assert } from '../../lib/base/mod.ts'
import { SimSecrets, secretsMemory } from './sim-secrets.ts'

/** What two members have for each other at one exchange, at once; what is more comes in pieces. */
const MAILBOX_BYTES = 4 * 2 ** 20
/** Looks before it sleeps: the others are rarely far behind. */
const SPINS_MAX = 2_000
/** A member that does not come within so long never will. */
const PATIENCE_MS = 900_000

/** Words of the shared control block; behind them the lengths of all mailboxes, each twice. */
const WORD = { arrived: 0, round: 1, failed: 2, lengths: 3 } as const
const PARITIES = 2

/** What members share; given to each worker. */
export interface TeamMemory {
  readonly count: number
  readonly control: SharedArrayBuffer
  readonly mailboxes: SharedArrayBuffer
  readonly secrets: SharedArrayBuffer
}

export function teamMemory(count: number): TeamMemory {
  const boxes = count * count * PARITIES
  return {
    count,
    control: new SharedArrayBuffer(4 * (WORD.lengths + boxes)),
    secrets: secretsMemory(),
    mailboxes: new SharedArrayBuffer(boxes * (count > 1 ? MAILBOX_BYTES : 0)),
  }
}

/**
 * One of some threads that all run one program, each on its part of the whole, and meet at each exchange. All must make
 * the same calls in the same order: what a program decides by it must decide by what all have.
 */
export class SimTeam {
  readonly index: number
  readonly count: number
  /** Any of them may use what another one computed. */
  readonly secrets: SimSecrets
  readonly #words: Int32Array
  readonly #mailboxes: SharedArrayBuffer
  #parity = 0

  constructor(index: number, memory: TeamMemory) {
    this.index = index
    this.count = memory.count
    this.secrets = new SimSecrets(memory.secrets)
    this.#words = new Int32Array(memory.control)
    this.#mailboxes = memory.mailboxes
  }

  /**
   * `partFor`: what each other member is given. Returns what each gave, in their order, itself aside: valid until the next
   * exchange but one.
   */
  exchange(partFor: (member: number) => Uint8Array): Uint8Array[] {
    const others = Array.from({ length: this.count }, (_, member) => member).filter(member => member !== this.index)
    const left = others.map(partFor)
    const pieces: Uint8Array[][] = others.map(() => [])
    let isMore = others.length > 0
    while (isMore) {
      isMore = false
      for (const [at, member] of others.entries()) {
        const part = left[at]!
        this.#words[this.#lengthAt(this.index, member)] = part.length
        const piece = part.subarray(0, MAILBOX_BYTES)
        this.#mailbox(this.index, member, piece.length).set(piece)
        left[at] = part.subarray(piece.length)
      }
      this.#meet()
      for (let from = 0; from < this.count; from++)
        for (let to = 0; to < this.count; to++)
          isMore ||= from !== to && this.#words[this.#lengthAt(from, to)]! > MAILBOX_BYTES
      for (const [at, member] of others.entries()) {
        const bytes = Math.min(this.#words[this.#lengthAt(member, this.index)]!, MAILBOX_BYTES)
        const piece = this.#mailbox(member, this.index, bytes)
        pieces[at]!.push(isMore ? piece.slice() : piece)
      }
      this.#parity = (this.#parity + 1) % PARITIES
    }
    return pieces.map(list => (list.length === 1 ? list[0]! : new Uint8Array(Buffer.concat(list))))
  }

  /** What each member has, in their order. It goes as JSON. */
  gather<T>(own: T): T[] {
    const bytes = new TextEncoder().encode(JSON.stringify([own]))
    const all = this.exchange(() => bytes).map(part => (JSON.parse(Buffer.from(part).toString()) as [T])[0])
    all.splice(this.index, 0, own)
    return all
  }

  /** This member cannot go on, nor can the others: they fail at their next exchange. */
  fail(): void {
    Atomics.store(this.#words, WORD.failed, this.index + 1)
    Atomics.add(this.#words, WORD.round, 1)
    Atomics.notify(this.#words, WORD.round)
  }

  /** Until all are here. What each wrote before, all others see then. */
  #meet(): void {
    const words = this.#words
    const round = Atomics.load(words, WORD.round)
    this.#checkOthers()
    if (Atomics.add(words, WORD.arrived, 1) === this.count - 1) {
      Atomics.store(words, WORD.arrived, 0)
      Atomics.add(words, WORD.round, 1)
      Atomics.notify(words, WORD.round)
      return
    }
    for (let spins = 0; spins < SPINS_MAX; spins++) if (Atomics.load(words, WORD.round) !== round) break
    // Whoever ended the round before may wake this one late: that is no end of this round.
    while (Atomics.load(words, WORD.round) === round) {
      const how = Atomics.wait(words, WORD.round, round, PATIENCE_MS)
      assert(how !== 'timed-out', `waited ${PATIENCE_MS / 1000} s for the others of the team`)
    }
    this.#checkOthers()
  }

  #checkOthers(): void {
    const failed = Atomics.load(this.#words, WORD.failed)
    if (failed !== 0) throw new Error(`member ${failed - 1} of the team failed`)
  }

  #lengthAt(from: number, to: number): number {
    return WORD.lengths + this.#parity * this.count ** 2 + from * this.count + to
  }

  #mailbox(from: number, to: number, bytes: number): Uint8Array {
    const box = this.#parity * this.count ** 2 + from * this.count + to
    return new Uint8Array(this.#mailboxes, box * MAILBOX_BYTES, bytes)
  }
}
