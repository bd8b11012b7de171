import { formatMac, type Mac } from '../address/mod.ts'
import { assert, WeaveError } from '../base/mod.ts'
import { showInterface, showInterfaces, type InterfaceView } from './ip-json.ts'
import { ALIAS_PREFIX, INTERFACE_NAME_CHARACTERS_MAX, OVERLAY_MTU_IPV6_MIN, TAP_QUEUE_PACKETS } from './limits.ts'
import type { CommandRunner } from './seams.ts'
import {
  BRIDGE_ALIAS,
  TAP_ALIAS,
  adoptedAlias,
  beforeAdoption,
  isAdopted,
  isOurBridge,
  type BridgeValues,
} from './ownership.ts'
import { checkBridge } from './preflight.ts'
import { readSysctls, writeSysctls, type Sysctls } from './sysctl.ts'
import { isVethName } from './veth-name.ts'

export interface BridgeSettings {
  readonly name: string
  /** Fixed: without it the bridge takes the lowest MAC of its ports, and changes it as these come and go. */
  readonly mac: Mac
  readonly mtu: number
  /** A bridge of that name that somebody else made is taken over. */
  readonly mayAdopt?: boolean
}

/** Changes of the host in order: a command, or kernel settings. */
export type HostStep = { readonly argv: readonly string[] } | { readonly sysctls: Sysctls }

/**
 * The steps from what is there to the bridge that we want; none but the settings when all is well. `values`: what a bridge
 * that is taken over has now. Settings come before
 * `up`, so that no router advertisement of a container is ever taken (CVE-2020-11091).
 */
export function planBridge(
  want: BridgeSettings,
  found: InterfaceView | undefined,
  values: BridgeValues = {},
): readonly HostStep[] {
  const { name } = want
  const mac = formatMac(want.mac)
  const steps: HostStep[] = []
  let isDown = found?.flags.includes('UP') !== true
  if (found === undefined) {
    steps.push({
      argv: [
        'ip',
        'link',
        'add',
        'name',
        name,
        'address',
        mac,
        'type',
        'bridge',
        'stp_state',
        '0',
        'mcast_snooping',
        '0',
      ],
    })
  }
  // What is not marked is not ours, and is not touched again.
  if (found === undefined || !isOurBridge(found))
    steps.push({
      argv: [
        'ip',
        'link',
        'set',
        'dev',
        name,
        'alias',
        found === undefined ? BRIDGE_ALIAS : adoptedAlias(found, values),
      ],
    })
  if (found?.mtu !== want.mtu) {
    // The kernel drops an interface's IPv6 settings below 1280 bytes, and makes default ones when the MTU rises again:
    // the bridge is down while it has these.
    const isIpv6Reborn = found !== undefined && found.mtu < OVERLAY_MTU_IPV6_MIN && want.mtu >= OVERLAY_MTU_IPV6_MIN
    if (isIpv6Reborn) steps.push({ argv: ['ip', 'link', 'set', 'dev', name, 'down'] })
    isDown ||= isIpv6Reborn
    steps.push({ argv: ['ip', 'link', 'set', 'dev', name, 'mtu', String(want.mtu)] })
  }
  steps.push({ sysctls: [[0, [`ipv6/conf/${name}/accept_ra`, `ipv6/conf/${name}/accept_redirects`]]] })
  const data = found?.linkinfo?.info_data ?? {}
  if (found !== undefined && (data['stp_state'] !== 0 || data['mcast_snooping'] !== 0)) {
    steps.push({
      argv: ['ip', 'link', 'set', 'dev', name, 'type', 'bridge', 'stp_state', '0', 'mcast_snooping', '0'],
    })
  }
  if (found !== undefined && found.address !== mac) {
    steps.push({ argv: ['ip', 'link', 'set', 'dev', name, 'address', mac] })
  }
  if (isDown) steps.push({ argv: ['ip', 'link', 'set', 'dev', name, 'up'] })
  return steps
}

/** The steps that make a TAP device a port of the bridge. It carries frames only, so it has no IPv6 of its own. */
export function planTap(bridge: BridgeSettings, tap: InterfaceView): readonly HostStep[] {
  const name = tap.ifname
  const change = ['ip', 'link', 'set', 'dev', name]
  const steps: HostStep[] = []
  const settings = [
    ...(tap.ifalias === TAP_ALIAS ? [] : ['alias', TAP_ALIAS]),
    ...(tap.mtu === bridge.mtu ? [] : ['mtu', String(bridge.mtu)]),
    ...(tap.txqlen === TAP_QUEUE_PACKETS ? [] : ['txqueuelen', String(TAP_QUEUE_PACKETS)]),
  ]
  if (settings.length > 0) steps.push({ argv: [...change, ...settings] })
  steps.push({
    sysctls: [
      [0, [`ipv6/conf/${name}/accept_ra`]],
      [1, [`ipv6/conf/${name}/disable_ipv6`]],
    ],
  })
  const place = [
    ...(tap.master === bridge.name ? [] : ['master', bridge.name]),
    ...(tap.flags.includes('UP') ? [] : ['up']),
  ]
  if (place.length > 0) steps.push({ argv: [...change, ...place] })
  return steps
}

export async function applySteps(runner: CommandRunner, steps: readonly HostStep[]): Promise<void> {
  for (const step of steps) {
    if ('argv' in step) await runner.run(step.argv)
    else await writeSysctls(runner, step.sysctls)
  }
}

/**
 * Makes the bridge, or mends what drifted from its settings; containers on it stay. A bridge that could not be made
 * whole is taken away again. True: somebody else made it. Fails with BRIDGE_FOREIGN when the name belongs to what weave-ts did not make.
 */
export async function ensureBridge(runner: CommandRunner, want: BridgeSettings): Promise<boolean> {
  assert(want.name.length <= INTERFACE_NAME_CHARACTERS_MAX, `the bridge's name is too long: ${want.name}`)
  const found = await checkBridge(runner, want.name, want.mayAdopt === true)
  try {
    const values = found === undefined || isOurBridge(found) ? {} : await valuesOf(runner, found)
    await applySteps(runner, planBridge(want, found, values))
  } catch (error) {
    if (found === undefined) await deleteInterface(runner, want.name).catch(() => undefined)
    throw error
  }
  return found !== undefined && found.ifalias !== BRIDGE_ALIAS
}

/** What weave-ts changes of a bridge, besides MTU and MAC. */
const BRIDGE_DATA = ['stp_state', 'mcast_snooping']
const BRIDGE_SYSCTLS = ['ipv6.accept_ra', 'ipv6.accept_redirects', 'ipv4.arp_notify', 'ipv4.promote_secondaries']

/** As the mark of a bridge that is taken over keeps them. */
async function valuesOf(runner: CommandRunner, found: InterfaceView): Promise<BridgeValues> {
  const data = found.linkinfo?.info_data ?? {}
  const sysctls = await readSysctls(
    runner,
    BRIDGE_SYSCTLS.map(name => sysctlKey(name, found.ifname)),
  )
  return Object.fromEntries(
    [
      ...BRIDGE_DATA.map(name => [name, data[name]] as const),
      ...BRIDGE_SYSCTLS.map(name => [name, sysctls[sysctlKey(name, found.ifname)]] as const),
    ].filter((entry): entry is readonly [string, number] => typeof entry[1] === 'number'),
  )
}

/** `ipv6.accept_ra` is ipv6/conf/NAME/accept_ra. */
function sysctlKey(name: string, bridge: string): string {
  return name.replace('.', `/conf/${bridge}/`)
}

/** Makes the packet engine's TAP device a port of the bridge. Fails with NO_TUN when it is not there. */
export async function ensureTapPort(runner: CommandRunner, bridge: BridgeSettings, name: string): Promise<void> {
  const tap = await showInterface(runner, name)
  if (tap === undefined || tap.linkinfo?.info_kind !== 'tun') {
    throw new WeaveError(
      'NO_TUN',
      `the TAP device ${name} is wanted as a port of ${bridge.name}, but ${tap === undefined ? 'there is none' : 'that interface is no TAP device'}`,
      'launch the daemon again; if it stays, remove the interface of that name',
    )
  }
  await applySteps(runner, planTap(bridge, tap))
}

/**
 * Removes our veth pairs, the TAP device and the bridge; foreign ports are only released. A bridge that was taken over
 * stays, as it was before. Safe to repeat.
 */
export async function removeBridge(runner: CommandRunner, bridge: string, tap: string): Promise<void> {
  const found = await showInterface(runner, bridge)
  for (const one of await showInterfaces(runner)) {
    const isVeth = isVethName(one.ifname) && one.linkinfo?.info_kind === 'veth'
    const isOurs = isVeth && one.ifalias?.startsWith(ALIAS_PREFIX) === true
    // Also those that were taken off the bridge; those of another bridge are another daemon's.
    if (isOurs && (one.master === bridge || one.master === undefined)) await deleteInterface(runner, one.ifname)
  }
  const device = await showInterface(runner, tap)
  if (device?.linkinfo?.info_kind === 'tun' && device.ifalias === TAP_ALIAS) await deleteInterface(runner, tap)
  if (found?.linkinfo?.info_kind !== 'bridge') return
  if (isAdopted(found)) await applySteps(runner, planRelease(found))
  else if (isOurBridge(found)) await deleteInterface(runner, bridge)
}

/**
 * Removes pairs that a process made and did not live to mark: they are on no bridge, down, and nobody has a record of
 * them that could find them. For when no pair is being made.
 */
export async function removeHalfMadePairs(runner: CommandRunner): Promise<void> {
  for (const one of await showInterfaces(runner)) {
    const isVeth = isVethName(one.ifname) && one.linkinfo?.info_kind === 'veth'
    const isMarked = (one.ifalias ?? '') !== '' || one.master !== undefined || one.flags.includes('UP')
    if (isVeth && !isMarked) await deleteInterface(runner, one.ifname)
  }
}

/** The steps that give an adopted bridge back. */
function planRelease(found: InterfaceView): readonly HostStep[] {
  const change = ['ip', 'link', 'set', 'dev', found.ifname]
  const before = beforeAdoption(found)
  const unmark = { argv: [...change, 'alias', before?.alias ?? ''] }
  if (before === undefined) return [unmark]
  const { mtu, mac, values } = before
  const data = BRIDGE_DATA.flatMap(name => (name in values ? [name, String(values[name])] : []))
  const sysctls = BRIDGE_SYSCTLS.flatMap(name =>
    values[name] === undefined ? [] : [[values[name], [sysctlKey(name, found.ifname)]] as const],
  )
  return [
    { argv: [...change, 'mtu', mtu, 'address', mac] },
    ...(data.length === 0 ? [] : [{ argv: [...change, 'type', 'bridge', ...data] }]),
    { sysctls },
    unmark,
  ]
}

/** Deletes an interface; one that is gone already is no error. */
export async function deleteInterface(runner: CommandRunner, name: string): Promise<void> {
  try {
    await runner.run(['ip', 'link', 'delete', 'dev', name])
  } catch (error) {
    if ((await showInterface(runner, name)) !== undefined) throw error
  }
}
