import { networkInterfaces } from 'node:os'
import { withZone, zoneOf, withoutZone, formatIp, parseIp, splitZone } from '../address/mod.ts'

/** Interfaces with a link-local IPv6 address, by name, as `os.networkInterfaces` tells them. */
type Interfaces = () => Readonly<Record<string, readonly { readonly scopeid?: number }[] | undefined>>

/** The index of an interface that has a link-local IPv6 address; undefined when there is none of that name. */
export function zoneOfInterface(name: string, interfaces: Interfaces = networkInterfaces): number | undefined {
  return interfaces()[name]?.find(({ scopeid = 0 }) => scopeid > 0)?.scopeid
}

/**
 * An address as the system writes it, `fe80::1%eth0`, with the zone inside. Undefined for nonsense, and for an interface
 * that is not there. A zone of an address that is not link-local says nothing, and is left out.
 */
export function parseSystemIp(text: string, interfaces: Interfaces = networkInterfaces): Uint8Array | undefined {
  const { address, zone } = splitZone(text)
  const ip = parseIp(address)
  if (ip === undefined || zone === undefined || withZone(ip, 1) === undefined) return ip
  const index = /^\d+$/.test(zone) ? Number(zone) : zoneOfInterface(zone, interfaces)
  return index === undefined ? undefined : withZone(ip, index)
}

/** The same the other way round: the system wants the name of the interface. */
export function formatSystemIp(ip: Uint8Array, interfaces: Interfaces = networkInterfaces): string {
  const zone = zoneOf(ip)
  if (zone === 0) return formatIp(ip)
  const found = Object.entries(interfaces()).find(([, all]) => all?.some(({ scopeid }) => scopeid === zone))
  return `${formatIp(withoutZone(ip))}%${found?.[0] ?? zone}`
}
