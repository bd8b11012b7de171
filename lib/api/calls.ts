import type { z } from 'zod'
import type { BODIES } from './bodies.ts'

/** One call of the API: what it is reached by, and how long it may take. What it takes and gives is in `BODIES`. */
export interface Call {
  /** GET changes nothing and takes nothing; POST takes its request as a JSON body. */
  readonly method: 'GET' | 'POST'
  readonly path: `/v1/${string}`
  /**
   * Milliseconds after which the client gives up, and the server lets the handler know by its signal; see `deadlineOf`.
   */
  readonly deadlineMs: number
  /** The answer is plain text of this type, as its schema has it; otherwise it is JSON. */
  readonly textType?: string
  /** One line, as docs/api.md has it. */
  readonly description: string
  /** A POST that changes nothing. */
  readonly isQuestion?: true
  /** It changes nothing, tells no secret and takes little: the group of `launch --group` may call it. */
  readonly isForReaders?: true
}

/**
 * Every call of the API. The server's routes, the client's methods and the test of docs/api.md follow from this table:
 * a new call is a row here, its schemas in `BODIES`, a handler in a service (lib/daemon/service.ts) and a section in
 * docs/api.md. A command loads this, and no schema.
 */
export const CALLS = {
  status: {
    method: 'GET',
    path: '/v1/status',
    deadlineMs: 2_000,
    isForReaders: true,
    description: 'the state of the daemon, and of the mesh as it sees it',
  },
  report: {
    method: 'GET',
    path: '/v1/report',
    deadlineMs: 5_000,
    isForReaders: true,
    description: 'everything that the daemon knows',
  },
  doctor: {
    method: 'GET',
    path: '/v1/doctor',
    deadlineMs: 30_000,
    description: 'what is wrong on this host and between it and its neighbours, and what to do',
  },
  metrics: {
    method: 'GET',
    path: '/v1/metrics',
    textType: 'text/plain; version=0.0.4; charset=utf-8',
    deadlineMs: 5_000,
    isForReaders: true,
    description: 'what the daemon counts and measures, as Prometheus reads it',
  },
  ps: {
    method: 'GET',
    path: '/v1/ps',
    deadlineMs: 10_000,
    isForReaders: true,
    description: 'what is attached',
  },
  containers: {
    method: 'GET',
    path: '/v1/containers',
    deadlineMs: 5_000,
    isForReaders: true,
    description: 'what is attached in the whole mesh, and on which host',
  },
  whois: {
    method: 'POST',
    path: '/v1/whois',
    deadlineMs: 5_000,
    isQuestion: true,
    isForReaders: true,
    description: 'which container has an address or a name, and on which host',
  },
  routes: {
    method: 'GET',
    path: '/v1/routes',
    deadlineMs: 5_000,
    isForReaders: true,
    description: 'how data goes to each peer, and why so',
  },
  graph: {
    method: 'GET',
    path: '/v1/graph',
    deadlineMs: 5_000,
    isForReaders: true,
    description: 'peers and the links between them, and how data goes from here',
  },
  history: {
    method: 'GET',
    path: '/v1/history',
    deadlineMs: 5_000,
    isForReaders: true,
    description: 'throughput and round trips of the last hour',
  },
  groups: {
    method: 'GET',
    path: '/v1/groups',
    deadlineMs: 5_000,
    isForReaders: true,
    description: 'who listens to which multicast groups',
  },
  ping: {
    method: 'POST',
    path: '/v1/ping',
    deadlineMs: 5_000,
    isQuestion: true,
    isForReaders: true,
    description: 'asks a peer for an answer over its data path',
  },
  top: {
    method: 'POST',
    path: '/v1/top',
    deadlineMs: 5_000,
    isQuestion: true,
    isForReaders: true,
    description: 'who talks to whom on this host, and how much, by a sample of frames',
  },
  perf: {
    method: 'POST',
    path: '/v1/perf',
    deadlineMs: 20_000,
    description: 'measures throughput, loss and latency between this host and another',
  },
  'perf-history': {
    method: 'POST',
    path: '/v1/perf-history',
    deadlineMs: 5_000,
    isQuestion: true,
    description: 'what was measured before, the oldest first',
  },
  ipam: {
    method: 'GET',
    path: '/v1/ipam',
    deadlineMs: 5_000,
    isForReaders: true,
    description: 'the address range as runs of blocks, with their owners',
  },
  'ipam-check': {
    method: 'GET',
    path: '/v1/ipam-check',
    deadlineMs: 30_000,
    description: 'what of the addresses of this host does not fit together',
  },
  events: {
    method: 'POST',
    path: '/v1/events',
    deadlineMs: 5_000,
    isQuestion: true,
    isForReaders: true,
    description: 'what happened, the oldest first',
  },
  connect: {
    method: 'POST',
    path: '/v1/connect',
    deadlineMs: 5_000,
    description: 'adds contacts, or makes them the whole list',
  },
  found: {
    method: 'POST',
    path: '/v1/found',
    deadlineMs: 5_000,
    description: 'founds a mesh, where this peer is of none',
  },
  forget: {
    method: 'POST',
    path: '/v1/forget',
    deadlineMs: 5_000,
    description: 'removes contacts, here and at every peer of the mesh',
  },
  rmpeer: {
    method: 'POST',
    path: '/v1/rmpeer',
    deadlineMs: 10_000,
    description: 'takes over the address blocks of a peer that is gone for good',
  },
  attach: {
    method: 'POST',
    path: '/v1/attach',
    deadlineMs: 60_000,
    description: 'plugs a target into the overlay',
  },
  detach: {
    method: 'POST',
    path: '/v1/detach',
    deadlineMs: 30_000,
    description: 'takes addresses from a target, or all and the interface',
  },
  expose: {
    method: 'POST',
    path: '/v1/expose',
    deadlineMs: 60_000,
    description: 'gives this host addresses of the overlay',
  },
  hide: {
    method: 'POST',
    path: '/v1/hide',
    deadlineMs: 30_000,
    description: 'takes addresses of the overlay, or all, from this host',
  },
  dns: {
    method: 'GET',
    path: '/v1/dns',
    deadlineMs: 5_000,
    isForReaders: true,
    description: 'all names of the mesh, with their addresses',
  },
  'dns-add': {
    method: 'POST',
    path: '/v1/dns-add',
    deadlineMs: 10_000,
    description: 'gives names to what is attached, or to any address',
  },
  'dns-remove': {
    method: 'POST',
    path: '/v1/dns-remove',
    deadlineMs: 10_000,
    description: 'takes names away that this peer gave',
  },
  'dns-lookup': {
    method: 'POST',
    path: '/v1/dns-lookup',
    deadlineMs: 5_000,
    isQuestion: true,
    isForReaders: true,
    description: 'the addresses of a name, or the names of an address',
  },
  stop: {
    method: 'POST',
    path: '/v1/stop',
    deadlineMs: 15_000,
    description: 'ends the daemon after the answer',
  },
  reset: {
    method: 'POST',
    path: '/v1/reset',
    deadlineMs: 30_000,
    description: 'leaves the mesh for good, and ends the daemon after the answer',
  },
} satisfies Readonly<Record<string, Call>>

/**
 * The deadline of one call in milliseconds: what its caller lets it wait (`timeoutSeconds`), or wants it to take
 * (`seconds`), comes on top.
 */
export function deadlineOf({ deadlineMs }: Pick<Call, 'deadlineMs'>, request: unknown): number {
  const { timeoutSeconds, seconds } = (request ?? {}) as {
    readonly timeoutSeconds?: unknown
    readonly seconds?: unknown
  }
  const added = [timeoutSeconds, seconds].reduce<number>((sum, one) => sum + (typeof one === 'number' ? one : 0), 0)
  return deadlineMs + added * 1_000
}

export type CallName = keyof typeof CALLS
/** What a client gives: what has a default may be left out. */
export type CallInput<N extends CallName> = z.input<(typeof BODIES)[N]['request']>
/** What a handler gets. */
export type CallRequest<N extends CallName> = z.output<(typeof BODIES)[N]['request']>
/** What a handler gives, in full, and a client gets. */
export type CallAnswer<N extends CallName> = z.output<(typeof BODIES)[N]['answer']>

export const CALL_NAMES = Object.keys(CALLS) as readonly CallName[]

/** Whether a call may change something. */
export function isChange(name: CallName): boolean {
  const row: Call = CALLS[name]
  return row.method === 'POST' && row.isQuestion !== true
}
