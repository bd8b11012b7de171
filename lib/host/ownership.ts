import { WeaveError } from '../base/mod.ts'
import type { InterfaceView } from './ip-json.ts'
import { ALIAS_PREFIX } from './limits.ts'

/** The aliases of what weave-ts made for itself. */
export const BRIDGE_ALIAS = `${ALIAS_PREFIX}bridge`
export const TAP_ALIAS = `${ALIAS_PREFIX}device`
const ADOPTED_PREFIX = `${ALIAS_PREFIX}adopted`
/** IFALIASZ of the kernel, without the zero at the end. */
const ALIAS_BYTES_MAX = 255

/** Whose a bridge or its ports look like, by their names. */
const OWNERS: readonly (readonly [RegExp, string, string?])[] = [
  [/^vethwe-(?:bridge|datapath|pcap)$|^vethwepl/, 'Weave Net', '`weave reset` there'],
  [/^docker|^br-[0-9a-f]{12}$/, 'Docker'],
  [/^virbr\d/, 'libvirt'],
  [/^(?:cni|cbr|kube-bridge|flannel)/, "a Kubernetes network's"],
  [/^(?:podman|cni-podman)/, 'Podman'],
  [/^lxcbr/, 'LXC'],
  [/^(?:lxdbr|incusbr)/, 'LXD or Incus'],
  [/^vmbr/, 'Proxmox'],
  [/^weave$/, 'Weave Net', '`weave reset` there'],
]

/** True for a bridge that weave-ts made, or was told to take over. */
export function isOurBridge(link: InterfaceView): boolean {
  return link.ifalias === BRIDGE_ALIAS || isAdopted(link)
}

/** True for a bridge that somebody else made: it stays when weave-ts goes. */
export function isAdopted({ ifalias }: InterfaceView): boolean {
  return ifalias?.startsWith(ADOPTED_PREFIX) === true
}

/** Settings of a bridge by their names, as `mcast_snooping`; those of the kernel as `ipv6.accept_ra`. */
export type BridgeValues = Readonly<Record<string, number>>

/**
 * The mark of a bridge that is taken over: what weave-ts changes of it, so that it can be put back; its own alias last.
 * @throws WeaveError BRIDGE_FOREIGN when the kernel's room for a mark does not hold that
 */
export function adoptedAlias(
  { ifname, mtu, address = '', ifalias = '' }: InterfaceView,
  values: BridgeValues = {},
): string {
  const words = Object.entries(values).map(([name, value]) => `${name}=${value}`)
  const mark = [ADOPTED_PREFIX, mtu, address, ...words, ...(ifalias === '' ? [] : [`alias: ${ifalias}`])].join(' ')
  const tooMany = Buffer.byteLength(mark) - ALIAS_BYTES_MAX
  if (tooMany <= 0) return mark
  throw new WeaveError(
    'BRIDGE_FOREIGN',
    `the alias of the bridge ${ifname} is ${tooMany} bytes too long to be kept while the bridge is taken over`,
    `shorten it (\`ip link set dev ${ifname} alias TEXT\`), or take another bridge (--bridge)`,
  )
}

/** What an adopted bridge had before; undefined when its mark does not say. */
export function beforeAdoption({
  ifalias = '',
}: InterfaceView):
  { readonly mtu: string; readonly mac: string; readonly values: BridgeValues; readonly alias: string } | undefined {
  const match = /^weave-ts:adopted (\d{2,5}) ([0-9a-f:]{17})((?: [a-z0-9_.]+=\d{1,9})*)(?: alias: ([^]+))?$/.exec(
    ifalias,
  )
  if (match === null) return undefined
  const words = match[3]!.split(' ').filter(word => word !== '')
  const values = words.map(word => word.split('=')).map(([name, value]) => [name, Number(value)] as const)
  return { mtu: match[1]!, mac: match[2]!, values: Object.fromEntries(values), alias: match[4] ?? '' }
}

/**
 * Fails with BRIDGE_FOREIGN unless the bridge is ours, or is to be taken over. `ports`: the names of what is plugged
 * into it.
 */
export function checkBridgeOwner(link: InterfaceView | undefined, ports: readonly string[], mayAdopt: boolean): void {
  if (link === undefined || mayAdopt || isOurBridge(link)) return
  const { ifname } = link
  const names = [...ports, ifname]
  const [, owner, howTo] = OWNERS.find(([pattern]) => names.some(name => pattern.test(name))) ?? []
  const shown = ports.length === 0 ? 'nothing is plugged into it' : `with ${ports.slice(0, 3).join(', ')} plugged in`
  throw new WeaveError(
    'BRIDGE_FOREIGN',
    `weave-ts did not make the bridge ${ifname}: ${owner === undefined ? 'whose it is cannot be told' : `it looks like ${owner}`}; ${shown}`,
    `take another name (--bridge), remove it (${howTo ?? `\`ip link delete ${ifname}\``}), or take it over as it is with ` +
      '--adopt-bridge',
  )
}

/** Fails with INTERFACE_EXISTS when somebody else made the TAP device: ours ends with the daemon. */
export function checkDeviceOwner(link: InterfaceView | undefined): void {
  if (link === undefined || (link.linkinfo?.info_kind === 'tun' && link.linkinfo.info_data?.['persist'] !== true))
    return
  const kind = link.linkinfo?.info_kind === 'tun' ? 'a lasting TUN or TAP device' : 'an interface'
  throw new WeaveError(
    'INTERFACE_EXISTS',
    `the name ${link.ifname} is wanted for the TAP device, but ${kind} that weave-ts did not make has it`,
    `take another name (--device), or remove that one (\`ip link delete ${link.ifname}\`)`,
  )
}
