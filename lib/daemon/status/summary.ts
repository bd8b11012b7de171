import type { NodeReport } from '../../node/mod.ts'

/** How a peer does, in a line: what service managers show. */
export function summaryOf({ mesh, neighbours, peers, ipam }: NodeReport): string {
  const known = `${count(neighbours.length, 'link')}, ${count(peers.length, 'peer')} known, ${ipam.leases.length} addresses in use`
  return mesh.id === undefined ? `waiting to join a mesh; ${known}` : known
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}
