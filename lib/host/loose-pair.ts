import { assert, WeaveError } from '../base/mod.ts'
import { attachmentOf, type PluggedTarget } from './attachment.ts'
import { applySteps, deleteInterface, type HostStep } from './bridge.ts'
import { addAddress, announce } from './guest-address.ts'
import { interfaceAddresses } from './interface-address.ts'
import { showInterface, showInterfacesIn, type InterfaceView } from './ip-json.ts'
import { ALIAS_BYTES_MAX, ALIAS_PREFIX } from './limits.ts'
import type { CommandRunner } from './seams.ts'
import { writeSysctls } from './sysctl.ts'
import type { Target } from './target.ts'
import { checkGuestName, loosePairNames } from './veth-name.ts'
import {
  areEndsOfOnePair,
  checkIsThere,
  guestIp,
  guestSysctls,
  planHostEnd,
  vanished,
  waitUntilForwarding,
} from './veth-pair.ts'

/**
 * A veth pair whose host end is plugged in while its guest end lies in the host's namespace still: who asked for it
 * moves it into a target himself (libnetwork, CNI), or has it placed.
 */
export interface LoosePair {
  /** Names the pair; `listHostEnds` tells it as the target's id. */
  readonly id: string
  readonly hostInterface: string
  /** What the guest end is called until it is placed. */
  readonly guestInterface: string
  readonly mac: string
}

export interface LoosePairSettings {
  readonly bridge: string
  readonly mtu: number
  /** Of the guest end; the kernel draws one when undefined. */
  readonly mac?: string
}

/** The steps that make the pair and plug its host end in. The guest end stays down. */
export function planLoosePair(id: string, { bridge, mtu, mac }: LoosePairSettings): readonly HostStep[] {
  assert(Buffer.byteLength(ALIAS_PREFIX + id) <= ALIAS_BYTES_MAX, `the name of a pair is too long: ${id}`)
  const { host, guest } = loosePairNames(id)
  const address = mac === undefined ? [] : ['address', mac]
  return [
    {
      argv: [
        ...['ip', 'link', 'add', 'name', host, 'mtu', String(mtu), 'type', 'veth'],
        ...['peer', 'name', guest, ...address, 'mtu', String(mtu)],
      ],
    },
    ...planHostEnd(host, id, bridge),
  ]
}

/**
 * Makes a pair. One of that id that is not placed yet is given as it is. When it fails, nothing is left.
 *
 * Fails with INTERFACE_EXISTS (it is placed already) or COMMAND_FAILED.
 */
export async function makePair(runner: CommandRunner, id: string, settings: LoosePairSettings): Promise<LoosePair> {
  const { host, guest } = loosePairNames(id)
  const found = await findEnds(runner, id)
  if (found.guest !== undefined) return looseOf(id, found.guest)
  if (found.host !== undefined) {
    throw new WeaveError(
      'INTERFACE_EXISTS',
      `the pair of ${id} is in use: its guest end was placed already`,
      `remove it first: \`ip link delete ${host}\``,
    )
  }
  try {
    await applySteps(runner, planLoosePair(id, settings))
    const made = await showInterface(runner, guest)
    if (made !== undefined) return looseOf(id, made)
  } catch (error) {
    await deleteInterface(runner, host).catch(() => undefined)
    throw error
  }
  throw gone(id)
}

/**
 * Moves the guest end into the target under the given name, with addresses (CIDR form), and waits until frames pass.
 * When it fails the pair is gone; but a name that is taken, or a target that is not there, is noticed before anything
 * is done.
 *
 * Fails with BAD_ADDRESS, BAD_TARGET, INTERFACE_EXISTS, NOT_ATTACHED (no such pair), TARGET_NOT_FOUND or
 * COMMAND_FAILED.
 */
export async function placePair(
  runner: CommandRunner,
  id: string,
  target: Target,
  guestName: string,
  addresses: readonly string[],
): Promise<PluggedTarget> {
  const wanted = interfaceAddresses(addresses)
  checkGuestName(guestName)
  await checkIsThere(target)
  const { host, guest } = await findEnds(runner, id)
  if (host === undefined || guest === undefined) throw gone(id)
  if ((await showInterface(runner, guestName, target.netnsPath)) !== undefined) {
    throw new WeaveError(
      'INTERFACE_EXISTS',
      `${target.description} has an interface ${guestName} already`,
      'choose another name, or remove that one inside the target',
    )
  }
  try {
    await runner.run([...['ip', 'link', 'set', 'dev', guest.ifname], ...['netns', target.netnsPath, 'name', guestName]])
    await writeSysctls(runner, guestSysctls(guestName), target.netnsPath)
    await guestIp(runner, target, ['link', 'set', 'dev', guestName, 'up'])
    await waitUntilForwarding(runner, host.ifname)
    for (const address of wanted) await addAddress(runner, target, guestName, address)
    const placed = await guestOf(runner, host, target, guestName)
    if (wanted.length > 0) await announce(runner, target, placed)
    return attachmentOf(id, host.ifname, placed)
  } catch (error) {
    await deleteInterface(runner, host.ifname).catch(() => undefined)
    throw error
  }
}

/**
 * Takes up a pair whose guest end somebody else has moved into the target, under this name, or under whatever name:
 * gives it our settings, leaves its addresses alone, and tells neighbours of them. Nothing is undone when it fails.
 *
 * Fails with BAD_TARGET, INTERFACE_EXISTS (that interface is another one), NOT_ATTACHED, TARGET_NOT_FOUND or
 * COMMAND_FAILED.
 */
export async function adoptPair(
  runner: CommandRunner,
  id: string,
  target: Target,
  name?: string,
): Promise<PluggedTarget> {
  if (name !== undefined) checkGuestName(name)
  await checkIsThere(target)
  const { host } = await findEnds(runner, id)
  if (host === undefined) throw gone(id)
  const guestName = name ?? (await guestNameOf(runner, host, target))
  const guest = await guestOf(runner, host, target, guestName)
  await writeSysctls(runner, guestSysctls(guestName), target.netnsPath)
  if (guest.flags.includes('UP')) {
    await waitUntilForwarding(runner, host.ifname)
    await announce(runner, target, guest)
  }
  return attachmentOf(id, host.ifname, guest)
}

/**
 * What such a pair has where somebody else has placed its guest end; changes nothing.
 *
 * Fails with BAD_TARGET, NOT_ATTACHED, TARGET_NOT_FOUND or COMMAND_FAILED.
 */
export async function inspectPair(runner: CommandRunner, id: string, target: Target): Promise<PluggedTarget> {
  await checkIsThere(target)
  const { host } = await findEnds(runner, id)
  if (host === undefined) throw gone(id)
  const guest = await guestOf(runner, host, target, await guestNameOf(runner, host, target))
  return attachmentOf(id, host.ifname, guest)
}

async function guestNameOf(runner: CommandRunner, host: InterfaceView, target: Target): Promise<string> {
  const inside = await showInterfacesIn(runner, target.netnsPath)
  const guest = inside.find(link => areEndsOfOnePair(host, link))
  if (guest !== undefined) return checkGuestName(guest.ifname)
  await checkIsThere(target)
  throw new WeaveError(
    'NOT_ATTACHED',
    `${target.description} has no interface that is the guest end of ${host.ifname}`,
    'move the guest end there first, or have it placed',
  )
}

/** Removes both ends, wherever the guest end is now. None is no error. */
export async function removePair(runner: CommandRunner, id: string): Promise<void> {
  const { host } = await findEnds(runner, id)
  if (host !== undefined) await deleteInterface(runner, host.ifname)
}

/** Both ends in the host's namespace; the guest end only when it is plugged into that very host end. */
async function findEnds(
  runner: CommandRunner,
  id: string,
): Promise<{ readonly host: InterfaceView | undefined; readonly guest: InterfaceView | undefined }> {
  const names = loosePairNames(id)
  const host = await showInterface(runner, names.host)
  const guest = host === undefined ? undefined : await showInterface(runner, names.guest)
  return { host, guest: guest?.link === names.host ? guest : undefined }
}

/** The interface inside the target, which must be the other end of this one. */
async function guestOf(
  runner: CommandRunner,
  host: InterfaceView,
  target: Target,
  guestName: string,
): Promise<InterfaceView> {
  const guest = await showInterface(runner, guestName, target.netnsPath)
  if (guest === undefined) {
    await checkIsThere(target)
    throw new WeaveError(
      'NOT_ATTACHED',
      `${target.description} has no interface ${guestName}`,
      'move the guest end there first, or have it placed',
    )
  }
  const now = await showInterface(runner, host.ifname)
  if (now === undefined) throw vanished(target)
  if (areEndsOfOnePair(now, guest)) return guest
  throw new WeaveError(
    'INTERFACE_EXISTS',
    `${target.description} has an interface ${guestName} that is not the guest end of ${host.ifname}`,
    'give the name that the guest end has inside the target',
  )
}

function looseOf(id: string, guest: InterfaceView): LoosePair {
  return {
    id,
    hostInterface: loosePairNames(id).host,
    guestInterface: guest.ifname,
    mac: guest.address ?? '',
  }
}

function gone(id: string): WeaveError {
  return new WeaveError('NOT_ATTACHED', `there is no pair of ${id} that waits to be placed`, 'make it first')
}
