import { endpointHost, endpointParts, type Endpoint } from '../address/mod.ts'
import { DNS_PORT } from './constants.ts'

/** Loopback, which is the container itself; link-local addresses, which need an interface of another name there. */
const NOT_FROM_CONTAINERS = /^(127\.|::1$|fe[89ab])/i

/**
 * Addresses where a container can ask, of the endpoints (`ip:port`) where queries are answered: a resolv.conf names no
 * port.
 */
export function containerServers(listening: Iterable<Endpoint>): string[] {
  return [...listening].flatMap(endpoint => {
    const host = endpointHost(endpoint)
    return endpointParts(endpoint).port !== DNS_PORT || NOT_FROM_CONTAINERS.test(host) ? [] : [host]
  })
}
