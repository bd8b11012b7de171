import type { Ipv4, PeerId } from '../address/mod.ts'
import { isDrop } from '../base/mod.ts'
import { decodeAssignedRecord, encodeAssignedRecord, type Assigned } from './assigned-record.ts'
import { ASSIGNED_STRIP } from './constants.ts'

const BYTES_PER_LOAN = 5

/**
 * What one author says of 256 addresses, in few bytes: a member may say it of very many. Strings of bytes cost a third of
 * what arrays of them do.
 */
export class SaidAddresses {
  readonly #strip: Ipv4
  readonly #value: string
  /** A bit for each address that the author has itself. */
  readonly #used: string
  /** Loans to this peer, each the offset and the number. */
  readonly #toSelf: string
  /** How many addresses the author says to have itself. */
  readonly usedCount: number
  /** The author says of those that it is ephemeral. */
  readonly isEphemeral: boolean

  constructor(author: PeerId, self: PeerId, strip: Ipv4, assigned: readonly Assigned[]) {
    this.#strip = strip
    this.#value = packed(encodeAssignedRecord(strip, assigned))
    const used = assigned.filter(one => one.peer === author)
    this.usedCount = used.length
    this.isEphemeral = used.some(one => one.isEphemeral)
    const bits = new Uint8Array(used.length === 0 ? 0 : ASSIGNED_STRIP / 8)
    for (const { address } of used) bits[(address - strip) >> 3]! |= 1 << ((address - strip) & 7)
    this.#used = packed(bits)
    const toSelf = assigned
      .filter(one => one.peer === self && self !== author)
      .flatMap(({ address, loan }) => [
        address - strip,
        loan >>> 24,
        (loan >>> 16) & 255,
        (loan >>> 8) & 255,
        loan & 255,
      ])
    this.#toSelf = packed(Uint8Array.from(toSelf))
  }

  /** All of it. */
  read(): Assigned[] {
    const assigned = decodeAssignedRecord(
      this.#strip,
      Uint8Array.from(this.#value, char => char.charCodeAt(0)),
    )
    return isDrop(assigned) ? [] : assigned
  }

  /** True when the author says that it has the address itself. */
  isUsed(address: Ipv4): boolean {
    const offset = address - this.#strip
    return ((this.#used.charCodeAt(offset >> 3) >> (offset & 7)) & 1) === 1
  }

  /** True when the author says that it has an address from `first` on, up to `last`, itself. */
  isAnyUsed(first: Ipv4, last: Ipv4): boolean {
    if (this.#used === '') return false
    for (let address = first; address <= last; address++) if (this.isUsed(address)) return true
    return false
  }

  /** What the author lent to this peer. */
  *loansToSelf(): Iterable<{ readonly address: Ipv4; readonly loan: number }> {
    for (let at = 0; at < this.#toSelf.length; at += BYTES_PER_LOAN) {
      const byte = (index: number) => this.#toSelf.charCodeAt(at + index)
      const loan = ((byte(1) << 24) | (byte(2) << 16) | (byte(3) << 8) | byte(4)) >>> 0
      yield { address: this.#strip + byte(0), loan }
    }
  }
}

function packed(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes)
}
