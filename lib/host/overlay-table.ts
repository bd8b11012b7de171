import {
  formatCidr,
  formatIpv6Cidr,
  formatMac,
  ipv6SubnetOf,
  parseCidr,
  parseIpv6Cidr,
  subnetOf,
  type Mac,
} from '../address/mod.ts'
import { BRIDGE_NAME, TABLE_NAME } from './limits.ts'

/** An address of the host on the overlay. */
export interface ExposedAddress {
  /** In CIDR form. */
  readonly cidr: string
  /** What leaves its subnet, or comes into it, gets an address of this host. */
  readonly isMasqueraded: boolean
  /** The IPv6 address that goes with it, in CIDR form; undefined: none. */
  readonly ipv6?: string
}

/** What the nftables table of weave-ts is made of. */
export interface OverlayTable {
  readonly bridge: string
  readonly mac: Mac
  readonly exposed: readonly ExposedAddress[]
  /** Bridges of a container engine, besides docker0: their containers are not of the overlay. */
  readonly engineBridges: readonly string[]
}

/** The table of a bridge: a host may have several. */
export function tableOf(bridge: string): readonly ['inet', string] {
  return ['inet', bridge === BRIDGE_NAME ? TABLE_NAME : `${TABLE_NAME}-${bridge}`]
}

/** Bridges that Docker makes for networks of its users, by their names. */
export function isEngineBridge(name: string): boolean {
  return /^br-[0-9a-f]{12}$/.test(name)
}

/**
 * The whole table as one transaction of `nft -f`: it is made so that it can be deleted, deleted, and made anew, at once.
 *
 * The chain `forward` decides what the host routes from and to the overlay; a drop is final, whatever other tables
 * accept. Subnets stay apart: what the bridge gets for its own MAC and would send back to the bridge is dropped. (Frames
 * between its ports, which pass here where br_netfilter is on, bear another MAC.)
 */
export function tableText(table: OverlayTable): string {
  const name = tableOf(table.bridge).join(' ')
  const isMasquerading = table.exposed.some(one => one.isMasqueraded)
  const isDual = table.exposed.some(one => one.ipv6 !== undefined)
  return [
    `add table ${name}`,
    `delete table ${name}`,
    `table ${name} {`,
    ...chain('forward', 'filter hook forward priority filter', forwardRules(table)),
    // The kernel would tell a container that its neighbour is the way to this host, when DNAT leads there.
    ...chain('output', 'filter hook output priority filter', [
      `oifname "${table.bridge}" icmp type redirect drop`,
      ...(isDual ? [`oifname "${table.bridge}" icmpv6 type nd-redirect drop`] : []),
    ]),
    ...(isMasquerading ? chain('source', 'nat hook postrouting priority srcnat', sourceRules(table)) : []),
    '}',
    '',
  ].join('\n')
}

function chain(name: string, type: string, rules: readonly string[]): string[] {
  return [`  chain ${name} {`, `    type ${type}; policy accept;`, ...rules.map(rule => `    ${rule}`), '  }']
}

function forwardRules({ bridge, mac, exposed, engineBridges }: OverlayTable): string[] {
  const inside = `iifname "${bridge}"`
  const towards = `oifname "${bridge}"`
  return [
    `iifname != "${bridge}" oifname != "${bridge}" accept`,
    // What the operator sends on to a container by DNAT, and answers.
    'ct status dnat accept',
    'ct state established,related accept',
    `${inside} ${towards} ether daddr ${formatMac(mac)} drop`,
    `${inside} ${towards} accept`,
    // Containers that are not attached stay off the overlay, and are not reached from it.
    ...['docker*', ...engineBridges].flatMap(name => [`iifname "${name}" drop`, `oifname "${name}" drop`]),
    ...exposedSubnets(exposed).flatMap(({ ip, subnet }) => [
      `${inside} ${ip} saddr ${subnet} accept`,
      `${towards} ${ip} daddr ${subnet} accept`,
    ]),
    'drop',
  ]
}

/** The narrowest subnet that an address is of decides. */
function sourceRules({ bridge, exposed }: OverlayTable): string[] {
  const leaving = `oifname != { "lo", "${bridge}" }`
  const entering = `oifname "${bridge}"`
  return exposedSubnets(exposed).flatMap(({ ip, subnet, isMasqueraded }) =>
    isMasqueraded
      ? [
          `${leaving} ${ip} saddr ${subnet} ${ip} daddr != ${GROUPS[ip]} masquerade fully-random`,
          // A container need not know the way back to whom it answers.
          `${entering} ${ip} saddr != ${subnet} ${ip} daddr ${subnet} masquerade fully-random`,
          // What was sent from the overlay to an address of this host, and by DNAT into the overlay again.
          `${entering} ${ip} saddr ${subnet} ${ip} daddr ${subnet} ct status dnat masquerade fully-random`,
        ]
      : [`${leaving} ${ip} saddr ${subnet} return`, `${entering} ${ip} daddr ${subnet} return`],
  )
}

const GROUPS = { ip: '224.0.0.0/4', ip6: 'ff00::/8' } as const

interface ExposedSubnet {
  /** As nft calls the family. */
  readonly ip: keyof typeof GROUPS
  readonly subnet: string
  readonly prefix: number
  readonly isMasqueraded: boolean
}

/** Each subnet once, the narrowest first; masqueraded when one of its addresses is. */
function exposedSubnets(exposed: readonly ExposedAddress[]): ExposedSubnet[] {
  const subnets = new Map<string, ExposedSubnet>()
  const add = (ip: ExposedSubnet['ip'], subnet: string, prefix: number, isMasqueraded: boolean) => {
    const isAny = isMasqueraded || subnets.get(subnet)?.isMasqueraded === true
    subnets.set(subnet, { ip, subnet, prefix, isMasqueraded: isAny })
  }
  for (const { cidr, ipv6, isMasqueraded } of exposed) {
    const subnet = subnetOf(parseCidr(cidr)!)
    add('ip', formatCidr(subnet), subnet.prefix, isMasqueraded)
    if (ipv6 === undefined) continue
    const other = ipv6SubnetOf(parseIpv6Cidr(ipv6)!)
    add('ip6', formatIpv6Cidr(other), other.prefix, isMasqueraded)
  }
  return [...subnets.values()].sort(
    (a, b) => Number(a.ip === 'ip6') - Number(b.ip === 'ip6') || b.prefix - a.prefix || (a.subnet < b.subnet ? -1 : 1),
  )
}
