import { constants } from 'node:fs'
import { access, open, readFile } from 'node:fs/promises'
import { formatCidr, overlaps, parseCidr, parseIpv4, type Cidr } from '../address/mod.ts'
import { errorText, WeaveError } from '../base/mod.ts'
import { showInterface, showInterfaces, showRoutes, type InterfaceView, type RouteView } from './ip-json.ts'
import { checkBridgeOwner, checkDeviceOwner } from './ownership.ts'
import type { CommandRunner } from './seams.ts'

const TUN_DEVICE = '/dev/net/tun'
const CAP_NET_ADMIN = 12n
/** `docker0`, and `br-` with the beginning of a network's id. */
const DOCKER_BRIDGE = /^(?:docker0|br-([0-9a-f]{12}))$/
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
  const obstacles = routes.filter(
    ({ dev, type = '' }) => dev !== bridge && !['blackhole', 'unreachable', 'prohibit', 'throw'].includes(type),
  )
  const found = overlappingRoute(range, obstacles)
  if (found === undefined) return
  throw new WeaveError(
    'RANGE_OVERLAP',
    `the ${what} ${formatCidr(range)} overlaps this host's route ${routeText(found)}`,
    dockerRemedy(found.dev) ?? remedy,
  )
}

/** The first route of the host, but for default routes, that leads into a subnet. */
export function overlappingRoute(
  subnet: Cidr,
  routes: readonly RouteView[],
): { readonly destination: Cidr; readonly dev: string | undefined } | undefined {
  for (const { dst, dev } of routes) {
    const destination = destinationOf(dst)
    if (destination !== undefined && destination.prefix > 0 && overlaps(subnet, destination))
      return { destination, dev }
  }
  return undefined
}

function routeText({ destination, dev }: NonNullable<ReturnType<typeof overlappingRoute>>): string {
  const by =
    dev === undefined ? '' : ` (interface ${dev}${DOCKER_BRIDGE.test(dev) ? ", of Docker's own driver bridge" : ''})`
  return `${formatCidr(destination)}${by}`
}

/** How to be rid of a bridge of Docker, which is called by the beginning of its network's id. */
function dockerRemedy(dev = ''): string | undefined {
  const match = DOCKER_BRIDGE.exec(dev)
  if (match === null) return undefined
  const id = match[1]
  if (id === undefined) return 'give docker0 another subnet: `"bip"` in /etc/docker/daemon.json'
  return (
    `remove that network with \`docker network rm ${id}\` (up to 45 s while no daemon of weave-ts runs), and create it ` +
    'again with `-d weave-ts`, or with a --subnet elsewhere'
  )
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

/** Each of these by itself, in the order in which a launch makes them. */
function preflightSteps(
  runner: CommandRunner,
  { bridge, tap, range, mayAdoptBridge = false }: HostNames,
): readonly (readonly [PreflightCheck, () => Promise<unknown>])[] {
  return [
    ['privileges', async () => checkPrivileges(await readFile('/proc/self/status', 'utf8'))],
    ['tun', () => checkTun()],
    ['tools', () => checkTools(runner)],
    ['bridge', () => checkBridge(runner, bridge, mayAdoptBridge)],
    ['device', async () => checkDeviceOwner(await showInterface(runner, tap))],
    ['range', async () => range && checkRange(range, await showRoutes(runner, 4), bridge)],
  ]
}

export type PreflightCheck = 'privileges' | 'tun' | 'tools' | 'bridge' | 'device' | 'range'

/** All of these on the present host; fails with the first that fails. */
export async function preflight(runner: CommandRunner, names: HostNames): Promise<void> {
  for (const [, check] of preflightSteps(runner, names)) await check()
}

/** The same, but all of them are made; undefined: that one is well. Fails only where the error is none of ours. */
export async function preflightFaults(
  runner: CommandRunner,
  names: HostNames,
): Promise<Readonly<Record<PreflightCheck, WeaveError | undefined>>> {
  const faults: Partial<Record<PreflightCheck, WeaveError | undefined>> = {}
  for (const [name, check] of preflightSteps(runner, names))
    faults[name] = await check().then(
      () => undefined,
      (error: unknown) => {
        if (error instanceof WeaveError) return error
        throw error
      },
    )
  return faults as Record<PreflightCheck, WeaveError | undefined>
}
