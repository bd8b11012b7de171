import { networkInterfaces } from 'node:os'
import { withScopeId, scopeIdOf, withoutScopeId, formatIp, parseIp, splitScope } from '../address/mod.ts'

/** Interfaces with a link-local IPv6 address, by name, as `os.networkInterfaces` tells them. */
type Interfaces = () => Readonly<Record<string, readonly { readonly scopeid?: number }[] | undefined>>

/** The index of an interface that has a link-local IPv6 address; undefined when there is none of that name. */
export function scopeIdOfInterface(name: string, interfaces: Interfaces = networkInterfaces): number | undefined {
  return interfaces()[name]?.find(({ scopeid = 0 }) => scopeid > 0)?.scopeid
}

/**
 * An address as the system writes it, `fe80::1%eth0`, with the scope id inside. Undefined for nonsense, and for an interface
 * that is not there. A scope of an address that is not link-local says nothing, and is left out.
 */
export function parseSystemIp(text: string, interfaces: Interfaces = networkInterfaces): Uint8Array | undefined {
  const { address, scope } = splitScope(text)
  const ip = parseIp(address)
  if (ip === undefined || scope === undefined || withScopeId(ip, 1) === undefined) return ip
  const index = /^\d+$/.test(scope) ? Number(scope) : scopeIdOfInterface(scope, interfaces)
  return index === undefined ? undefined : withScopeId(ip, index)
}

/** The same the other way round: the system wants the name of the interface. */
export function formatSystemIp(ip: Uint8Array, interfaces: Interfaces = networkInterfaces): string {
  const scopeId = scopeIdOf(ip)
  if (scopeId === 0) return formatIp(ip)
  const found = Object.entries(interfaces()).find(([, all]) => all?.some(({ scopeid }) => scopeid === scopeId))
  return `${formatIp(withoutScopeId(ip))}%${found?.[0] ?? scopeId}`
}
