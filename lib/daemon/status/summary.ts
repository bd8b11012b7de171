import { counted } from '../../base/mod.ts'
import type { NodeReport } from '../../node/mod.ts'

/** How a peer does, in a line: what service managers show. */
export function summaryOf({ mesh, neighbours, peers, ipam }: NodeReport): string {
  const known = [
    counted(neighbours.length, 'link'),
    `${counted(peers.length, 'peer')} known`,
    `${counted(ipam.leases.length, 'address', 'addresses')} in use`,
  ].join(', ')
  return mesh.id === undefined ? `waiting to join a mesh; ${known}` : known
}
