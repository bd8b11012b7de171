import { nftChains } from './bridge-firewall.ts'
import type { CommandRunner } from './seams.ts'

const PROTOCOLS = ['tcp', 'udp'] as const

/** A chain of nftables that drops what comes to this host by default, and names a port for not all protocols. */
export interface InputDrop {
  /** As in `inet filter input`. */
  readonly chain: string
  /** Those for which no rule of its table names the port. */
  readonly missing: readonly (typeof PROTOCOLS)[number][]
}

/**
 * Chains that may keep others from a port of this host. A rule that accepts by address or interface is not understood,
 * so each is a doubt and no proof; none is found where nft cannot be used.
 */
export async function inputDrops(runner: CommandRunner, port: number): Promise<readonly InputDrop[]> {
  const drops: InputDrop[] = []
  for (const { family, table, name, hook, policy } of (await nftChains(runner)) ?? []) {
    if (hook !== 'input' || policy !== 'drop') continue
    const { stdout, status } = await runner.run(['nft', 'list', 'table', family, table], { okStatuses: [0, 1] })
    if (status !== 0) continue
    const missing = PROTOCOLS.filter(protocol => !namesPort(stdout, protocol, port))
    if (missing.length > 0) drops.push({ chain: `${family} ${table} ${name}`, missing })
  }
  return drops
}

/** Whether a rule of a listing that does not drop is of this port. */
function namesPort(listing: string, protocol: (typeof PROTOCOLS)[number], port: number): boolean {
  return listing.split('\n').some(line => {
    if (/\b(?:drop|reject)\b/.test(line)) return false
    const words = new RegExp(`\\b(?:${protocol}|th) dport (?!!=)(\\{[^}]*\\}|\\S+)`).exec(line)?.[1]
    return (
      words
        ?.replace(/[{}\s]/g, '')
        .split(',')
        .some(range => covers(range, port)) === true
    )
  })
}

function covers(range: string, port: number): boolean {
  const [first = '', last = first] = range.split('-')
  return /^\d+$/.test(first) && Number(first) <= port && port <= Number(last)
}
