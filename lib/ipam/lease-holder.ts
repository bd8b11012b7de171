/** For what an address is held: each service ends its own leases only. */
export const LEASE_HOLDER = {
  /** A target that an operator plugged in. */
  attachment: 'attachment',
  /** This host itself, or a service that it exposes. */
  exposure: 'exposure',
  /** A container of the network driver. */
  docker: 'docker',
} as const
export type LeaseHolder = (typeof LEASE_HOLDER)[keyof typeof LEASE_HOLDER]

export function isLeaseHolder(text: string): text is LeaseHolder {
  return Object.hasOwn(LEASE_HOLDER, text)
}
