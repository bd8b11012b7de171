import { cidrSize, formatIpv4, lastAddress, parseCidr } from '../../address/mod.ts'
import type { IpamView } from '../../api/mod.ts'
import type { Advice, Millis } from '../../base/mod.ts'
import type { NodeReport } from '../../node/mod.ts'
import type { Names } from './names.ts'

export function ipamView({ ipam, self }: NodeReport, names: Names, now: Millis): IpamView {
  const range = parseCidr(ipam.range)!
  const total = cidrSize(range)
  return {
    state: ipam.state,
    reason: ipam.reason ?? null,
    range: ipam.range,
    rangeFirst: formatIpv4(range.address),
    rangeLast: formatIpv4(lastAddress(range)),
    rangeAddresses: total,
    defaultSubnet: ipam.defaultSubnet,
    blockPrefix: ipam.blockPrefix,
    activeAddresses: ipam.leases.length,
    owners: ipam.perPeer.map(({ peer, addresses, isReachable }) => ({
      peer: names.ref(peer),
      isSelf: peer === self.peerId,
      addresses,
      percent: (addresses / total) * 100,
      isReachable,
    })),
    pending: ipam.pending.map(({ container, since, reason }) => ({
      container,
      seconds: Math.floor((now - since) / 1000),
      reason,
    })),
    lent: ipam.lent.map(({ address, peer }) => ({ address, peer: names.ref(peer) })),
    borrowed: ipam.borrowed.map(({ container, cidr, owner }) => ({
      container,
      address: cidr,
      owner: names.ref(owner),
    })),
    disputed: ipam.disputed.map(({ container, cidr, owner, usedBy, isAsked }) => ({
      container,
      address: cidr,
      owner: names.refOrNull(owner),
      usedBy: names.refOrNull(usedBy),
      isAsked: isAsked === true,
    })),
    takeovers: ipam.takeovers.map(({ id: _, victim, author, waitsFor, ...progress }) => ({
      ...progress,
      victim: names.ref(victim),
      author: names.ref(author),
      waitsFor: waitsFor.map(peer => names.ref(peer)),
    })),
  }
}

/** Who handed blocks on twice. */
export function twiceGiverAdvice({ ipam }: NodeReport, names: Names): Advice[] {
  return ipam.twiceGivers.map(({ giver, rival, blocks }) => ({
    what: `peer ${names.short(giver)} handed ${blocks} blocks of addresses on twice, the second time to ${names.short(rival)}: whoever had them first keeps them`,
    remedy: 'see whether that host was put back to an earlier state, or cannot be trusted',
  }))
}

/** Peers that this one cannot share a range with. */
export function rangeAdvice({ ipam }: NodeReport, names: Names): Advice[] {
  return ipam.otherRanges.map(({ peer, range }) => ({
    what: `peer ${names.short(peer)} manages another range (${range}) than this host (${ipam.range})`,
    remedy: 'launch all peers with the same --ipalloc-range',
  }))
}
