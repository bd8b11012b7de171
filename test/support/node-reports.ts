import { parseEndpoint, type Endpoint, type PeerId } from '../../lib/address/mod.ts'
import type { Contact, NodeReport } from '../../lib/node/mod.ts'
import type { PathReport, PeerReport } from '../../lib/node/report.ts'
import { peerNumber } from './graphs.ts'

export const SELF = peerNumber(0)
export const NOW = 1_000_000

export function endpoint(text: string): Endpoint {
  return parseEndpoint(text, 6783)!
}

/** A peer alone in a mesh of its own, with what a test adds. */
export function nodeReport(parts: Partial<NodeReport> = {}): NodeReport {
  return {
    self: {
      peerId: SELF,
      nickname: 'self',
      incarnation: '0011223344556677',
      port: 6783,
      software: '1.2.3',
      isDiscovering: true,
      linksMax: 200,
    },
    mesh: { id: 'ab'.repeat(16), isPristine: false, isUnused: false, ipv6Prefix: 'fd12:3456:789a::/48' },
    connections: [],
    neighbours: [],
    failedInbound: [],
    contacts: [],
    peers: [],
    removed: [],
    routes: [],
    tree: [],
    paths: [],
    parts: {},
    ipam: {
      range: '10.32.0.0/12',
      defaultSubnet: '10.32.0.0/12',
      blockPrefix: 26,
      blocks: 16_384,
      state: 'ready',
      perPeer: [{ peer: SELF, blocks: 16_384, addresses: 1_048_576, isReachable: true }],
      unownedBlocks: 0,
      ownFree: 1_048_574,
      leases: [],
      pending: [],
      lent: [],
      borrowed: [],
      disputed: [],
      takeovers: [],
      twiceGivers: [],
      otherRanges: [],
    },
    ledger: { owners: 1, records: 3, bytes: 300 },
    drops: {},
    ...parts,
  }
}

export function contact(text: string, parts: Partial<Contact> = {}): Contact {
  return {
    text,
    origin: 'configured',
    state: 'waiting',
    endpoint: undefined,
    peerId: undefined,
    lastError: undefined,
    refusal: undefined,
    attempts: 0,
    retryAt: undefined,
    isReached: false,
    ...parts,
  }
}

/** A link that is up to peer `number`, called `n<number>`, at 192.0.2.<number>. */
export function linked(number: number, parts: { isOutbound?: boolean; rttMs?: number } = {}) {
  const { isOutbound = true, rttMs } = parts
  const peerId = peerNumber(number)
  const at = { connection: number, endpoint: endpoint(`192.0.2.${number}`), isOutbound, peerId }
  return {
    connections: [{ ...at, isUp: true }],
    neighbours: [{ ...at, nickname: `n${number}`, upAt: NOW - 5_000, rttMs, hasMesh: true }],
    peers: [peer(number)],
  }
}

export function peer(number: number, parts: Partial<PeerReport> = {}): PeerReport {
  return {
    peerId: peerNumber(number),
    index: number,
    nickname: `n${number}`,
    info: undefined,
    links: [],
    isAbridged: false,
    isReachable: true,
    ...parts,
  }
}

export function path(peerId: PeerId, state: PathReport['state']): PathReport {
  return {
    peerId,
    state,
    cipher: 'aes-256-gcm',
    epochAgeMs: 4_500,
    rekeys: 0,
    lossPercent: undefined,
    seenAs: undefined,
    size: { mtu: 1500, carries: 1418, phase: 'complete' },
    isOnDemand: false,
    unusableSince: undefined,
  }
}
