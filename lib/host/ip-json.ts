import { assert, WeaveError } from '../base/mod.ts'
import type { CommandRunner } from './seams.ts'

/** What `ip -d -j link` and `ip -d -j addr` say of one interface (the parts that are used). */
export interface InterfaceView {
  readonly ifindex: number
  readonly ifname: string
  readonly flags: readonly string[]
  readonly mtu: number
  readonly txqlen?: number
  readonly master?: string
  /** For a veth: the peer's name when it is in the same namespace, else its index. */
  readonly link?: string
  readonly link_index?: number
  readonly address?: string
  readonly ifalias?: string
  readonly linkinfo?: {
    readonly info_kind?: string
    readonly info_data?: Readonly<Record<string, unknown>>
    readonly info_slave_kind?: string
    readonly info_slave_data?: Readonly<Record<string, unknown>>
  }
  readonly addr_info?: readonly AddressView[]
}

export interface AddressView {
  readonly family: string
  readonly local: string
  readonly prefixlen: number
  readonly scope: string
}

/** What `ip -j route` says of one route. */
export interface RouteView {
  readonly dst: string
  readonly dev?: string
  readonly type?: string
  readonly gateway?: string
  readonly metrics?: readonly { readonly mtu?: number }[]
  readonly nexthops?: readonly { readonly dev?: string }[]
}

/** Prefixes a command so that it runs inside another network namespace. */
export function inNetns(netnsPath: string | undefined, argv: readonly string[]): readonly string[] {
  return netnsPath === undefined ? argv : ['nsenter', `--net=${netnsPath}`, '--', ...argv]
}

/** The interface of that name with its addresses, or undefined when there is none. */
export async function showInterface(
  runner: CommandRunner,
  name: string,
  netnsPath?: string,
): Promise<InterfaceView | undefined> {
  const argv = inNetns(netnsPath, ['ip', '-d', '-j', 'addr', 'show', 'dev', name])
  const { stdout, stderr, status } = await runner.run(argv, { okStatuses: [0, 1] })
  if (status === 0) return parseRows<InterfaceView>(stdout, isLink)[0]
  if (/does not exist|Cannot find device/.test(stderr)) return undefined
  throw new WeaveError(
    'COMMAND_FAILED',
    `\`${argv.join(' ')}\` ended with status 1: ${stderr.trim()}`,
    'see whether the namespace is still there, and try again',
  )
}

export async function showInterfaces(
  runner: CommandRunner,
  ...filter: readonly string[]
): Promise<readonly InterfaceView[]> {
  const { stdout } = await runner.run(['ip', '-d', '-j', 'link', 'show', ...filter])
  return parseRows<InterfaceView>(stdout, isLink)
}

/** All of the host's, each with its addresses. */
export async function showEverything(runner: CommandRunner): Promise<readonly InterfaceView[]> {
  const { stdout } = await runner.run(['ip', '-d', '-j', 'addr', 'show'])
  return parseRows<InterfaceView>(stdout, isLink)
}

/** Those of another namespace. */
export async function showInterfacesIn(runner: CommandRunner, netnsPath: string): Promise<readonly InterfaceView[]> {
  const { stdout } = await runner.run(inNetns(netnsPath, ['ip', '-d', '-j', 'link', 'show']))
  return parseRows<InterfaceView>(stdout, isLink)
}

/** Unicast routes of the main table. */
export async function showRoutes(runner: CommandRunner, family: 4 | 6): Promise<readonly RouteView[]> {
  const { stdout } = await runner.run(['ip', `-${family}`, '-j', 'route', 'show'])
  return parseRows<RouteView>(stdout, isRoute)
}

/** The route to one address; undefined when it cannot be reached. */
export async function routeTo(runner: CommandRunner, address: string): Promise<RouteView | undefined> {
  const { stdout, status } = await runner.run(['ip', '-j', 'route', 'get', address], { okStatuses: [0, 1, 2] })
  return status === 0 ? parseRows<RouteView>(stdout, isRoute)[0] : undefined
}

function isLink(row: object): boolean {
  return 'ifname' in row && 'ifindex' in row
}

function isRoute(row: object): boolean {
  return 'dst' in row
}

/** Rows of `ip -j`: some versions print nothing, or empty objects, for nothing. */
export function parseRows<T>(stdout: string, isRow: (row: object) => boolean): T[] {
  if (stdout.trim() === '') return []
  let rows: unknown
  try {
    rows = JSON.parse(stdout)
  } catch {
    throw new WeaveError(
      'COMMAND_FAILED',
      `\`ip\` printed no JSON but: ${stdout.slice(0, 80).trim()}`,
      'install iproute2 5.0 or newer',
    )
  }
  assert(Array.isArray(rows), 'ip -j prints a list')
  return (rows as unknown[]).filter(row => typeof row === 'object' && row !== null && isRow(row)) as T[]
}
