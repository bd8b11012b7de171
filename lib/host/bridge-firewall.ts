import { isErrorCode, WeaveError, type Advice } from '../base/mod.ts'
import type { FirewallReport } from './host-firewall.ts'
import type { CommandRunner } from './seams.ts'

/**
 * Accept rules in FORWARD chains of iptables that would drop what the overlay carries: frames between ports of the
 * bridge, where the kernel hands them to the host's firewall (`br_netfilter`, which Docker and Kubernetes turn on); and
 * what the host routes from and to the overlay while it is exposed. See docs/decisions/0003-bridge-netfilter.md.
 */
const COMMENT = 'weave-ts'
const LOCK_WAIT_SECONDS = '5'

interface Backend {
  readonly version: '' | '6'
  readonly nft: string
  readonly legacy: string
  readonly plain: string
  /** Lists the legacy tables that are in use: asking the legacy program would load them. */
  readonly legacyTables: string
  readonly isFiltered: string
}

const BACKENDS: readonly Backend[] = (['', '6'] as const).map(version => ({
  version,
  nft: `ip${version}tables-nft`,
  legacy: `ip${version}tables-legacy`,
  plain: `ip${version}tables`,
  legacyTables: `/proc/net/ip${version}_tables_names`,
  isFiltered: `/proc/sys/net/bridge/bridge-nf-call-ip${version}tables`,
}))

/** What the kernel says of its filtering, by the files that say it. */
export interface Filtering {
  /** Files that are there, with their lines. */
  readonly files: Readonly<Record<string, readonly string[]>>
}

/** What there is to be let through. */
export interface Forwarding {
  /** Packets of IPv4 that the host routes. */
  readonly isExposed: boolean
  /** Packets of IPv6 as well. */
  readonly isIpv6Exposed: boolean
  readonly filtering: Filtering
  /** Rules of ours may be there that are no longer wanted. */
  readonly mayHaveRules: boolean
}

/** Reads all that may turn without a change of nftables, with one command. */
export async function showFiltering(runner: CommandRunner): Promise<Filtering> {
  const paths = BACKENDS.flatMap(({ legacyTables, isFiltered }) => [legacyTables, isFiltered])
  const { stdout } = await runner.run(['grep', '-s', '', ...paths], { okStatuses: [0, 1, 2] })
  const files: Record<string, string[]> = {}
  for (const line of stdout.split('\n').filter(text => text !== '')) {
    const colon = line.indexOf(':')
    ;(files[line.slice(0, colon)] ??= []).push(line.slice(colon + 1))
  }
  return { files }
}

/** The FORWARD chains of legacy tables in use, of whose changes nobody tells; nothing is run where there are none. */
export async function showLegacy(runner: CommandRunner, { files }: Filtering): Promise<string> {
  const listings: string[] = []
  for (const { legacy, legacyTables } of BACKENDS)
    if (files[legacyTables]?.includes('filter') === true)
      listings.push(legacy, ...((await listForward(runner, legacy)) ?? []))
  return listings.join('\n')
}

/** Whether a program that accepts is one of whose tables nobody tells. */
export function isLegacy(program: string): boolean {
  return program.endsWith('-legacy')
}

/**
 * Lets what the overlay carries pass: puts accept rules first into each iptables FORWARD chain that holds rules of
 * others or drops by default, where they are missing, and takes those out that are no longer wanted. To be repeated:
 * firewalls are reloaded. Safe to repeat.
 */
export async function ensureForwarding(
  runner: CommandRunner,
  bridge: string,
  { isExposed, isIpv6Exposed, filtering, mayHaveRules }: Forwarding,
): Promise<Omit<FirewallReport, 'hasRules' | 'hasLegacyRules' | 'restored'> & { readonly added: readonly string[] }> {
  const accepting: string[] = []
  const added: string[] = []
  const warnings: Advice[] = []
  let isBridgeFiltered = false
  // One command tells whether the others have anything to list.
  let chains: Promise<readonly NftChain[] | undefined> | undefined
  const listChains = () => (chains ??= nftChains(runner))
  for (const backend of BACKENDS) {
    const isFiltered = filtering.files[backend.isFiltered]?.[0] === '1'
    isBridgeFiltered ||= isFiltered
    const isRouted = backend.version === '' ? isExposed : isIpv6Exposed
    if (!isFiltered && !isRouted && !mayHaveRules) continue
    const wanted = [...(isFiltered ? [['-i', bridge, '-o', bridge]] : []), ...(isRouted ? routed(bridge) : [])]
    const hasChain = hasForward(await listChains(), backend)
    for (const [program, rules] of await programs(runner, backend, filtering, hasChain)) {
      try {
        const outcome = await ensureRules(runner, [program, rules], bridge, wanted)
        if (outcome !== 'not needed') accepting.push(program)
        if (outcome === 'added') added.push(program)
      } catch (error) {
        if (!(error instanceof WeaveError) || !isErrorCode(error.code)) throw error
        warnings.push({ what: error.message, remedy: error.remedy })
      }
    }
  }
  const passing = [
    ...(isBridgeFiltered ? [`iifname "${bridge}" oifname "${bridge}"`] : []),
    ...(isExposed ? [`iifname "${bridge}"`, `oifname "${bridge}"`] : []),
  ]
  if (passing.length > 0) warnings.push(...(await foreignDrops(runner, bridge, passing, (await listChains()) ?? [])))
  return { isBridgeFiltered, accepting, added, warnings }
}

function routed(bridge: string): string[][] {
  return [
    ['-i', bridge],
    ['-o', bridge],
  ]
}

/** Makes our rules in the chain just those that are wanted; none where it would let all pass anyway. */
async function ensureRules(
  runner: CommandRunner,
  [program, rules]: Listing,
  bridge: string,
  wanted: readonly (readonly string[])[],
): Promise<'added' | 'there' | 'not needed'> {
  const ours = rules.flatMap(rule => ourMatch(rule, bridge) ?? [])
  const isOpen = rules.length - ours.length <= 1 && rules.includes('-P FORWARD ACCEPT')
  const matches = isOpen ? [] : wanted.map(words => words.join(' '))
  const missing = matches.filter(match => !ours.includes(match))
  for (const match of missing) await runner.run([program, '-w', LOCK_WAIT_SECONDS, '-I', ...ruleOf(match)])
  // Each once: a restored ruleset may bring ours a second time.
  for (const [i, match] of ours.entries())
    if (!matches.includes(match) || ours.indexOf(match) < i)
      await runner.run([program, '-w', LOCK_WAIT_SECONDS, '-D', ...ruleOf(match)])
  if (missing.length > 0) return 'added'
  return matches.length > 0 ? 'there' : 'not needed'
}

function ruleOf(match: string): string[] {
  return ['FORWARD', ...match.split(' '), '-m', 'comment', '--comment', COMMENT, '-j', 'ACCEPT']
}

/** Takes our rules out of all FORWARD chains. Safe to repeat. */
export async function removeForwarding(runner: CommandRunner, bridge: string): Promise<void> {
  const filtering = await showFiltering(runner)
  for (const backend of BACKENDS)
    for (const listing of await programs(runner, backend, filtering, true))
      await ensureRules(runner, listing, bridge, [])
}

/** A program, and the rules of its FORWARD chain as `-S` prints them. */
type Listing = readonly [program: string, rules: readonly string[]]

/**
 * The programs whose tables may be in force: both kinds may be, at the same time. `hasChain`: nftables may have such a
 * chain; one that it does not have lets all pass.
 */
async function programs(
  runner: CommandRunner,
  backend: Backend,
  { files }: Filtering,
  hasChain: boolean,
): Promise<readonly Listing[]> {
  const found: Listing[] = []
  const add = async (program: string) => {
    const rules = await listForward(runner, program)
    if (rules !== undefined) found.push([program, rules])
  }
  if (hasChain) await add(backend.nft)
  if (files[backend.legacyTables]?.includes('filter') === true)
    found.push([backend.legacy, (await listForward(runner, backend.legacy)) ?? []])
  if (hasChain && found.length === 0) await add(backend.plain)
  return found
}

/** Whether nftables has the FORWARD chain of iptables; also where that cannot be known. */
function hasForward(chains: readonly NftChain[] | undefined, { version }: Backend): boolean {
  return (
    chains === undefined ||
    chains.some(({ family, table, name }) => family === `ip${version}` && table === 'filter' && name === 'FORWARD')
  )
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

/** What one of our rules is about, such as `-i weave -o weave`; undefined for a rule of somebody else. */
function ourMatch(rule: string, bridge: string): string | undefined {
  const match = /^-A FORWARD ((?:-[io] \S+ ?)+)-m comment --comment "?weave-ts"? -j ACCEPT$/.exec(rule)?.[1]?.trim()
  const names = match?.split(' ').filter((_, i) => i % 2 === 1)
  return names?.every(name => name === bridge) === true ? match : undefined
}

export interface NftChain {
  readonly family: string
  readonly table: string
  readonly name: string
  readonly hook?: string
  readonly policy?: string
}

/** Chains made with nft itself that drop what they do not know. An accept elsewhere cannot overrule them. */
async function foreignDrops(
  runner: CommandRunner,
  bridge: string,
  passing: readonly string[],
  chains: readonly NftChain[],
): Promise<readonly Advice[]> {
  const warnings: Advice[] = []
  for (const chain of chains) {
    const isIptables = chain.table === 'filter' && chain.name === 'FORWARD' && chain.family !== 'inet'
    if (chain.hook !== 'forward' || chain.policy !== 'drop' || isIptables) continue
    const where = `${chain.family} ${chain.table} ${chain.name}`
    const { stdout } = await runner.run(['nft', 'list', 'chain', chain.family, chain.table, chain.name])
    const accepting = stdout.split('\n').filter(line => line.includes('accept'))
    const missing = passing.filter(match => !accepting.some(rule => covers(rule, match)))
    if (missing.length === 0) continue
    warnings.push({
      what: `the nftables chain ${where} drops forwarded packets by default, also those from and to ${bridge}`,
      remedy:
        `allow them with ${missing.map(match => `\`nft insert rule ${where} ${match} accept\``).join(' and ')}, and put ` +
        'that into the configuration of your firewall',
    })
  }
  return warnings
}

/** True when a rule asks for no other interfaces than what is to pass has. */
function covers(rule: string, match: string): boolean {
  const names = rule.match(/[io]ifname "[^"]*"/g) ?? []
  return names.length > 0 && names.every(name => match.includes(name))
}

/** All chains; undefined where nft cannot be used. */
export async function nftChains(runner: CommandRunner): Promise<readonly NftChain[] | undefined> {
  try {
    const { stdout } = await runner.run(['nft', '-j', 'list', 'chains'])
    const parsed = JSON.parse(stdout) as { readonly nftables?: readonly { readonly chain?: NftChain }[] }
    return (parsed.nftables ?? []).flatMap(entry => (entry.chain === undefined ? [] : [entry.chain]))
  } catch (error) {
    // Without nft there are no such chains to be warned of; with one that prints no JSON they cannot be read.
    if (error instanceof WeaveError || error instanceof SyntaxError) return undefined
    throw error
  }
}
