import * as z from 'zod'
import { PathView, PeerRef } from './path-schema.ts'

export * from './measure-schema.ts'
export * from './path-schema.ts'

/**
 * The bodies of the local HTTP API. `status --json` prints a `Status`; docs/api.md describes the same, checked by a
 * test. Later parts add fields; none is renamed or removed within a major version.
 */

/** How data goes from here to a peer. */
export const PeerRouteView = z.object({
  peer: PeerRef,
  isReachable: z.boolean(),
  /** As of a PathView; idle: there is no session, and one is made when there are frames. */
  kind: z.enum(['direct', 'relayed', 'tcp', 'none', 'idle']),
  endpoint: z.string().nullable(),
  via: PeerRef.nullable(),
  rttMs: z.number().nullable(),
  /** The peers on the way, the far end last, each with the RTT class of the edge that leads to it; empty: none known. */
  way: z.array(z.object({ peer: PeerRef, rttClass: z.number() })),
  /** Of the route through the mesh; null: there is none. */
  cost: z.number().nullable(),
  /** For people: why this way. */
  why: z.string(),
})

export const ConnectionView = z.object({
  direction: z.enum(['outbound', 'inbound']),
  /** ip:port of the far end; for a contact that did not resolve, its text. */
  address: z.string(),
  /**
   * relayed: there is no direct data path, and data goes through another peer, whether there is a link or not; tcp: UDP
   * does not get through, nobody relays, and data goes over the link.
   */
  state: z.enum(['connecting', 'retrying', 'failed', 'pending', 'established', 'relayed', 'tcp']),
  peer: PeerRef.nullable(),
  /** One line for people: what carries the data, or what went wrong. */
  info: z.string(),
  error: z.string().nullable(),
  retryInSeconds: z.number().nullable(),
  rttMs: z.number().nullable(),
  path: PathView.nullable(),
  mtu: z.number().nullable(),
})

export const PeerView = PeerRef.extend({
  isSelf: z.boolean(),
  version: z.string(),
  incarnation: z.string(),
  isReachable: z.boolean(),
  path: PathView.nullable(),
  connections: z.array(
    z.object({
      direction: z.enum(['outbound', 'inbound']),
      address: z.string(),
      peer: PeerRef,
      state: z.enum(['established', 'pending']),
    }),
  ),
})

/** A contact that the operator named. The API and `status targets` call them targets, as Weave does. */
export const TargetView = z.object({
  target: z.string(),
  state: z.string(),
  address: z.string().nullable(),
  peer: PeerRef.nullable(),
  error: z.string().nullable(),
  retryInSeconds: z.number().nullable(),
})

export const IpamView = z.object({
  state: z.enum(['ready', 'waiting']),
  reason: z.string().nullable(),
  /** In CIDR form. */
  range: z.string(),
  rangeFirst: z.string().default('?'),
  rangeLast: z.string().default('?'),
  rangeAddresses: z.number(),
  defaultSubnet: z.string(),
  blockPrefix: z.number(),
  activeAddresses: z.number(),
  owners: z.array(
    z.object({
      peer: PeerRef,
      isSelf: z.boolean(),
      addresses: z.number(),
      percent: z.number(),
      isReachable: z.boolean(),
    }),
  ),
  pending: z.array(z.object({ container: z.string(), seconds: z.number(), reason: z.string() })),
  /** Addresses of own blocks that other peers may use. */
  lent: z.array(z.object({ address: z.string(), peer: PeerRef })),
  /** Addresses of containers here that the owner of their block lends. */
  borrowed: z.array(z.object({ container: z.string(), address: z.string(), owner: PeerRef })),
  disputed: z.array(
    z.object({
      container: z.string(),
      address: z.string(),
      owner: PeerRef.nullable(),
      /** Another peer that says to have it in use. */
      usedBy: PeerRef.nullable(),
      /** The owner has not said yet whether it lends it. */
      isAsked: z.boolean(),
    }),
  ),
  /** What `rmpeer` began: blocks of `victim` go to `author`. */
  takeovers: z.array(
    z.object({
      victim: PeerRef,
      author: PeerRef,
      blocks: z.number(),
      isForced: z.boolean(),
      isSettled: z.boolean(),
      agreed: z.number(),
      needed: z.number(),
      waitsFor: z.array(PeerRef),
    }),
  ),
})

/** Consecutive address blocks of one owner. */
export const BlockRunView = z.object({
  /** The first and the last address. */
  first: z.string(),
  last: z.string(),
  blocks: z.number(),
  addresses: z.number(),
  /** Null: nobody that is known. */
  owner: PeerRef.nullable(),
  isSelf: z.boolean(),
  isReachable: z.boolean(),
  /** Addresses that containers of this host hold. */
  leased: z.number(),
  /** Addresses that rest here after use. */
  resting: z.number(),
  /** Addresses of own blocks that were lent to other peers. */
  lent: z.number(),
  /** Addresses that this peer could give to its containers or hand on; null for blocks of others. The first and the last of the range are none. */
  free: z.number().nullable(),
  /** Addresses of own blocks of which nothing is given for now. */
  barred: z.number(),
  /** Addresses that peers say are in use, in the whole mesh. */
  told: z.number(),
})

/** The whole range, in order. */
export const IpamMap = z.object({
  range: z.string(),
  blockPrefix: z.number(),
  blockAddresses: z.number(),
  runs: z.array(BlockRunView),
  /** Addresses that are not of the range, and that peers say are in use. */
  outside: z.array(z.object({ address: z.string(), container: z.string(), peer: PeerRef })).default([]),
})

/** `leases`, `targets`, `addresses`: how many were compared. */
export const IpamCheckAnswer = z.object({
  leases: z.number(),
  targets: z.number(),
  addresses: z.number(),
  /** None: all agree. */
  findings: z.array(z.object({ what: z.string(), remedy: z.string() })),
})

/** An address of the overlay that this host has, and the one of IPv6 that goes with it. */
export const ExposureView = z.object({
  cidr: z.string(),
  isMasqueraded: z.boolean(),
  ipv6: z.string().nullable().default(null),
})

/** The container engine, and what is attached of its containers. */
export const DockerView = z.object({
  /** absent: nothing listens there; unreachable: it hangs, fails or speaks nonsense; off: it is not followed. */
  state: z.enum(['off', 'connecting', 'following', 'absent', 'unreachable']),
  endpoint: z.string().nullable(),
  why: z.string().nullable(),
  /** It was there in this run, DOCKER_HOST names it, or containers of it are attached: where it is not it is missed. */
  isExpected: z.boolean(),
  containers: z.number(),
  stopped: z.number(),
  waiting: z.number(),
  vanished: z.array(
    z.object({
      id: z.string(),
      description: z.string(),
      cidrs: z.array(z.string()),
      why: z.string(),
      secondsAgo: z.number(),
    }),
  ),
})

/** The driver of Docker's networks. */
export const DriverView = z.object({
  /** failed: `why` tells; off: containers are not followed. */
  state: z.enum(['off', 'failed', 'serving']),
  socket: z.string().nullable(),
  why: z.string().nullable(),
  networks: z.array(z.object({ id: z.string(), name: z.string(), subnets: z.array(z.string()) })),
  endpoints: z.number(),
})

export const Status = z.object({
  /** SCHEMA_VERSION of the daemon. */
  schemaVersion: z.number().int().default(0),
  version: z.string(),
  pid: z.number(),
  uptimeSeconds: z.number(),
  isReady: z.boolean(),
  stateDir: z.string(),
  protocol: z.object({ min: z.number(), max: z.number() }),
  mesh: z.object({
    /** 32 hex characters; null while no mesh was founded or joined. */
    id: z.string().nullable(),
    isPristine: z.boolean(),
    isUnused: z.boolean(),
    /**
     * done: of a mesh; nobody: linked to others, and none of them is of one; deciding: `launch --ipalloc-init` has not
     * decided yet who founds; waiting: for a peer to join.
     */
    founding: z.enum(['done', 'nobody', 'deciding', 'waiting']),
    /** Of all IPv6 addresses of the mesh, as in fd12:3456:789a::/48; null while there is no mesh. */
    ipv6Prefix: z.string().nullable(),
  }),
  peer: PeerRef.extend({ incarnation: z.string() }),
  port: z.number(),
  /** ip:port, where others are told to reach this peer. */
  endpoints: z.array(z.string()).default([]),
  /** ip:port of other members that are reached, one of each, the nearest first, 16 at most. */
  memberEndpoints: z.array(z.string()).default([]),
  /** secret: only holders of the mesh secret can join. open: encrypted, but any stranger may join. */
  encryption: z.enum(['secret', 'open']),
  isDiscovering: z.boolean(),
  /** Links that are up, and how many may be (`--conn-limit`); null: as many as there are. */
  links: z.object({ count: z.number(), limit: z.number().nullable() }),
  /** Words of the command line that the next launch repeats by itself. */
  launchOptions: z.array(z.string()),
  /** Of `--group`, whose members may look; `socket`: null while it cannot be opened, of which a warning tells. */
  readers: z.object({ group: z.string(), socket: z.string().nullable() }).nullable().default(null),
  connections: z.array(ConnectionView),
  peers: z.array(PeerView),
  targets: z.array(TargetView),
  ipam: IpamView,
  overlay: z.object({
    bridge: z.string(),
    /** Somebody else made the bridge: it stays after a reset. */
    isAdopted: z.boolean(),
    device: z.string(),
    mtu: z.number(),
    mac: z.string(),
    /** Why nothing here gets an IPv6 address; null: it does. */
    ipv6Off: z.string().nullable(),
  }),
  dns: z.object({
    domain: z.string(),
    /** Different names in the whole mesh, of peers that can be reached. */
    names: z.number(),
    /** Containers, and addresses elsewhere, that have them. */
    containers: z.number(),
    /** False after `launch --no-dns`. */
    isOn: z.boolean(),
    ttlSeconds: z.number(),
    /** ip:port. */
    listening: z.array(z.string()),
    /** Servers that are asked for all other names. */
    upstream: z.array(z.string()),
    queries: z.object({ total: z.number(), forwarded: z.number(), failed: z.number(), dropped: z.number() }),
  }),
  /** Addresses of this host itself. */
  exposed: z.array(ExposureView),
  docker: DockerView,
  driver: DriverView,
  warnings: z.array(z.string()),
  waiting: z.array(z.string()),
})

export const Report = Status.extend({
  macs: z.array(z.object({ mac: z.string(), peer: PeerRef.nullable(), secondsAgo: z.number() })),
  routes: z.array(z.object({ destination: PeerRef, via: PeerRef })),
  /** Who passes on to whom what is flooded from here. */
  broadcastTree: z.array(z.object({ peer: PeerRef, children: z.array(PeerRef) })),
  engine: z.object({ offloads: z.record(z.string(), z.boolean()), counters: z.record(z.string(), z.number()) }),
  drops: z.record(z.string(), z.number()),
  ledger: z.object({ owners: z.number(), records: z.number(), bytes: z.number() }),
})

export const Attachment = z.object({
  id: z.string(),
  description: z.string(),
  mac: z.string(),
  cidrs: z.array(z.string()),
  /** Those that go with them, in CIDR form. */
  ipv6: z.array(z.string()).default([]),
  /** It has none because IPv6 is switched off inside. */
  isIpv6Off: z.boolean().default(false),
  names: z.array(z.string()).default([]),
  isPresent: z.boolean(),
  /** stopped: a container that may start again; waiting: it should have its interface, `why` tells what is in the way. */
  state: z.enum(['attached', 'stopped', 'waiting', 'gone']),
  why: z.string().nullable(),
  /** That of Docker by which it is there; null: it was attached. */
  network: z.string().nullable(),
})

/** A container of the mesh, or a host that is exposed, as its peer tells of it. */
export const Whereabouts = z.object({
  /** What `ps` there shows as its id. */
  container: z.string(),
  /** IPv4 or IPv6, without prefix length. */
  addresses: z.array(z.string()),
  names: z.array(z.string()),
  peer: PeerRef,
  /** False: what its peer told last, which cannot be reached now. */
  isReachable: z.boolean(),
  /** False: not plugged in now; the address is kept for it. Known of this host only. */
  isPlugged: z.boolean(),
})

/** A name with one of its addresses. */
export const NameView = z.object({
  name: z.string(),
  address: z.string(),
  container: z.string(),
  peer: PeerRef,
})

/** Of calls that take nothing. */
export const NoRequest = z.object({})

const texts = (max: number) => z.array(z.string().min(1).max(256)).max(max)

/** As an operator writes them: whoever knows the domain judges them, the empty one too. */
const names = z.array(z.string().max(256)).max(32).default([])

/** How long all addresses of a call may be waited for; each for 10 s when undefined. */
const timeoutSeconds = z.number().min(0).max(1_000_000).optional()

export const RmpeerRequest = z.object({
  /** Nickname or id. */
  peer: z.string().min(1).max(256),
  force: z.boolean().default(false),
})

export const RmpeerAnswer = z.object({
  peer: PeerRef,
  blocks: z.number(),
  /** waiting: for more peers to agree; forced: addresses are given already; settled: for good. */
  state: z.enum(['waiting', 'forced', 'settled']),
  /** Who takes over: this peer, or one that began earlier. */
  by: PeerRef.nullable(),
  agreed: z.number(),
  needed: z.number(),
  waitsFor: z.array(PeerRef),
  /** Since it was reached last, or since the start of this daemon; null where it is not known any more. */
  unreachedSeconds: z.number().nullable().default(null),
})

export const ConnectRequest = z.object({ targets: texts(256), replace: z.boolean().default(false) })
export const ForgetRequest = z.object({ targets: texts(256).min(1) })
export const AttachRequest = z.object({
  target: z.string().min(1).max(256),
  addresses: texts(32).default([]),
  multicastRoute: z.boolean().default(true),
  names,
  defaultNames: z.boolean().default(true),
  resolvConf: z.boolean().default(false),
  timeoutSeconds,
})
export const DetachRequest = z.object({ target: z.string().min(1).max(256), addresses: texts(32).default([]) })

export const ExposeRequest = z.object({
  addresses: texts(32).default([]),
  masquerade: z.boolean().default(true),
  names,
  timeoutSeconds,
})
export const HideRequest = z.object({ addresses: texts(32).default([]) })

export const NamesRequest = z.object({ target: z.string().min(1).max(256), names })
export const LookupRequest = z.object({ name: z.string().min(1).max(256) })

/** `since`: ISO 8601, in UTC. */
export const EventsRequest = z.object({
  after: z.number().int().nonnegative().optional(),
  since: z.iso.datetime().optional(),
  limit: z.number().int().positive().max(4_096).optional(),
})
/** Something that happened. `seq` ascends, over restarts too; `details` are those of the line in the log. */
export const EventView = z.object({
  seq: z.number().int().positive(),
  time: z.string(),
  level: z.enum(['info', 'warn', 'error', 'fatal']),
  event: z.string(),
  text: z.string(),
  details: z.record(z.string(), z.unknown()),
})
/** What was looked at, how it is, and what to do. */
export const FindingView = z.object({
  /** As in udp, range, secret. */
  check: z.string(),
  group: z.enum(['daemon', 'neighbours', 'host', 'containers']),
  /** unknown: it could not be looked at, or nobody can tell. */
  verdict: z.enum(['ok', 'warning', 'problem', 'unknown']),
  /** Whom it is between this host and; null: it is of this host alone. */
  peer: PeerRef.nullable(),
  /** With the values on both sides, where there are two. */
  found: z.string(),
  /** Null: there is nothing to do. */
  remedy: z.string().nullable(),
})
/** Problems first, then warnings. */
export const DoctorAnswer = z.object({
  schemaVersion: z.number().int(),
  /** False: only what can be seen without a daemon was looked at. */
  isDaemonUp: z.boolean(),
  problems: z.number().int(),
  warnings: z.number().int(),
  findings: z.array(FindingView),
})
export const EventsAnswer = z.object({ events: z.array(EventView) })
export type FindingView = z.infer<typeof FindingView>
export type DoctorAnswer = z.infer<typeof DoctorAnswer>
export type EventView = z.infer<typeof EventView>
/** An address, a name, or the id of a container. */
export const WhoisRequest = z.object({ what: z.string().min(1).max(256) })
/** `peer`: a nickname, an id or how it begins, or an address of the overlay. */
export const PingRequest = z.object({
  peer: z.string().min(1).max(256),
  /** How long an answer is waited for. */
  timeoutSeconds: z.number().min(0.01).max(30).default(1),
})
export const PingAnswer = z.object({
  peer: PeerRef,
  isAnswered: z.boolean(),
  /** Of this ping, with fractions. */
  rttMs: z.number().nullable(),
  /** The path that it took; null: there was no session. */
  path: PathView.nullable(),
  /** Why there was no answer. */
  why: z.string().nullable(),
})
/** The nearest first. */
export const RoutesAnswer = z.object({ routes: z.array(PeerRouteView) })
/** Peers, this one first and then the nearest, and the links between them. */
export const GraphAnswer = z.object({
  peers: z.array(
    PeerRef.extend({
      isSelf: z.boolean(),
      isReachable: z.boolean(),
      /** That it tells of. */
      containers: z.number().int(),
    }),
  ),
  /** Each pair once; the ids of both ends. `rttClass`: as both claim it, the worse one. */
  edges: z.array(
    z.object({ from: z.string(), to: z.string(), rttClass: z.number().int().nullable(), kind: z.literal('link') }),
  ),
  /** Data paths of this peer; `to` and `via` are ids. */
  paths: z.array(
    z.object({
      to: z.string(),
      kind: PathView.shape.kind,
      via: z.string().nullable(),
      rttMs: z.number().nullable(),
      /** For people. */
      why: z.string(),
    }),
  ),
  /** Of what is known there is so much more. */
  leftOut: z.object({ peers: z.number().int(), edges: z.number().int() }),
})
const series = z.array(z.number().nullable())
const TrafficView = z.object({ inBytesPerSecond: series, outBytesPerSecond: series })
/** Steps of `stepSeconds`, the newest last, which ends at `end`. All lists are of one length; null: nothing is known. */
export const HistoryAnswer = z.object({
  stepSeconds: z.number(),
  end: z.string(),
  /** With all peers together. */
  total: TrafficView,
  /** The busiest first, 64 at most. */
  peers: z.array(PeerRef.extend({ ...TrafficView.shape, rttMs: series })),
})
/** Groups by their IP addresses, in order; and who gets all multicast, and why. This host comes first. */
export const GroupsAnswer = z.object({
  groups: z.array(z.object({ group: z.string(), peers: z.array(PeerRef) })),
  everything: z.array(z.object({ peer: PeerRef, why: z.string() })),
})
/** Of this host first; then by peer and address. */
export const ContainersAnswer = z.object({ containers: z.array(Whereabouts) })
export const NamesAnswer = z.object({ names: z.array(z.string()) })
/** Of a name its addresses, of an address its names. */
export const LookupAnswer = z.object({ addresses: z.array(z.string()), names: z.array(z.string()) })
export const DnsAnswer = z.object({ domain: z.string(), entries: z.array(NameView) })
/** `force`: also where a peer that was named may be of a mesh. */
export const FoundRequest = z.object({ force: z.boolean().default(false) })
/** The id of the mesh. */
export const FoundAnswer = z.object({ mesh: z.string() })
export const TargetsAnswer = z.object({ targets: z.array(z.string()) })
/** `strange`: what was no target of this peer. `told`: how many other peers are reached, and so are told at once. */
export const ForgetAnswer = TargetsAnswer.extend({
  strange: z.array(z.string()).default([]),
  told: z.number().int().default(0),
})
/** `ipv6`: those that go with the others, in CIDR form. */
export const CidrsAnswer = z.object({ cidrs: z.array(z.string()), ipv6: z.array(z.string()).default([]) })
/** `notes`: what an operator should read. */
export const GivenAnswer = CidrsAnswer.extend({ notes: z.array(z.string()).default([]) })
export const PsAnswer = z.object({ attachments: z.array(Attachment) })
/** `notes`: what an operator should read. */
export const NotesAnswer = z.object({ ok: z.literal(true), notes: z.array(z.string()).default([]) })
/** As Prometheus reads it; no JSON. */
export const MetricsAnswer = z.string()

export type PeerRouteView = z.infer<typeof PeerRouteView>
export type PingAnswer = z.infer<typeof PingAnswer>
export type ConnectionView = z.infer<typeof ConnectionView>
export type PeerView = z.infer<typeof PeerView>
export type TargetView = z.infer<typeof TargetView>
export type IpamView = z.infer<typeof IpamView>
export type BlockRunView = z.infer<typeof BlockRunView>
export type IpamCheck = z.infer<typeof IpamCheckAnswer>
export type IpamMap = z.infer<typeof IpamMap>
export type DockerView = z.infer<typeof DockerView>
export type DriverView = z.infer<typeof DriverView>
export type Status = z.infer<typeof Status>
export type Report = z.infer<typeof Report>
export type Attachment = z.infer<typeof Attachment>
/** What is seen of it without knowing what should be. */
export type AttachmentFound = Omit<Attachment, 'state' | 'why' | 'network' | 'ipv6' | 'isIpv6Off'> &
  Partial<Pick<Attachment, 'ipv6' | 'isIpv6Off'>> & { readonly network?: string }
export type Whereabouts = z.infer<typeof Whereabouts>
export type NameView = z.infer<typeof NameView>
