import { formatIp, parseIp } from '../address/mod.ts'
import { UPSTREAMS_MAX } from './constants.ts'

/** The name servers that a resolv.conf names, in canonical form, each once and at most UPSTREAMS_MAX. */
export function parseNameServers(text: string): string[] {
  const servers = new Set<string>()
  for (const line of text.split('\n')) {
    const [, address] = /^nameserver[ \t]+([^ \t#;]+)/.exec(line) ?? []
    const ip = address === undefined ? undefined : parseIp(address.trim())
    if (ip !== undefined && servers.size < UPSTREAMS_MAX) servers.add(formatIp(ip))
  }
  return [...servers]
}
