import type { PeerId } from '../address/mod.ts'
import { BoundedMap, ByteReader, ByteWriter, isDrop } from '../base/mod.ts'
import { decodeIpamAnswer, encodeIpamAnswer, type IpamAnswer } from '../wire/mod.ts'
import { ANSWERS_PER_REQUESTER, REQUESTERS_MAX } from './constants.ts'

interface Requester {
  /** The highest id whose answer is not kept any more. */
  floor: number
  /** By id, ascending. */
  answers: IpamAnswer[]
}

/** The last answers to each peer, so that no request is answered twice. The peer that asked longest ago goes first. */
export class Answers {
  readonly #requesters = new BoundedMap<PeerId, Requester>(REQUESTERS_MAX)

  /** What was answered to this id: the same again; `stale` when it is too old to tell; undefined when it is new. */
  find(from: PeerId, id: number): IpamAnswer | undefined {
    const requester = this.#requesters.get(from)
    if (requester === undefined) return undefined
    const given = requester.answers.find(answer => answer.id === id)
    if (given !== undefined || id > requester.floor) return given
    const lastId = requester.answers.at(-1)?.id ?? requester.floor
    return { kind: 'ipam-answer', id, outcome: 'stale', lastId }
  }

  /** Keeps an answer. Returns the peer that is forgotten for it, if one is. */
  keep(from: PeerId, answer: IpamAnswer): PeerId | undefined {
    const requester = this.#requesters.get(from) ?? { floor: 0, answers: [] }
    requester.answers = [...requester.answers, answer].sort((a, b) => a.id - b.id)
    if (requester.answers.length > ANSWERS_PER_REQUESTER) requester.floor = requester.answers.shift()!.id
    return this.#requesters.set(from, requester)?.key
  }

  /** Ends as if nobody had ever asked; returns who had. */
  clear(): PeerId[] {
    const all = [...this.#requesters.entries.keys()]
    this.#requesters.clear()
    return all
  }

  /** | floor u64 | answers u8 | answers × blob |, for the store. */
  encode(from: PeerId): Uint8Array {
    const { floor, answers } = this.#requesters.get(from)!
    const writer = new ByteWriter().u64(floor).u8(answers.length)
    for (const answer of answers) writer.blob(encodeIpamAnswer(answer))
    return writer.finish()
  }

  /** False when the stored bytes are not understood. */
  restore(from: PeerId, value: Uint8Array): boolean {
    const reader = new ByteReader(value)
    const floor = reader.u64()
    const decoded = Array.from({ length: reader.u8() }, () => decodeIpamAnswer(reader.blob()))
    if (!reader.done) return false
    this.#requesters.set(from, { floor, answers: decoded.filter(answer => !isDrop(answer)) as IpamAnswer[] })
    return true
  }
}
