import { WeaveError } from '../base/mod.ts'
import { deleteInterface } from './bridge.ts'
import { heldAddresses, interfaceAddresses, type InterfaceAddress } from './interface-address.ts'
import { addAddress, addMulticastRoute, announce, hasIpv6, removeAddress } from './guest-address.ts'
import { showInterface, showInterfaces, type InterfaceView } from './ip-json.ts'
import { ALIAS_PREFIX, GUEST_NAME } from './limits.ts'
import type { CommandRunner } from './seams.ts'
import type { Target } from './target.ts'
import { isLooseName, isVethName, vethName } from './veth-name.ts'
import { configurePair, createPair, findPair, vanished, type AttachmentSettings } from './veth-pair.ts'

/** A target that is plugged into the bridge. */
export interface PluggedTarget {
  readonly targetId: string
  /** The port of the bridge. */
  readonly hostInterface: string
  /** The interface inside the target. */
  readonly guestInterface: string
  /** Of the guest's interface, as in `02:00:5e:10:00:01`. */
  readonly mac: string
  /** In CIDR form; link-local IPv6 addresses are left out. */
  readonly addresses: readonly string[]
}

/** The end of a veth pair of ours that is a port of the bridge. */
export interface HostEnd {
  readonly targetId: string
  readonly hostInterface: string
  /** The bridge that it is a port of; undefined: it is unplugged. */
  readonly master: string | undefined
  /** The guest end is here still: it was not placed in a target yet. */
  readonly isLoose?: true
}

/**
 * Removes the pairs of a target, whatever became of its namespace: those of its usual guest end, but for the pair of
 * the namespace that it has now, when it is given. None is no error.
 */
export async function unplug(runner: CommandRunner, targetId: string, but?: Target): Promise<void> {
  const kept = but && vethName(but.id, but.netnsInode)
  for (const end of await listHostEnds(runner))
    if (end.targetId === targetId && end.hostInterface !== kept) await deleteInterface(runner, end.hostInterface)
}

/** What is attached at the target, or undefined. Fails with INTERFACE_EXISTS when a foreign interface has our name. */
export async function inspectAttachment(
  runner: CommandRunner,
  target: Target,
  guestName = GUEST_NAME,
): Promise<PluggedTarget | undefined> {
  const pair = await findPair(runner, target, guestName)
  return pair.guest === undefined ? undefined : attachmentOf(target.id, pair.name, pair.guest)
}

/**
 * Our host ends, by the alias that each bears, whether or not they are plugged in: an interface that somebody took off
 * the bridge, or whose bridge is gone, still holds its addresses. A pair whose namespace ended is gone by itself.
 */
export async function listHostEnds(runner: CommandRunner): Promise<readonly HostEnd[]> {
  return hostEnds(await showInterfaces(runner))
}

/** Those among all interfaces. */
export function hostEnds(all: readonly InterfaceView[]): readonly HostEnd[] {
  const loose = new Set(all.flatMap(one => (isLooseName(one.ifname) ? [one.link] : [])))
  return all.flatMap(one =>
    isVethName(one.ifname) && one.ifalias?.startsWith(ALIAS_PREFIX) === true
      ? [
          {
            targetId: one.ifalias.slice(ALIAS_PREFIX.length),
            hostInterface: one.ifname,
            master: one.master,
            ...(loose.has(one.ifname) && { isLoose: true }),
          },
        ]
      : [],
  )
}

/**
 * Plugs a target into the bridge and gives it the addresses (CIDR form) that it does not have yet; others stay.
 * Where the target has IPv6 switched off, it does without `settings.ipv6`, which `addresses` of the outcome then lacks.
 * Repeating it changes nothing but what drifted. When it fails, all that it made is taken back.
 *
 * Fails with BAD_ADDRESS, BAD_TARGET (the guest's name cannot be one), INTERFACE_EXISTS or COMMAND_FAILED.
 */
export async function attach(
  runner: CommandRunner,
  target: Target,
  addresses: readonly string[],
  settings: AttachmentSettings,
): Promise<PluggedTarget> {
  const given = interfaceAddresses(addresses)
  const derived = interfaceAddresses(settings.ipv6 ?? [])
  const guestName = settings.guestInterface ?? GUEST_NAME
  const { name, guest: found, isHalf } = await findPair(runner, target, guestName)
  if (isHalf) await deleteInterface(runner, name)
  const held = new Set(found === undefined ? [] : heldAddresses(found))
  const added: InterfaceAddress[] = []
  try {
    if (found === undefined) await createPair(runner, target, name, settings)
    await configurePair(runner, target, name, settings, found)
    const hasBoth = derived.length > 0 && (await hasIpv6(runner, guestName, target.netnsPath))
    const wanted = hasBoth ? [...given, ...derived] : given
    for (const address of wanted.filter(each => !held.has(each.text))) {
      await addAddress(runner, target, guestName, address)
      added.push(address)
    }
    if (settings.multicastRoute !== false) await addMulticastRoute(runner, target, guestName)
    const guest = await showInterface(runner, guestName, target.netnsPath)
    if (guest === undefined) throw vanished(target)
    if (added.length > 0) await announce(runner, target, guest)
    return attachmentOf(target.id, name, guest)
  } catch (error) {
    // What went wrong first is what the user needs to read, so faults of the way back are not told.
    if (found === undefined) await deleteInterface(runner, name).catch(() => undefined)
    else
      for (const address of added) await removeAddress(runner, target, guestName, address.text).catch(() => undefined)
    throw error
  }
}

/**
 * Takes addresses from a target, and the interface when the last one goes. Addresses that it does not have are no
 * error. Returns what it still has.
 *
 * Fails with NOT_ATTACHED, BAD_ADDRESS or COMMAND_FAILED.
 */
export async function detach(
  runner: CommandRunner,
  target: Target,
  addresses: readonly string[] | 'all',
  guestName = GUEST_NAME,
): Promise<readonly string[]> {
  const { name, guest } = await findPair(runner, target, guestName)
  if (guest === undefined) {
    throw new WeaveError(
      'NOT_ATTACHED',
      `${target.description} is not attached: it has no interface ${guestName}`,
      'see what is attached with `weave-ts ps`',
    )
  }
  const held = heldAddresses(guest)
  const leaving = new Set(addresses === 'all' ? held : interfaceAddresses(addresses).map(address => address.text))
  const staying = held.filter(address => !leaving.has(address))
  if (staying.length === 0) {
    await deleteInterface(runner, name)
    return []
  }
  for (const address of held) if (leaving.has(address)) await removeAddress(runner, target, guestName, address)
  return staying
}

export function attachmentOf(targetId: string, hostInterface: string, guest: InterfaceView): PluggedTarget {
  return {
    targetId,
    hostInterface,
    guestInterface: guest.ifname,
    mac: guest.address ?? '',
    addresses: heldAddresses(guest),
  }
}
