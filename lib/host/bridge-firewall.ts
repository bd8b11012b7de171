import { isErrorCode, WeaveError } from '../base/mod.ts'
import type { CommandRunner } from './seams.ts'

/**
 * Where the kernel hands bridged packets to the host's firewall (`br_netfilter`, which Docker and Kubernetes turn on),
 * a FORWARD chain that drops cuts containers of one bridge off from each other. See
 * docs/decisions/0003-bridge-netfilter.md.
 */
export interface FirewallReport {
  /** The kernel hands bridged packets to the firewall. */
  readonly isBridgeFiltered: boolean
  /** Programs whose FORWARD chain holds our rule now. */
  readonly accepting: readonly string[]
  /** What drops bridged packets and is not ours to change, with what to do. */
  readonly warnings: readonly string[]
}

const COMMENT = 'weave-ts'
const LOCK_WAIT_SECONDS = '5'

interface Backend {
  readonly nft: string
  readonly legacy: string
  readonly plain: string
  /** Lists the legacy tables that are in use: asking the legacy program would load them. */
  readonly legacyTables: string
  readonly isFiltered: string
}

const BACKENDS: readonly Backend[] = ['', '6'].map(version => ({
  nft: `ip${version}tables-nft`,
  legacy: `ip${version}tables-legacy`,
  plain: `ip${version}tables`,
  legacyTables: `/proc/net/ip${version}_tables_names`,
  isFiltered: `/proc/sys/net/bridge/bridge-nf-call-ip${version}tables`,
}))

function ruleOf(bridge: string): readonly string[] {
  return ['FORWARD', '-i', bridge, '-o', bridge, '-m', 'comment', '--comment', COMMENT, '-j', 'ACCEPT']
}

/**
 * Lets frames pass between ports of the bridge: puts an accept rule first into each iptables FORWARD chain that holds
 * rules or drops by default, where it is missing. To be repeated: firewalls are reloaded. Safe to repeat.
 */
export async function ensureBridgeForwarding(runner: CommandRunner, bridge: string): Promise<FirewallReport> {
  const accepting: string[] = []
  const warnings: string[] = []
  let isBridgeFiltered = false
  for (const backend of BACKENDS) {
    if ((await readText(runner, backend.isFiltered))?.trim() !== '1') continue
    isBridgeFiltered = true
    for (const program of await programs(runner, backend)) {
      try {
        const rules = (await listForward(runner, program)) ?? []
        if (isOpen(rules)) continue
        if (!rules.some(rule => isOurs(rule, bridge))) {
          await runner.run([program, '-w', LOCK_WAIT_SECONDS, '-I', ...ruleOf(bridge)])
        }
        accepting.push(program)
      } catch (error) {
        if (!(error instanceof WeaveError) || !isErrorCode(error.code)) throw error
        warnings.push(`${error.message}; ${error.remedy}`)
      }
    }
  }
  if (isBridgeFiltered) warnings.push(...(await foreignDrops(runner, bridge)))
  return { isBridgeFiltered, accepting, warnings }
}

/** Takes our rules out of all FORWARD chains. Safe to repeat. */
export async function removeBridgeForwarding(runner: CommandRunner, bridge: string): Promise<void> {
  for (const backend of BACKENDS) {
    for (const program of await programs(runner, backend)) {
      const ours = ((await listForward(runner, program)) ?? []).filter(rule => isOurs(rule, bridge))
      for (const _ of ours) await runner.run([program, '-w', LOCK_WAIT_SECONDS, '-D', ...ruleOf(bridge)])
    }
  }
}

/** The programs whose tables may be in force: both kinds may be, at the same time. */
async function programs(runner: CommandRunner, backend: Backend): Promise<readonly string[]> {
  const found: string[] = []
  if ((await listForward(runner, backend.nft)) !== undefined) found.push(backend.nft)
  const legacyTables = (await readText(runner, backend.legacyTables)) ?? ''
  if (legacyTables.split('\n').includes('filter')) found.push(backend.legacy)
  if (found.length === 0 && (await listForward(runner, backend.plain)) !== undefined) found.push(backend.plain)
  return found
}

/** Rules of the FORWARD chain as `-S` prints them; undefined when the program is not there or cannot tell. */
async function listForward(runner: CommandRunner, program: string): Promise<readonly string[] | undefined> {
  try {
    const { stdout } = await runner.run([program, '-w', LOCK_WAIT_SECONDS, '-S', 'FORWARD'])
    return stdout.split('\n').filter(line => line !== '')
  } catch (error) {
    if (error instanceof WeaveError && ['MISSING_TOOL', 'COMMAND_FAILED'].includes(error.code)) return undefined
    throw error
  }
}

function isOpen(rules: readonly string[]): boolean {
  return rules.every(rule => rule === '-P FORWARD ACCEPT')
}

function isOurs(rule: string, bridge: string): boolean {
  const words = rule.replaceAll('"', '').split(' ')
  return (
    rule.startsWith('-A FORWARD ') &&
    ['-i', '-o'].every(flag => words[words.indexOf(flag) + 1] === bridge) &&
    words.includes(COMMENT) &&
    words.includes('ACCEPT')
  )
}

interface NftChain {
  readonly family: string
  readonly table: string
  readonly name: string
  readonly hook?: string
  readonly policy?: string
}

/** Chains made with nft itself that drop what they do not know. An accept elsewhere cannot overrule them. */
async function foreignDrops(runner: CommandRunner, bridge: string): Promise<readonly string[]> {
  const chains = await nftChains(runner)
  const warnings: string[] = []
  for (const chain of chains) {
    const isIptables = chain.table === 'filter' && chain.name === 'FORWARD' && chain.family !== 'inet'
    if (chain.hook !== 'forward' || chain.policy !== 'drop' || isIptables) continue
    const where = `${chain.family} ${chain.table} ${chain.name}`
    const { stdout } = await runner.run(['nft', 'list', 'chain', chain.family, chain.table, chain.name])
    if (stdout.split('\n').some(line => line.includes(`iifname "${bridge}"`) && line.includes('accept'))) continue
    warnings.push(
      `the nftables chain ${where} drops forwarded packets by default, and the kernel hands it those between containers ` +
        `on ${bridge}: allow them with \`nft insert rule ${where} iifname "${bridge}" oifname "${bridge}" accept\`, and put ` +
        'that into the configuration of your firewall',
    )
  }
  return warnings
}

async function nftChains(runner: CommandRunner): Promise<readonly NftChain[]> {
  try {
    const { stdout } = await runner.run(['nft', '-j', 'list', 'chains'])
    const parsed = JSON.parse(stdout) as { readonly nftables?: readonly { readonly chain?: NftChain }[] }
    return (parsed.nftables ?? []).flatMap(entry => (entry.chain === undefined ? [] : [entry.chain]))
  } catch (error) {
    // Without nft there are no such chains to be warned of; with one that prints no JSON they cannot be read.
    if (error instanceof WeaveError || error instanceof SyntaxError) return []
    throw error
  }
}

/** Text of a kernel file as the host's namespace shows it; undefined when there is none. */
async function readText(runner: CommandRunner, path: string): Promise<string | undefined> {
  const { stdout, status } = await runner.run(['cat', path], { okStatuses: [0, 1] })
  return status === 0 ? stdout : undefined
}
