import { createHash } from 'node:crypto'
import { WeaveError } from '../base/mod.ts'
import { GUEST_NAME, INTERFACE_NAME_CHARACTERS_MAX, LOOSE_PREFIX, VETH_PREFIX } from './limits.ts'

const HASH_CHARACTERS = 8
/** The loopback, and what the kernel's settings call all interfaces, and those to come. */
const RESERVED_NAMES = new Set(['lo', 'all', 'default'])

/**
 * The host end of a target's veth pair. The namespace's inode is part of it: a container that restarts has a new
 * namespace, and the pair of the old one may still be on its way out. So is the guest end's name, unless it is the
 * usual
 * one: a target may have several.
 */
export function vethName(targetId: string, netnsInode: bigint, guestName = GUEST_NAME): string {
  return VETH_PREFIX + hashOf(`${netnsInode} ${targetId}${guestName === GUEST_NAME ? '' : ` ${guestName}`}`)
}

/** The names of both ends of a pair that is not placed: it is of no namespace yet. */
export function loosePairNames(id: string): { readonly host: string; readonly guest: string } {
  const hash = hashOf(`loose ${id}`)
  return { host: VETH_PREFIX + hash, guest: LOOSE_PREFIX + hash }
}

/**
 * Fails with BAD_TARGET unless the kernel takes it for an interface, and it can be told apart in paths and commands.
 */
export function checkGuestName(name: string): string {
  const isSound = /^[A-Za-z0-9_][A-Za-z0-9_.@-]*$/.test(name) && name.length <= INTERFACE_NAME_CHARACTERS_MAX
  if (isSound && !RESERVED_NAMES.has(name)) return name
  throw new WeaveError(
    'BAD_TARGET',
    `\`${name.slice(0, 80)}\` cannot be the name of an interface`,
    `give up to ${INTERFACE_NAME_CHARACTERS_MAX} letters, digits and any of _ . @ -`,
  )
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, HASH_CHARACTERS)
}

/** True for a guest end that is not placed yet. */
export function isLooseName(name: string): boolean {
  return name.startsWith(LOOSE_PREFIX)
}

export function isVethName(name: string): boolean {
  return name.startsWith(VETH_PREFIX) && /^[0-9a-f]{8}$/.test(name.slice(VETH_PREFIX.length))
}
