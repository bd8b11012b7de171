import {
  cidrSize,
  contains,
  firstAddress,
  formatCidr,
  hasHostBits,
  lastAddress,
  overlaps,
  type Cidr,
  type Ipv4,
} from '../address/mod.ts'
import { WeaveError } from '../base/mod.ts'
import { BLOCKS_MAX, SEGMENT_BLOCKS, SUBNET_PREFIX_MAX } from './constants.ts'

/** First and last block number of a stretch, both inside. */
export interface BlockSpan {
  readonly first: number
  readonly last: number
}

/** How a range is cut into equal blocks, and blocks are grouped into segments. */
export class BlockSpace {
  readonly range: Cidr
  /** The prefix length of a block: as asked, or that of the range when the range is smaller than a block. */
  readonly blockPrefix: number
  /** Addresses in a block. */
  readonly blockSize: number
  readonly blockCount: number
  readonly segmentCount: number

  /** @throws WeaveError CONFIG_INVALID for a range or block size that cannot work */
  constructor(range: Cidr, blockPrefix: number) {
    if (hasHostBits(range)) {
      throw new WeaveError(
        'CONFIG_INVALID',
        `the address range ${formatCidr(range)} has host bits set`,
        `write it as ${formatCidr({ address: firstAddress(range), prefix: range.prefix })}`,
      )
    }
    if (range.prefix > SUBNET_PREFIX_MAX || blockPrefix > SUBNET_PREFIX_MAX) {
      throw new WeaveError(
        'CONFIG_INVALID',
        `the address range ${formatCidr(range)} in /${blockPrefix} blocks is too small: a range or block has at least 4 addresses`,
        `give a range of /${SUBNET_PREFIX_MAX} or larger, such as 10.32.0.0/12`,
      )
    }
    this.range = range
    this.blockPrefix = Math.max(blockPrefix, range.prefix)
    this.blockSize = 2 ** (32 - this.blockPrefix)
    this.blockCount = cidrSize(range) / this.blockSize
    this.segmentCount = Math.ceil(this.blockCount / SEGMENT_BLOCKS)
    if (this.blockCount > BLOCKS_MAX) {
      throw new WeaveError(
        'CONFIG_INVALID',
        `the address range ${formatCidr(range)} in /${blockPrefix} blocks makes ${this.blockCount} blocks; at most ${BLOCKS_MAX} work`,
        'give a smaller range',
      )
    }
  }

  holds(address: Ipv4): boolean {
    return contains(this.range, address)
  }

  /** The block of an address of the range. */
  blockOf(address: Ipv4): number {
    return Math.floor((address - this.range.address) / this.blockSize)
  }

  blockCidr(block: number): Cidr {
    return { address: this.range.address + block * this.blockSize, prefix: this.blockPrefix }
  }

  segmentOf(block: number): number {
    return Math.floor(block / SEGMENT_BLOCKS)
  }

  /** The blocks of a segment. */
  segmentSpan(segment: number): BlockSpan {
    const first = segment * SEGMENT_BLOCKS
    return { first, last: Math.min(first + SEGMENT_BLOCKS, this.blockCount) - 1 }
  }

  /** The blocks that share addresses with a subnet; undefined when none does. */
  spanOf(subnet: Cidr): BlockSpan | undefined {
    if (!overlaps(this.range, subnet)) return undefined
    const first = Math.max(firstAddress(subnet), firstAddress(this.range))
    const last = Math.min(lastAddress(subnet), lastAddress(this.range))
    return { first: this.blockOf(first), last: this.blockOf(last) }
  }

  /** The addresses of a block that a container in `subnet` may have, [first, last]; empty when last < first. */
  hostsOf(block: number, subnet: Cidr): readonly [Ipv4, Ipv4] {
    const cidr = this.blockCidr(block)
    return [
      Math.max(cidr.address, firstAddress(subnet) + 1),
      Math.min(cidr.address + this.blockSize - 1, lastAddress(subnet) - 1),
    ]
  }
}
