import { createHash } from 'node:crypto'
import { VETH_PREFIX } from './limits.ts'

const HASH_CHARACTERS = 8

/**
 * The host end of a target's veth pair. The namespace's inode is part of it: a container that restarts has a new
 * namespace, and the pair of the old one may still be on its way out.
 */
export function vethName(targetId: string, netnsInode: bigint): string {
  const digest = createHash('sha256').update(`${netnsInode} ${targetId}`).digest('hex')
  return VETH_PREFIX + digest.slice(0, HASH_CHARACTERS)
}

export function isVethName(name: string): boolean {
  return name.startsWith(VETH_PREFIX) && /^[0-9a-f]{8}$/.test(name.slice(VETH_PREFIX.length))
}
