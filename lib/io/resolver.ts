import { lookup } from 'node:dns/promises'
import { endpointOf, isLinkLocalIpv6, parseIp, splitHostPort, splitScope, type Endpoint } from '../address/mod.ts'
import { errorText, WeaveError } from '../base/mod.ts'
import { parseSystemIp } from './interface-scope.ts'

const RESOLVE_TIMEOUT_MS = 5_000
const ENDPOINTS_MAX = 16

/** What a configured peer stands for at this moment. Without endpoints, `failure` says why. */
export interface Resolution {
  readonly endpoints: readonly Endpoint[]
  readonly failure?: string
}

/** The system's name lookup, all families: rejects when there is no answer. */
export type Lookup = (host: string) => Promise<readonly { readonly address: string }[]>

const systemLookup: Lookup = host => lookup(host, { all: true, verbatim: true })

/**
 * Checks the form of a peer as the user wrote it: `host`, `host:port`, `ip`, `[ip6]:port`.
 * @throws WeaveError BAD_PEER
 */
export function parsePeerName(text: string, defaultPort: number): { readonly host: string; readonly port: number } {
  const { host, port } = splitHostPort(text, defaultPort)
  const ip = host === undefined ? undefined : parseIp(splitScope(host).address)
  if (ip !== undefined && isLinkLocalIpv6(ip) !== (splitScope(host!).scope !== undefined)) {
    throw isLinkLocalIpv6(ip)
      ? new WeaveError(
          'BAD_PEER',
          `"${text}" is link-local: it says nothing without an interface`,
          'add that of this host: fe80::1%eth0',
        )
      : new WeaveError('BAD_PEER', `"${text}" names an interface, and is not link-local`, 'leave out the part from %')
  }
  const isHost = host !== undefined && (ip !== undefined || isHostName(host))
  if (!isHost || port === undefined) {
    throw new WeaveError(
      'BAD_PEER',
      `"${text}" is no peer address`,
      'write a host name or an IP address, with a port if it is not the default: host1, 10.0.0.1:6783, [fd00::1]:6783',
    )
  }
  return { host, port }
}

/**
 * All addresses of a peer (A and AAAA, /etc/hosts included), at most 16, within 5 s. Ask again later for a new answer:
 * nothing is cached here.
 * @throws WeaveError BAD_PEER for a malformed name; a name that does not resolve is a `failure`, not an exception
 */
export async function resolvePeer(
  text: string,
  defaultPort: number,
  lookupHost: Lookup = systemLookup,
): Promise<Resolution> {
  const { host, port } = parsePeerName(text, defaultPort)
  const literal = parseSystemIp(host)
  if (literal !== undefined) return { endpoints: [endpointOf(literal, port)] }
  const { scope } = splitScope(host)
  if (scope !== undefined)
    return { endpoints: [], failure: `this host has no interface ${scope} with a link-local IPv6 address` }
  let deadline: NodeJS.Timeout | undefined
  try {
    const late = new Promise<never>((_, reject) => {
      deadline = setTimeout(
        () => reject(new Error(`no answer within ${RESOLVE_TIMEOUT_MS / 1000} s`)),
        RESOLVE_TIMEOUT_MS,
      )
    })
    const found = await Promise.race([lookupHost(host), late])
    const endpoints = new Set<Endpoint>()
    for (const { address } of found) {
      const ip = parseSystemIp(address)
      if (ip !== undefined && endpoints.size < ENDPOINTS_MAX) endpoints.add(endpointOf(ip, port))
    }
    return endpoints.size > 0 ? { endpoints: [...endpoints] } : { endpoints: [], failure: `${host} has no address` }
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    return { endpoints: [], failure: code === 'ENOTFOUND' ? `${host} does not resolve` : errorText(error) }
  } finally {
    clearTimeout(deadline)
  }
}

/** RFC 1123 §2.1, and underscores, which people use. */
function isHostName(host: string): boolean {
  return host.length <= 253 && /^(?!-)[\w-]{1,63}(\.(?!-)[\w-]{1,63})*\.?$/.test(host) && !/^[\d.]+$/.test(host)
}
