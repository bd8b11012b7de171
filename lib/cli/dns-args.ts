import { parseEndpoint } from '../address/mod.ts'
import type { Status } from '../api/mod.ts'
import { WeaveError } from '../base/mod.ts'
import { DNS_PORT, containerServers } from '../names/mod.ts'

/**
 * What `docker run` takes so that a container asks this host for names: nothing where no queries are answered on
 * purpose. @throws WeaveError NOT_EXPOSED when there is no address to ask yet
 */
export function dnsArgs({ isOn, listening, domain }: Status['dns']): string[] {
  if (!isOn) return []
  const servers = containerServers(listening.flatMap(text => parseEndpoint(text, DNS_PORT) ?? []))
  if (servers.length === 0)
    throw new WeaveError(
      'NOT_EXPOSED',
      `names are answered ${listening.length === 0 ? 'nowhere yet' : `at ${listening.join(', ')} only`}, where no container can ask`,
      'run `weave-ts expose`, or launch with --dns-listen-address',
    )
  return [...servers.map(server => `--dns=${server}`), `--dns-search=${domain}`]
}
