import type { Status } from '../api/mod.ts'
import { WeaveError } from '../base/mod.ts'

/** Loopback, and link-local addresses, which need an interface that the container names otherwise. */
const NOT_FROM_CONTAINERS = /^(127\.|::1$|fe[89ab])/i

/**
 * What `docker run` takes so that a container asks this host for names: nothing where no queries are answered on
 * purpose. @throws WeaveError NOT_EXPOSED when there is no address to ask yet
 */
export function dnsArgs({ isOn, listening, domain }: Status['dns']): string[] {
  if (!isOn) return []
  // Docker knows no other port.
  const addresses = listening.flatMap(endpoint => /^(.+):53$/.exec(endpoint)?.[1]?.replace(/^\[(.*)\]$/, '$1') ?? [])
  const servers = addresses.filter(address => !NOT_FROM_CONTAINERS.test(address))
  if (servers.length === 0)
    throw new WeaveError(
      'NOT_EXPOSED',
      `names are answered ${listening.length === 0 ? 'nowhere yet' : `at ${listening.join(', ')} only`}, where no container can ask`,
      'run `weave-ts expose`, or launch with --dns-listen-address',
    )
  return [...servers.map(server => `--dns=${server}`), `--dns-search=${domain}`]
}
