import { formatCidr, formatIpv4, type Cidr } from '../address/mod.ts'
import { isDrop, WeaveError } from '../base/mod.ts'
import { decodeBlocksRecord } from './blocks-record.ts'
import { IN_USE_SHOWN_MAX } from './constants.ts'
import type { Lease } from './lease-table.ts'

/** What range a `blocks` record is about, in words. */
export function rangeText(value: Uint8Array): string {
  const record = decodeBlocksRecord(value)
  return isDrop(record) ? 'another range' : `${formatCidr(record.range)} in /${record.blockPrefix} blocks`
}

/** For a peer that is launched with another range than its own record (`value`) is about, and what it has given. */
export function rangeChangedError(range: Cidr, value: Uint8Array, leases: readonly Lease[]): WeaveError {
  const inUse = [...leases].sort((a, b) => a.address - b.address)
  const shown = inUse
    .slice(0, IN_USE_SHOWN_MAX)
    .map(({ address, container }) => `${formatIpv4(address)} (${container})`)
  const more = inUse.length - shown.length
  const list = shown.join(', ') + (more > 0 ? ` and ${more} more` : '')
  const had = rangeText(value)
  const use = inUse.length === 0 ? 'no address of it is in use here' : `in use are ${list}`
  return new WeaveError(
    'RANGE_CHANGED',
    `this peer holds address blocks of ${had}, and was launched with ${formatCidr(range)}; ${use}`,
    `launch it with the range that it had; or ${inUse.length === 0 ? '' : 'detach and hide what is in use, and '}run ` +
      '`weave-ts reset` first, on every peer',
  )
}
