import type { FindingView } from '../api/mod.ts'
import { WeaveError, type Advice } from '../base/mod.ts'
import { directMtu, overlayMtu, OVERLAY_MTU_IPV6_MIN, type PreflightCheck } from '../host/mod.ts'
import { doubt, problem, unknown, well } from './finding.ts'
import type { HostFacts } from './host-facts.ts'

/** Below this a store may soon be refused its writes. */
const FREE_BYTES_MIN = 64 * 1024 * 1024
const MEBIBYTE = 1024 * 1024

/** What a daemon knows of the firewall that only it keeps in order. */
export interface FirewallFacts {
  /** Programs whose FORWARD chain holds rules of ours now. */
  readonly accepting: readonly string[]
  readonly warnings: readonly Advice[]
}

/** What neighbours have shown: that a firewall lets the port through. */
export interface ShownOpen {
  readonly tcp: boolean
  readonly udp: boolean
}

/** What a launch looks at, all of it, now. */
export function preflightFindings({ preflight, asked }: HostFacts): FindingView[] {
  const fine: Readonly<Record<PreflightCheck, string>> = {
    privileges: 'this process may change the network',
    tun: 'TAP devices can be made',
    tools: 'the programs that are needed are there',
    bridge: `the name ${asked.bridge} is that of our bridge, or free`,
    device: `the name ${asked.device} is that of our device, or free`,
    range: `no route of this host leads into ${asked.range} but that of ${asked.bridge}`,
  }
  return (Object.keys(fine) as PreflightCheck[]).map(check => {
    const fault = preflight[check]
    // Whoever may not look can tell nothing of the rest.
    if (fault?.code === 'COMMAND_FAILED') return unknown(check, fault.message, fault.remedy)
    return fault === undefined ? well(check, fine[check]) : problem(check, fault.message, fault.remedy)
  })
}

/** Whether a firewall of this host may keep others from its port. */
export function inputFindings({ inputDrops, asked }: HostFacts, open: ShownOpen): FindingView[] {
  if (inputDrops instanceof WeaveError) return [unknown('firewall', inputDrops.message, inputDrops.remedy)]
  const found = inputDrops.flatMap(({ chain, missing }) => {
    const closed = missing.filter(protocol => !open[protocol])
    if (closed.length === 0) return []
    const rules = closed.map(protocol => `\`nft insert rule ${chain} ${protocol} dport ${asked.port} accept\``)
    return [
      doubt(
        'firewall',
        `the nftables chain ${chain} drops what comes in by default, and no rule beside it names ${closed.join(' or ')} port ` +
          `${asked.port}; one that accepts by address or interface may let it in all the same`,
        `allow it with ${rules.join(' and ')}, and put that into the configuration of your firewall`,
      ),
    ]
  })
  if (found.length > 0) return found
  return [well('firewall', `no chain of nftables is seen to keep others from port ${asked.port}`)]
}

/** Whether the host's firewall is in the way of frames between containers. `firewall` undefined: no daemon keeps it. */
export function bridgeFilterFindings(
  { bridgeFilters, asked }: HostFacts,
  firewall: FirewallFacts | undefined,
): FindingView[] {
  if (bridgeFilters instanceof WeaveError)
    return [unknown('bridge-netfilter', bridgeFilters.message, bridgeFilters.remedy)]
  const warnings = (firewall?.warnings ?? []).map(({ what, remedy }) => doubt('firewall', what, remedy ?? null))
  if (bridgeFilters.length === 0)
    return [well('bridge-netfilter', 'the kernel does not hand bridged packets to the firewall'), ...warnings]
  const handed = `the kernel hands bridged packets to ${bridgeFilters.join(' and ')}`
  const accepting = firewall?.accepting ?? []
  if (firewall === undefined)
    return [well('bridge-netfilter', `${handed}; a daemon lets those of ${asked.bridge} through`), ...warnings]
  const how =
    accepting.length === 0 ? 'which would drop none' : `where a rule of ours accepts them (${accepting.join(', ')})`
  return [well('bridge-netfilter', `${handed}, ${how}`), ...warnings]
}

/** Whether packets of containers fit into those of this host. `mtu`: of the overlay here. */
export function underlayFindings({ underlayMtu }: HostFacts, mtu: number): FindingView[] {
  if (underlayMtu instanceof WeaveError) return [unknown('mtu', underlayMtu.message, underlayMtu.remedy)]
  const advice = wideAdvice(mtu, underlayMtu)
  if (advice !== undefined) return [doubt('mtu', advice.what, advice.remedy)]
  return [
    well('mtu', `packets of the overlay (its MTU is ${mtu}) fit into the ${underlayMtu} bytes of this host's network`),
  ]
}

/**
 * What to do about an overlay whose packets do not all fit; undefined: they do. `mtu`: of the overlay; `underlay`: of this
 * host's network.
 */
export function wideAdvice(mtu: number, underlay: number): Required<Advice> | undefined {
  const [inAnyCase, direct] = [overlayMtu(underlay), directMtu(underlay)]
  const fits = Math.min(inAnyCase, direct)
  if (mtu <= fits) return undefined
  const how =
    inAnyCase > direct ? `no more than ${fits} fit` : `only ${fits} fit in any case (through a relay, over IPv6)`
  return {
    what: `the overlay's MTU is ${mtu}, and ${how} into the ${underlay} bytes of this host's network: larger packets may go in pieces`,
    remedy: `raise the MTU of the network, or ${smallerMtu(fits)}`,
  }
}

/** How the overlay gets this MTU. */
export function smallerMtu(mtu: number): string {
  return `launch all hosts with --mtu ${mtu}${mtu < OVERLAY_MTU_IPV6_MIN ? ', which is too little for IPv6' : ''}`
}

/** Whether the clock is kept: nothing of the mesh needs it, but logs and events of two hosts are compared by it. */
export function clockFindings({ isClockKept }: HostFacts, now: Date): FindingView[] {
  const time = `the clock says ${now.toISOString()}`
  if (isClockKept instanceof WeaveError)
    return [
      unknown('clock', `${time}; whether something keeps it in time cannot be told, for timedatectl does not say`),
    ]
  if (isClockKept) return [well('clock', `${time}, and is kept in time`)]
  return [
    doubt(
      'clock',
      `${time}, and nothing keeps it in time: events and logs of two hosts cannot be compared`,
      'run a time service (apt install systemd-timesyncd, or chrony)',
    ),
  ]
}

/** Whether the store can be written for a while. */
export function diskFindings({ freeBytes, asked: { stateDir } }: HostFacts): FindingView[] {
  if (freeBytes === undefined) return [unknown('disk', `${stateDir} cannot be looked at`)]
  const advice = roomAdvice(freeBytes, stateDir)
  return [
    advice === undefined
      ? well('disk', `${Math.floor(freeBytes / MEBIBYTE)} MiB are free where ${stateDir} is`)
      : doubt('disk', advice.what, advice.remedy),
  ]
}

/** What to do about a disk that has little room left; undefined: it has enough, or is not known (NaN). */
export function roomAdvice(freeBytes: number, stateDir: string): Required<Advice> | undefined {
  if (!(freeBytes < FREE_BYTES_MIN)) return undefined
  return {
    what: `the disk of ${stateDir} is nearly full (${Math.floor(freeBytes / MEBIBYTE)} MiB are free), and a store that cannot be written gives no addresses`,
    remedy: `make room there (df ${stateDir})`,
  }
}
