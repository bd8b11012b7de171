import { stat } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { WeaveError } from '../base/mod.ts'
import { applySteps, type HostStep } from './bridge.ts'
import { inNetns, showInterface, showInterfaces, type InterfaceView } from './ip-json.ts'
import {
  ALIAS_PREFIX,
  GUEST_NAME,
  NEIGHBOUR_PROBE_DELAY_SECONDS,
  NEIGHBOUR_REACHABLE_MS,
  NEIGHBOUR_UNICAST_PROBES,
  PORT_FORWARDING_POLL_MS,
  PORT_FORWARDING_WAIT_MS,
} from './limits.ts'
import type { CommandRunner } from './seams.ts'
import { writeSysctls, type Sysctls } from './sysctl.ts'
import type { Target } from './target.ts'
import { checkGuestName, isVethName, vethName } from './veth-name.ts'

export interface AttachmentSettings {
  readonly bridge: string
  readonly mtu: number
  /** Route 224.0.0.0/4 of the target into the overlay (default: yes). */
  readonly multicastRoute?: boolean
  /** Of the interface inside the target (default: GUEST_NAME). */
  readonly guestInterface?: string
  /** Of a guest end that is made (default: the kernel draws one). */
  readonly mac?: string
  /** Addresses (CIDR form) besides, which a target that has IPv6 switched off does without. */
  readonly ipv6?: readonly string[]
}

export interface VethPair {
  /** The host end's name, there or not. */
  readonly name: string
  /** The guest end, when it is there and plugged into that very host end. */
  readonly guest: InterfaceView | undefined
  /** The host end is there, but nothing in the target has the guest's name: it was renamed inside. */
  readonly isHalf: boolean
}

/** Looks for the target's pair; changes nothing. Fails with BAD_TARGET, INTERFACE_EXISTS or TARGET_NOT_FOUND. */
export async function findPair(runner: CommandRunner, target: Target, guestName: string): Promise<VethPair> {
  const name = vethName(target.id, target.netnsInode, checkGuestName(guestName))
  await checkIsThere(target)
  const guest = await showInterface(runner, guestName, target.netnsPath)
  const host = await showInterface(runner, name)
  if (guest === undefined) return { name, guest: undefined, isHalf: host !== undefined }
  if (host !== undefined && areEndsOfOnePair(host, guest)) {
    return { name, guest, isHalf: false }
  }
  const owner = (await showInterfaces(runner)).find(
    link =>
      isVethName(link.ifname) && link.ifindex === guest.link_index && link.ifalias?.startsWith(ALIAS_PREFIX) === true,
  )
  const ownerId = owner?.ifalias?.slice(ALIAS_PREFIX.length)
  throw new WeaveError(
    'INTERFACE_EXISTS',
    ownerId === undefined
      ? `${target.description} has an interface ${guestName} that is not ours`
      : `${target.description} is attached already, under the name ${ownerId}`,
    ownerId === undefined
      ? `remove or rename it inside the target (\`ip link delete ${guestName}\`), then attach again`
      : `use ${ownerId}, or detach that first`,
  )
}

/** Each names the other as its far end; what one says alone may be an index of another namespace. */
export function areEndsOfOnePair(one: InterfaceView, other: InterfaceView): boolean {
  return one.link_index === other.ifindex && other.link_index === one.ifindex
}

/** Fails with TARGET_NOT_FOUND when a process id has passed to another process since the target was resolved. */
export async function checkIsThere(target: Target): Promise<void> {
  const present = await stat(target.netnsPath, { bigint: true }).catch(() => undefined)
  if (present?.ino !== target.netnsInode) throw vanished(target)
}

/** Makes the pair: down, and not on the bridge yet. */
export async function createPair(
  runner: CommandRunner,
  target: Target,
  name: string,
  settings: AttachmentSettings,
): Promise<void> {
  const mtu = String(settings.mtu)
  // The far end is born inside the target, so nothing has to be moved or renamed.
  await runner.run([
    ...['ip', 'link', 'add', 'name', name, 'mtu', mtu, 'type', 'veth'],
    ...['peer', 'name', settings.guestInterface ?? GUEST_NAME],
    ...(settings.mac === undefined ? [] : ['address', settings.mac]),
    ...['mtu', mtu, 'netns', target.netnsPath],
  ])
}

/**
 * Settings first, then the host end, then the guest end; so that no end is ever up without its settings. The MTU goes
 * before: below 1280 bytes an interface has no IPv6 settings, and gets default ones when it rises again.
 */
export async function configurePair(
  runner: CommandRunner,
  target: Target,
  name: string,
  settings: AttachmentSettings,
  found: InterfaceView | undefined,
): Promise<void> {
  const guestName = settings.guestInterface ?? GUEST_NAME
  if (found !== undefined && found.mtu !== settings.mtu) {
    await runner.run(['ip', 'link', 'set', 'dev', name, 'mtu', String(settings.mtu)])
    await guestIp(runner, target, ['link', 'set', 'dev', guestName, 'mtu', String(settings.mtu)])
  }
  const [hostSettings, ...plugging] = planHostEnd(name, target.id, settings.bridge)
  await applySteps(runner, [hostSettings])
  await writeSysctls(runner, guestSysctls(guestName), target.netnsPath)
  await applySteps(runner, plugging)
  if (found?.flags.includes('UP') !== true) await guestIp(runner, target, ['link', 'set', 'dev', guestName, 'up'])
  await waitUntilForwarding(runner, name)
}

/**
 * The steps that make an interface our host end, and a port of the bridge: its settings first. `id`: goes into its
 * alias.
 */
export function planHostEnd(name: string, id: string, bridge: string): readonly [HostStep, ...HostStep[]] {
  const settings: Sysctls = [
    [0, [`ipv6/conf/${name}/accept_ra`]],
    [1, [`ipv6/conf/${name}/disable_ipv6`]],
  ]
  return [
    { sysctls: settings },
    { argv: ['ip', 'link', 'set', 'dev', name, 'alias', ALIAS_PREFIX + id] },
    { argv: ['ip', 'link', 'set', 'dev', name, 'master', bridge, 'up'] },
  ]
}

/** Kernel settings of an interface inside a target. */
export function guestSysctls(guestName: string): Sysctls {
  const v4 = `ipv4/conf/${guestName}`
  const v6 = `ipv6/conf/${guestName}`
  const neighbour = (key: string) => [`ipv4/neigh/${guestName}/${key}`, `ipv6/neigh/${guestName}/${key}`]
  return [
    [0, [`${v6}/accept_ra`]],
    // Else the kernel takes IPv6 addresses away when the interface goes down.
    [1, [`${v6}/keep_addr_on_down`]],
    // Announce addresses; and let the second address of a subnet outlive the first.
    [1, [`${v4}/arp_notify`, `${v6}/ndisc_notify`, `${v4}/promote_secondaries`]],
    // An address may move to another container within seconds: a short memory, and one unicast probe, find it again.
    [NEIGHBOUR_REACHABLE_MS, neighbour('base_reachable_time_ms')],
    [NEIGHBOUR_PROBE_DELAY_SECONDS, neighbour('delay_first_probe_time')],
    [NEIGHBOUR_UNICAST_PROBES, neighbour('ucast_solicit')],
  ]
}

/** A bridge takes up a new port a moment after its carrier: what is sent before is lost. */
export async function waitUntilForwarding(runner: CommandRunner, name: string): Promise<void> {
  const deadline = performance.now() + PORT_FORWARDING_WAIT_MS
  for (;;) {
    const link = await showInterface(runner, name)
    if (link?.linkinfo?.info_slave_data?.['state'] === 'forwarding') return
    if (performance.now() > deadline) {
      throw new WeaveError(
        'COMMAND_FAILED',
        `the bridge port ${name} did not start to forward within ${PORT_FORWARDING_WAIT_MS} ms`,
        'see `bridge link show` for spanning tree or a bridge that is down; `weave-ts stop` and `launch` mend the bridge',
      )
    }
    await delay(PORT_FORWARDING_POLL_MS)
  }
}

/** Runs `ip` inside the target. */
export async function guestIp(runner: CommandRunner, target: Target, argv: readonly string[]): Promise<void> {
  await runner.run(inNetns(target.netnsPath, ['ip', ...argv]))
}

/** The error for a target whose namespace is not, or no longer, the one that was resolved. */
export function vanished(target: Target): WeaveError {
  return new WeaveError(
    'TARGET_NOT_FOUND',
    `${target.description} went away meanwhile (its network namespace is no longer the same)`,
    'try again when it runs',
  )
}
