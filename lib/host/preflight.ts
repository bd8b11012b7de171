import { constants } from 'node:fs'
import { access, open, readFile } from 'node:fs/promises'
import { formatCidr, overlaps, parseCidr, parseIpv4, type Cidr } from '../address/mod.ts'
import { errorText, WeaveError } from '../base/mod.ts'
import { showInterface, showInterfaces, showRoutes, type InterfaceView, type RouteView } from './ip-json.ts'
import { checkBridgeOwner, checkDeviceOwner } from './ownership.ts'
import type { CommandRunner } from './seams.ts'

const TUN_DEVICE = '/dev/net/tun'
const CAP_NET_ADMIN = 12n
/** `nsenter` and mounting of namespaces need it. */
const CAP_SYS_ADMIN = 21n

/** Tools without which nothing works, with an argument that makes each say its version and end. */
const TOOLS = [
  ['ip', '-V'],
  ['nsenter', '--version'],
  ['tee', '--version'],
] as const

/** Fails with NOT_ROOT unless this process may change the network. `status`: the text of /proc/self/status. */
export function checkPrivileges(status: string): void {
  const match = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)
  const capabilities = BigInt(`0x${match?.[1] ?? '0'}`)
  const missing = [
    ...((capabilities >> CAP_NET_ADMIN) & 1n ? [] : ['CAP_NET_ADMIN']),
    ...((capabilities >> CAP_SYS_ADMIN) & 1n ? [] : ['CAP_SYS_ADMIN']),
  ]
  if (missing.length === 0) return
  throw new WeaveError(
    'NOT_ROOT',
    `making a bridge and interfaces needs ${missing.join(' and ')}, which this process does not have`,
    'run it as root (sudo weave-ts …)',
  )
}

/** Fails with NO_TUN unless TAP devices can be made. */
export async function checkTun(path = TUN_DEVICE): Promise<void> {
  try {
    await access(path, constants.F_OK)
    await (await open(path, 'r+')).close()
  } catch (error) {
    throw new WeaveError(
      'NO_TUN',
      `${path} cannot be opened: ${errorText(error)}`,
      'load the driver (`modprobe tun`); in a container, start it with `--device /dev/net/tun`',
    )
  }
}

/** Fails with MISSING_TOOL for the first tool that is not there. */
export async function checkTools(runner: CommandRunner): Promise<void> {
  for (const argv of TOOLS) await runner.run(argv)
}

/**
 * Fails with RANGE_OVERLAP when a route of the host covers some of the overlay's range. The default route, routes that
 * only refuse, and those of our own bridge are no obstacle.
 */
export function checkRange(range: Cidr, routes: readonly RouteView[], bridge: string): void {
  checkRoutes(range, routes, bridge, [
    'overlay range',
    'choose a range that no network of yours uses: --ipalloc-range, the same on every peer',
  ])
}

/** Fails with RANGE_OVERLAP when this host would lose a route to its own address in a subnet of the overlay. */
export function checkExposedSubnet(subnet: Cidr, routes: readonly RouteView[], bridge: string): void {
  checkRoutes(subnet, routes, bridge, ['subnet', 'expose the host in a subnet that no other interface of it uses'])
}

function checkRoutes(
  range: Cidr,
  routes: readonly RouteView[],
  bridge: string,
  [what, remedy]: readonly [string, string],
): void {
  for (const route of routes) {
    if (route.dev === bridge || ['blackhole', 'unreachable', 'prohibit', 'throw'].includes(route.type ?? '')) continue
    const destination = destinationOf(route.dst)
    if (destination === undefined || destination.prefix === 0 || !overlaps(range, destination)) continue
    const by = route.dev === undefined ? '' : ` (interface ${route.dev})`
    throw new WeaveError(
      'RANGE_OVERLAP',
      `the ${what} ${formatCidr(range)} overlaps this host's route ${formatCidr(destination)}${by}`,
      remedy,
    )
  }
}

function destinationOf(text: string): Cidr | undefined {
  if (text.includes('/')) return parseCidr(text)
  const address = parseIpv4(text)
  return address === undefined ? undefined : { address, prefix: 32 }
}

/** Fails with BRIDGE_FOREIGN when the bridge's name belongs to something that is no bridge. */
export function checkBridgeName(link: InterfaceView | undefined, bridge: string): void {
  const kind = link?.linkinfo?.info_kind
  if (link === undefined || kind === 'bridge') return
  throw new WeaveError(
    'BRIDGE_FOREIGN',
    `the name ${bridge} is wanted for the bridge, but an interface of kind ${kind ?? 'unknown'} has it`,
    `rename or remove that interface (\`ip link delete ${bridge}\`), then launch again`,
  )
}

/** What is made of the host. */
export interface HostNames {
  readonly bridge: string
  readonly tap: string
  /** Undefined when addresses are not managed. */
  readonly range?: Cidr | undefined
  /** A bridge that somebody else made may be taken over. */
  readonly mayAdoptBridge?: boolean
}

/** Fails with BRIDGE_FOREIGN unless the name is free, or that of a bridge that is ours or is to be taken over. */
export async function checkBridge(
  runner: CommandRunner,
  bridge: string,
  mayAdopt: boolean,
): Promise<InterfaceView | undefined> {
  const found = await showInterface(runner, bridge)
  checkBridgeName(found, bridge)
  const ports = found === undefined ? [] : await showInterfaces(runner, 'master', bridge)
  checkBridgeOwner(
    found,
    ports.map(port => port.ifname),
    mayAdopt,
  )
  return found
}

/** All of these on the present host. */
export async function preflight(runner: CommandRunner, names: HostNames): Promise<void> {
  const { bridge, tap, range, mayAdoptBridge = false } = names
  checkPrivileges(await readFile('/proc/self/status', 'utf8'))
  await checkTun()
  await checkTools(runner)
  await checkBridge(runner, bridge, mayAdoptBridge)
  checkDeviceOwner(await showInterface(runner, tap))
  if (range !== undefined) checkRange(range, await showRoutes(runner, 4), bridge)
}
