import type {
  ContainersShown,
  DoctorAnswer,
  EventView,
  GraphShown,
  HistoryShown,
  IpamMap,
  PeerRef,
  Status,
} from '../../lib/page/answers.ts'
import { SERVICE_FIELDS } from './service-fields.ts'

/** AnswerOf of a daemon in a mesh that is made up. `gone`: numbers of hosts that are not reached. */
export interface MadeUpMesh {
  readonly hosts: number
  readonly gone?: readonly number[]
  /** By number of the host; the others are direct. */
  readonly ways?: Readonly<Record<number, 'relayed' | 'tcp' | 'none'>>
  /** Links of each host to those that follow it. */
  readonly links?: number
  readonly containers?: number
}

const MESH_ID = '0123456789abcdef0123456789abcdef'
const RANGE_FIRST = 0x0a_20_00_00
const RANGE_ADDRESSES = 1 << 20
const POINTS = 360
/** Always the same time of day wherever the test runs. */
const END = '2026-01-31T12:00:00.000Z'

export function madeUpRef(number: number): PeerRef {
  return { id: `${String(number).padStart(8, 'a')}${'b'.repeat(18)}`, nickname: `host${number}` }
}

function numbersOf({ hosts }: MadeUpMesh): number[] {
  return Array.from({ length: hosts }, (_, i) => i + 1)
}

function isGone({ gone = [] }: MadeUpMesh, number: number): boolean {
  return gone.includes(number)
}

/** The first one is asked. */
export function madeUpStatus(mesh: MadeUpMesh): Status {
  const self = madeUpRef(1)
  return {
    ...SERVICE_FIELDS,
    schemaVersion: 1,
    version: '0.1.0',
    pid: 4_711,
    uptimeSeconds: 7_320,
    isReady: true,
    stateDir: '/var/lib/weave-ts',
    protocol: { min: 1, max: 1 },
    mesh: { id: MESH_ID, isPristine: false, isUnused: false, founding: 'done', ipv6Prefix: 'fd01:2345:6789::/48' },
    peer: { ...self, incarnation: '0011223344556677' },
    port: 6_783,
    endpoints: ['192.0.2.1:6783'],
    memberEndpoints: [],
    encryption: 'secret',
    isDiscovering: true,
    links: { count: mesh.hosts - 1, limit: 32 },
    launchOptions: [],
    readers: null,
    connections: [],
    peers: numbersOf(mesh).map(number => ({
      ...madeUpRef(number),
      isSelf: number === 1,
      version: '0.1.0',
      incarnation: '0011223344556677',
      isReachable: !isGone(mesh, number),
      path: number === 1 || isGone(mesh, number) ? null : pathOf(mesh, number),
      connections: [],
    })),
    targets: [],
    ipam: {
      state: 'ready',
      reason: null,
      range: '10.32.0.0/12',
      rangeFirst: '10.32.0.0',
      rangeLast: '10.47.255.255',
      rangeAddresses: RANGE_ADDRESSES,
      defaultSubnet: '10.32.0.0/12',
      blockPrefix: 26,
      activeAddresses: 1,
      owners: [],
      pending: [],
      lent: [],
      borrowed: [],
      disputed: [],
      takeovers: [],
    },
    warnings: [],
    waiting: [],
  }
}

function pathOf({ ways = {} }: MadeUpMesh, number: number): Status['peers'][number]['path'] {
  const kind = ways[number] ?? 'direct'
  return {
    kind,
    endpoint: kind === 'direct' ? `192.0.2.${number % 250}:6783` : null,
    via: kind === 'relayed' ? madeUpRef(2) : null,
    rttMs: kind === 'none' ? null : rttOf(number),
    cipher: 'aes-256-gcm',
    keyAgeSeconds: 10,
    lossPercent: 0,
    mtu: 1_500,
    carries: 1_420,
    why: kind === 'direct' ? null : 'UDP is blocked',
  }
}

function rttOf(number: number): number {
  return number % 7 === 0 ? 84 : number % 3 === 0 ? 21.4 : 0.4 + (number % 5) / 10
}

export function madeUpGraph(mesh: MadeUpMesh): GraphShown {
  const { containers = 2 * mesh.hosts, hosts, links = 2, ways = {} } = mesh
  const reached = numbersOf(mesh).filter(number => !isGone(mesh, number))
  const pairs = reached.flatMap((from, i) =>
    Array.from({ length: links }, (_, step) => [from, reached[(i + 1 + step * 7) % reached.length]!] as const),
  )
  return {
    peers: numbersOf(mesh).map(number => ({
      ...madeUpRef(number),
      isSelf: number === 1,
      isReachable: !isGone(mesh, number),
      containers: Math.floor(containers / hosts),
    })),
    edges: pairs
      .filter(([from, to]) => from !== to)
      .map(([from, to]) => ({
        from: madeUpRef(from).id,
        to: madeUpRef(to).id,
        rttClass: (from + to) % 7,
        kind: 'link' as const,
      })),
    paths: reached
      .filter(number => number > 1 && (number <= 33 || ways[number] !== undefined))
      .map(number => {
        const { kind, rttMs, via, why } = pathOf(mesh, number)!
        return { to: madeUpRef(number).id, kind, via: via?.id ?? null, rttMs, why: why ?? 'its endpoint answers' }
      }),
    leftOut: { peers: 0, edges: 0 },
  }
}

export function madeUpContainers(mesh: MadeUpMesh): ContainersShown {
  const { containers = 2 * mesh.hosts, hosts } = mesh
  return {
    containers: Array.from({ length: containers }, (_, i) => {
      const number = (i % hosts) + 1
      return {
        container: i % 2 === 0 ? `netns:blue${i}` : `${String(i).padStart(4, '0')}${'0a1b2c3d4e5f'.repeat(5)}`,
        addresses: [addressOf(RANGE_FIRST + 64 * i + 1), `fd01:2345:6789:1::a20:${i.toString(16)}`],
        names: i % 5 === 4 ? [] : [`service${i}.weave.local.`],
        peer: madeUpRef(number),
        isReachable: !isGone(mesh, number),
        isPlugged: true,
      }
    }),
  }
}

export function madeUpIpam(mesh: MadeUpMesh): IpamMap {
  const share = Math.floor(RANGE_ADDRESSES / 64 / mesh.hosts) * 64
  const runs = numbersOf(mesh).map((number, i) => {
    const addresses = i === mesh.hosts - 1 ? RANGE_ADDRESSES - i * share : share
    return {
      first: addressOf(RANGE_FIRST + i * share),
      last: addressOf(RANGE_FIRST + i * share + addresses - 1),
      blocks: addresses / 64,
      addresses,
      owner: madeUpRef(number),
      isSelf: number === 1,
      isReachable: !isGone(mesh, number),
      leased: number === 1 ? 2 : 0,
      resting: 0,
      lent: 0,
      free: number === 1 ? addresses - 3 : null,
      barred: 0,
      told: 2,
    }
  })
  return { range: '10.32.0.0/12', blockPrefix: 26, blockAddresses: 64, runs, outside: [] }
}

function addressOf(value: number): string {
  return [24, 16, 8, 0].map(shift => (value >>> shift) & 255).join('.')
}

export function madeUpHistory(mesh: MadeUpMesh): HistoryShown {
  const wave = (size: number, length: number, shift: number) =>
    Array.from({ length: POINTS }, (_, i) =>
      i < 60 ? null : Math.round(size * (1.2 + Math.sin((i + shift) / length)) * 100) / 100,
    )
  return {
    stepSeconds: 10,
    end: END,
    total: { inBytesPerSecond: wave(4_200_000, 31, 0), outBytesPerSecond: wave(1_300_000, 17, 4) },
    peers: numbersOf(mesh)
      .slice(1, 65)
      .map(number => ({
        ...madeUpRef(number),
        inBytesPerSecond: wave(400_000, 20, number),
        outBytesPerSecond: wave(120_000, 13, number),
        rttMs: wave(rttOf(number) / 2, 40, 9 * number),
      })),
  }
}

/** Nothing is wrong but what is given. */
export function madeUpDoctor(findings: DoctorAnswer['findings'] = []): DoctorAnswer {
  const count = (verdict: string) => findings.filter(finding => finding.verdict === verdict).length
  return { schemaVersion: 1, isDaemonUp: true, problems: count('problem'), warnings: count('warning'), findings }
}

export function madeUpEvents(): EventView[] {
  const event = (seq: number, level: EventView['level'], kind: string, text: string, details = {}): EventView => ({
    seq,
    time: new Date(Date.parse(END) + seq * 1_000).toISOString(),
    level,
    event: kind,
    text,
    details,
  })
  const { id: peer, nickname } = madeUpRef(2)
  return [
    event(1, 'info', 'ready', 'weave-ts 0.1.0 is up'),
    event(2, 'info', 'link-up', 'linked', { peer, nickname, address: '192.0.2.2:6783' }),
    event(3, 'info', 'path', 'direct', { peer, nickname, rttMs: 0.6 }),
    event(4, 'warn', 'link-down', 'the other side was silent for 10 s', { peer, nickname }),
    event(5, 'info', 'asked', 'attach: done', { call: 'attach', by: { uid: 0, pid: 4_711, command: 'node' } }),
  ]
}
