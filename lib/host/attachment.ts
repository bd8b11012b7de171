import { WeaveError } from '../base/mod.ts'
import { deleteLink } from './bridge.ts'
import { heldAddresses, interfaceAddresses, type InterfaceAddress } from './interface-address.ts'
import { inNetns, showLink, showLinks, type LinkView } from './ip-json.ts'
import { ALIAS_PREFIX, GUEST_NAME } from './limits.ts'
import type { CommandRunner } from './ports.ts'
import { writeSysctls } from './sysctl.ts'
import type { Target } from './target.ts'
import { isVethName } from './veth-name.ts'
import { configurePair, createPair, findPair, guestIp, vanished, type AttachmentSettings } from './veth-pair.ts'

const MULTICAST_RANGE = '224.0.0.0/4'

/** A target that is plugged into the bridge. */
export interface Attachment {
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

/** A port of the bridge that is ours. */
export interface AttachedPort {
  readonly targetId: string
  readonly hostInterface: string
  /** The bridge that it is a port of; undefined: it is unplugged. */
  readonly master: string | undefined
}

/** What is attached at the target, or undefined. Fails with INTERFACE_EXISTS when a foreign interface has our name. */
export async function inspectAttachment(runner: CommandRunner, target: Target): Promise<Attachment | undefined> {
  const pair = await findPair(runner, target)
  return pair.guest === undefined ? undefined : attachmentOf(target, pair.name, pair.guest)
}

/**
 * Our host ends, by the alias that each bears, whether or not they are plugged in: an interface that somebody took off the
 * bridge, or whose bridge is gone, still holds its addresses. A pair whose namespace ended is gone by itself.
 */
export async function listPorts(runner: CommandRunner): Promise<readonly AttachedPort[]> {
  const links = await showLinks(runner)
  return links.flatMap(link =>
    isVethName(link.ifname) && link.ifalias?.startsWith(ALIAS_PREFIX) === true
      ? [{ targetId: link.ifalias.slice(ALIAS_PREFIX.length), hostInterface: link.ifname, master: link.master }]
      : [],
  )
}

/**
 * Plugs a target into the bridge and gives it the addresses (CIDR form) that it does not have yet; others stay. Repeating
 * it changes nothing but what drifted. When it fails, all that it made is taken back.
 *
 * Fails with BAD_ADDRESS, INTERFACE_EXISTS or COMMAND_FAILED.
 */
export async function attach(
  runner: CommandRunner,
  target: Target,
  addresses: readonly string[],
  settings: AttachmentSettings,
): Promise<Attachment> {
  const wanted = interfaceAddresses(addresses)
  const { name, guest: found, isHalf } = await findPair(runner, target)
  if (isHalf) await deleteLink(runner, name)
  const held = new Set(found === undefined ? [] : heldAddresses(found))
  const added: InterfaceAddress[] = []
  try {
    if (found === undefined) await createPair(runner, target, name, settings)
    await configurePair(runner, target, name, settings, found)
    for (const address of wanted.filter(each => !held.has(each.text))) {
      await addAddress(runner, target, address)
      added.push(address)
    }
    if (settings.multicastRoute !== false) await addMulticastRoute(runner, target)
    const guest = await showLink(runner, GUEST_NAME, target.netnsPath)
    if (guest === undefined) throw vanished(target)
    if (added.length > 0) await announce(runner, target, guest)
    return attachmentOf(target, name, guest)
  } catch (error) {
    // What went wrong first is what the user needs to read, so faults of the way back are not told.
    if (found === undefined) await deleteLink(runner, name).catch(() => undefined)
    else for (const address of added) await removeAddress(runner, target, address.text).catch(() => undefined)
    throw error
  }
}

/**
 * Takes addresses from a target, and the interface when the last one goes. Addresses that it does not have are no error.
 * Returns what it still has.
 *
 * Fails with NOT_ATTACHED, BAD_ADDRESS or COMMAND_FAILED.
 */
export async function detach(
  runner: CommandRunner,
  target: Target,
  addresses: readonly string[] | 'all',
): Promise<readonly string[]> {
  const { name, guest } = await findPair(runner, target)
  if (guest === undefined) {
    throw new WeaveError(
      'NOT_ATTACHED',
      `${target.description} is not attached: it has no interface ${GUEST_NAME}`,
      'see what is attached with `weave-ts ps`',
    )
  }
  const held = heldAddresses(guest)
  const leaving = new Set(addresses === 'all' ? held : interfaceAddresses(addresses).map(address => address.text))
  const staying = held.filter(address => !leaving.has(address))
  if (staying.length === 0) {
    await deleteLink(runner, name)
    return []
  }
  for (const address of held) if (leaving.has(address)) await removeAddress(runner, target, address)
  return staying
}

async function addAddress(runner: CommandRunner, target: Target, address: InterfaceAddress): Promise<void> {
  if (address.family === 6) {
    // Engines turn IPv6 off in containers; an IPv6 address asks for it.
    await writeSysctls(runner, [[0, [`ipv6/conf/${GUEST_NAME}/disable_ipv6`]]], target.netnsPath)
  }
  const broadcast = address.family === 4 && address.prefix < 31 ? ['broadcast', '+'] : []
  // The ledger says whose the address is: duplicate address detection would only delay it.
  const noDetection = address.family === 6 ? ['nodad'] : []
  await guestIp(runner, target, ['addr', 'add', address.text, ...broadcast, 'dev', GUEST_NAME, ...noDetection])
}

async function removeAddress(runner: CommandRunner, target: Target, address: string): Promise<void> {
  await guestIp(runner, target, ['addr', 'del', address, 'dev', GUEST_NAME])
}

async function addMulticastRoute(runner: CommandRunner, target: Target): Promise<void> {
  const show = inNetns(target.netnsPath, ['ip', '-4', '-j', 'route', 'show', 'exact', MULTICAST_RANGE])
  const { stdout } = await runner.run(show)
  // One that the target has already, to whichever interface, is the target's own choice.
  if (!stdout.includes(MULTICAST_RANGE)) {
    await guestIp(runner, target, ['route', 'add', MULTICAST_RANGE, 'dev', GUEST_NAME])
  }
}

/** Setting the MAC that is set already makes the kernel send gratuitous ARP and unsolicited advertisements for all. */
async function announce(runner: CommandRunner, target: Target, guest: LinkView): Promise<void> {
  if (guest.address === undefined) return
  await guestIp(runner, target, ['link', 'set', 'dev', GUEST_NAME, 'address', guest.address])
}

function attachmentOf(target: Target, name: string, guest: LinkView): Attachment {
  return {
    targetId: target.id,
    hostInterface: name,
    guestInterface: GUEST_NAME,
    mac: guest.address ?? '',
    addresses: heldAddresses(guest),
  }
}
