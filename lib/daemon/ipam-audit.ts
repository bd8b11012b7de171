import { counted } from '../base/mod.ts'
import type { LeaseHolder } from '../ipam/mod.ts'

/** Something that is recorded as having addresses of the overlay. */
export interface AuditedTarget {
  /** By which its leases are known, and what it tells the mesh. */
  readonly key: string
  readonly holder: LeaseHolder
  readonly description: string
  /** In CIDR form. */
  readonly cidrs: readonly string[]
  /** In CIDR form; what must be there besides, where it is plugged in. */
  readonly ipv6: readonly string[]
  /** What the kernel has there, in CIDR form; why that is not known; undefined: it is rightly not plugged in. */
  readonly found: { readonly addresses: readonly string[] } | { readonly failure: string } | undefined
  /** A command that puts an address there, and one that takes it away. */
  readonly give: (cidr: string) => string
  readonly take: (cidr: string) => string
}

export interface AuditedLease {
  readonly container: string
  readonly holder: LeaseHolder
  readonly cidr: string
}

export interface AuditFacts {
  readonly targets: readonly AuditedTarget[]
  readonly leases: readonly AuditedLease[]
  /** That it is being attached or detached just now. */
  readonly isBusy: (key: string) => boolean
  /** What there is to say of leases that others may have too. */
  readonly disputed: readonly Finding[]
  /** Of addresses (without prefix length), what this peer tells of a container, and what others say who has them. */
  readonly toldHere: (key: string) => readonly string[]
  readonly toldElsewhere: (address: string) => readonly string[]
  /** Host ends that are plugged in for targets that nobody recorded. */
  readonly strays: readonly string[]
  /** Blocks that the ledger says are own, of which a later owner was seen; and blocks of nobody. */
  readonly lostBlocks: number
  readonly unownedBlocks: number
  /** Why nothing is given now. */
  readonly wait: string | undefined
  readonly isInRange: (cidr: string) => boolean
  /** That an IPv6 address has the prefix of the mesh. */
  readonly isOfMesh: (cidr: string) => boolean
}

/** What does not fit together, and what to do. */
export interface Finding {
  readonly what: string
  readonly remedy: string
}

/**
 * Compares what is written of addresses in three places: the ledger with the leases, the leases with what is recorded
 * as attached, and both with what the kernel has.
 */
export function audit(facts: AuditFacts): Finding[] {
  return [
    ...ofLedger(facts),
    ...facts.leases.flatMap(lease => ofLease(lease, facts)),
    ...facts.targets.filter(({ key }) => !facts.isBusy(key)).flatMap(target => ofTarget(target, facts)),
    ...twice(facts),
    ...facts.strays.map(stray => ({
      what: `${stray} is plugged into the overlay, and nothing is recorded of it`,
      remedy: 'it is taken up within 30 s when it can be found out; otherwise remove that interface: `ip link delete`',
    })),
  ]
}

function ofLedger({ wait, lostBlocks, unownedBlocks, disputed }: AuditFacts): Finding[] {
  const findings: Finding[] = []
  if (wait !== undefined) findings.push({ what: `no address can be given: ${wait}`, remedy: 'see `weave-ts status`' })
  if (lostBlocks > 0)
    findings.push({
      what: `${counted(lostBlocks, 'block is', 'blocks are')} this peer's by the ledger, but a later owner was seen, which is gone`,
      remedy: 'if it is gone for good, take its blocks over: `weave-ts rmpeer`',
    })
  if (unownedBlocks > 0 && wait === undefined)
    findings.push({
      what: `${counted(unownedBlocks, 'block is', 'blocks are')} nobody's, as far as is known: no address there can be given`,
      remedy: 'a peer that owned them was forgotten: launch it again, or take its blocks over: `weave-ts rmpeer`',
    })
  return [...findings, ...disputed]
}

function ofLease({ container, holder, cidr }: AuditedLease, facts: AuditFacts): Finding[] {
  const findings: Finding[] = []
  const isRecorded = facts.targets.some(
    one => one.key === container && one.holder === holder && one.cidrs.includes(cidr),
  )
  if (!isRecorded && !facts.isBusy(container))
    findings.push({
      what: `${cidr} is leased to ${container}, which is not recorded as having it`,
      remedy:
        holder === 'docker'
          ? 'Docker may be about to use it; otherwise it is given back within 10 minutes'
          : 'it is given back within 30 s; if this comes again, `weave-ts restart`',
    })
  for (const other of facts.toldElsewhere(bare(cidr)))
    findings.push({
      what: `${container} here has ${cidr}, and so has ${other}`,
      remedy: 'detach one of the two and attach it again; see `weave-ts ipam show` for who owns the block',
    })
  return findings
}

function ofTarget(target: AuditedTarget, facts: AuditFacts): Finding[] {
  const { key, holder, description, cidrs, ipv6, found, give, take } = target
  const leased = new Set(
    facts.leases.filter(one => one.container === key && one.holder === holder).map(one => one.cidr),
  )
  const findings: Finding[] = cidrs
    .filter(cidr => facts.isInRange(cidr) && !leased.has(cidr))
    .map(cidr => ({
      what: `${description} is recorded with ${cidr}, which is not leased to it: another container may get it`,
      remedy: `take it away and give it again: \`${take(cidr)}\`, then \`${give(cidr)}\``,
    }))
  if (found === undefined) return findings
  if ('failure' in found)
    return [
      ...findings,
      {
        what: `what ${description} has could not be looked at: ${found.failure}`,
        remedy: 'see `weave-ts ps`, and try again',
      },
    ]
  const told = new Set(facts.toldHere(key))
  for (const cidr of [...cidrs, ...ipv6]) {
    if (!found.addresses.includes(cidr))
      findings.push({
        what: `${description} does not have ${cidr}, which was given to it`,
        remedy: give(cidrs[0] ?? cidr),
      })
    else if (!told.has(bare(cidr)))
      findings.push({
        what: `the mesh is not told that ${description} has ${cidr}`,
        remedy:
          'it is told within 30 s, unless too many containers are attached here: see NAMES_FULL in docs/errors.md',
      })
  }
  for (const cidr of found.addresses.filter(text => !cidrs.includes(text) && !ipv6.includes(text))) {
    // One of another prefix is no business of the mesh.
    if (!isIpv4(cidr) && !facts.isOfMesh(cidr)) continue
    const isGivable = isIpv4(cidr) ? `have it given, \`${give(cidr)}\`, or ` : 'nobody hears an answer sent from it: '
    findings.push({
      what: `${description} has ${cidr}, which weave-ts did not give it`,
      remedy: `${isGivable}take it off the interface: \`ip addr del ${cidr}\` there`,
    })
  }
  return findings
}

/** One address in two places of this host. */
function twice({ targets }: AuditFacts): Finding[] {
  const holders = new Map<string, string[]>()
  for (const { found, description } of targets)
    if (found !== undefined && 'addresses' in found)
      for (const address of new Set(found.addresses.map(bare)))
        holders.set(address, [...(holders.get(address) ?? []), description])
  return [...holders]
    .filter(([, all]) => all.length > 1)
    .map(([address, all]) => ({
      what: `${address} is on several interfaces of this host: ${all.join(', ')}`,
      remedy: 'take it from all but the one that `weave-ts ps` shows with it',
    }))
}

function bare(cidr: string): string {
  return cidr.split('/')[0]!
}

function isIpv4(cidr: string): boolean {
  return !cidr.includes(':')
}
