import type { z } from 'zod'
import * as schema from './schema.ts'

/** One call of the API: what it is reached by, what it takes and gives, and how long it may take. */
export interface Call<Request extends z.ZodType = z.ZodType, Answer extends z.ZodType = z.ZodType> {
  /** GET changes nothing and takes nothing; POST takes its request as a JSON body. */
  readonly method: 'GET' | 'POST'
  readonly path: `/v1/${string}`
  readonly request: Request
  readonly answer: Answer
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
}

/**
 * Every call of the API. The server's routes, the client's methods and the test of docs/api.md follow from this table:
 * a new call is a row here, a handler in a service (lib/daemon/service.ts) and a section in docs/api.md.
 */
export const CALLS = {
  status: call({
    method: 'GET',
    path: '/v1/status',
    request: schema.NoRequest,
    answer: schema.Status,
    deadlineMs: 2_000,
    description: 'the state of the daemon, and of the mesh as it sees it',
  }),
  report: call({
    method: 'GET',
    path: '/v1/report',
    request: schema.NoRequest,
    answer: schema.Report,
    deadlineMs: 5_000,
    description: 'everything that the daemon knows',
  }),
  metrics: call({
    method: 'GET',
    path: '/v1/metrics',
    request: schema.NoRequest,
    answer: schema.MetricsAnswer,
    textType: 'text/plain; version=0.0.4; charset=utf-8',
    deadlineMs: 5_000,
    description: 'what the daemon counts and measures, as Prometheus reads it',
  }),
  ps: call({
    method: 'GET',
    path: '/v1/ps',
    request: schema.NoRequest,
    answer: schema.PsAnswer,
    deadlineMs: 10_000,
    description: 'what is attached',
  }),
  containers: call({
    method: 'GET',
    path: '/v1/containers',
    request: schema.NoRequest,
    answer: schema.ContainersAnswer,
    deadlineMs: 5_000,
    description: 'what is attached in the whole mesh, and on which host',
  }),
  whois: call({
    method: 'POST',
    path: '/v1/whois',
    request: schema.WhoisRequest,
    answer: schema.ContainersAnswer,
    deadlineMs: 5_000,
    isQuestion: true,
    description: 'which container has an address or a name, and on which host',
  }),
  routes: call({
    method: 'GET',
    path: '/v1/routes',
    request: schema.NoRequest,
    answer: schema.RoutesAnswer,
    deadlineMs: 5_000,
    description: 'how data goes to each peer, and why so',
  }),
  groups: call({
    method: 'GET',
    path: '/v1/groups',
    request: schema.NoRequest,
    answer: schema.GroupsAnswer,
    deadlineMs: 5_000,
    description: 'who listens to which multicast groups',
  }),
  ping: call({
    method: 'POST',
    path: '/v1/ping',
    request: schema.PingRequest,
    answer: schema.PingAnswer,
    deadlineMs: 5_000,
    isQuestion: true,
    description: 'asks a peer for an answer over its data path',
  }),
  ipam: call({
    method: 'GET',
    path: '/v1/ipam',
    request: schema.NoRequest,
    answer: schema.IpamMap,
    deadlineMs: 5_000,
    description: 'the address range as runs of blocks, with their owners',
  }),
  'ipam-check': call({
    method: 'GET',
    path: '/v1/ipam-check',
    request: schema.NoRequest,
    answer: schema.IpamCheckAnswer,
    deadlineMs: 30_000,
    description: 'what of the addresses of this host does not fit together',
  }),
  events: call({
    method: 'POST',
    path: '/v1/events',
    request: schema.EventsRequest,
    answer: schema.EventsAnswer,
    deadlineMs: 5_000,
    isQuestion: true,
    description: 'what happened, the oldest first',
  }),
  connect: call({
    method: 'POST',
    path: '/v1/connect',
    request: schema.ConnectRequest,
    answer: schema.TargetsAnswer,
    deadlineMs: 5_000,
    description: 'adds contacts, or makes them the whole list',
  }),
  found: call({
    method: 'POST',
    path: '/v1/found',
    request: schema.NoRequest,
    answer: schema.FoundAnswer,
    deadlineMs: 5_000,
    description: 'founds a mesh, where this peer is of none',
  }),
  forget: call({
    method: 'POST',
    path: '/v1/forget',
    request: schema.ForgetRequest,
    answer: schema.ForgetAnswer,
    deadlineMs: 5_000,
    description: 'removes contacts, here and at every peer of the mesh',
  }),
  rmpeer: call({
    method: 'POST',
    path: '/v1/rmpeer',
    request: schema.RmpeerRequest,
    answer: schema.RmpeerAnswer,
    deadlineMs: 10_000,
    description: 'takes over the address blocks of a peer that is gone for good',
  }),
  attach: call({
    method: 'POST',
    path: '/v1/attach',
    request: schema.AttachRequest,
    answer: schema.GivenAnswer,
    deadlineMs: 60_000,
    description: 'plugs a target into the overlay',
  }),
  detach: call({
    method: 'POST',
    path: '/v1/detach',
    request: schema.DetachRequest,
    answer: schema.CidrsAnswer,
    deadlineMs: 30_000,
    description: 'takes addresses from a target, or all and the interface',
  }),
  expose: call({
    method: 'POST',
    path: '/v1/expose',
    request: schema.ExposeRequest,
    answer: schema.GivenAnswer,
    deadlineMs: 60_000,
    description: 'gives this host addresses of the overlay',
  }),
  hide: call({
    method: 'POST',
    path: '/v1/hide',
    request: schema.HideRequest,
    answer: schema.CidrsAnswer,
    deadlineMs: 30_000,
    description: 'takes addresses of the overlay, or all, from this host',
  }),
  dns: call({
    method: 'GET',
    path: '/v1/dns',
    request: schema.NoRequest,
    answer: schema.DnsAnswer,
    deadlineMs: 5_000,
    description: 'all names of the mesh, with their addresses',
  }),
  'dns-add': call({
    method: 'POST',
    path: '/v1/dns-add',
    request: schema.NamesRequest,
    answer: schema.NamesAnswer,
    deadlineMs: 10_000,
    description: 'gives names to what is attached, or to any address',
  }),
  'dns-remove': call({
    method: 'POST',
    path: '/v1/dns-remove',
    request: schema.NamesRequest,
    answer: schema.NamesAnswer,
    deadlineMs: 10_000,
    description: 'takes names away that this peer gave',
  }),
  'dns-lookup': call({
    method: 'POST',
    path: '/v1/dns-lookup',
    request: schema.LookupRequest,
    answer: schema.LookupAnswer,
    deadlineMs: 5_000,
    isQuestion: true,
    description: 'the addresses of a name, or the names of an address',
  }),
  stop: call({
    method: 'POST',
    path: '/v1/stop',
    request: schema.NoRequest,
    answer: schema.NotesAnswer,
    deadlineMs: 15_000,
    description: 'ends the daemon after the answer',
  }),
  reset: call({
    method: 'POST',
    path: '/v1/reset',
    request: schema.NoRequest,
    answer: schema.NotesAnswer,
    deadlineMs: 30_000,
    description: 'leaves the mesh for good, and ends the daemon after the answer',
  }),
}

/** The deadline of one call in milliseconds: what its caller lets it wait (`timeoutSeconds`) comes on top. */
export function deadlineOf({ deadlineMs }: Pick<Call, 'deadlineMs'>, request: unknown): number {
  const { timeoutSeconds } = (request ?? {}) as { readonly timeoutSeconds?: unknown }
  return deadlineMs + (typeof timeoutSeconds === 'number' ? timeoutSeconds * 1_000 : 0)
}

export type CallName = keyof typeof CALLS
/** What a client gives: what has a default may be left out. */
export type CallInput<N extends CallName> = z.input<(typeof CALLS)[N]['request']>
/** What a handler gets. */
export type CallRequest<N extends CallName> = z.output<(typeof CALLS)[N]['request']>
/** What a handler gives. */
export type CallReply<N extends CallName> = z.input<(typeof CALLS)[N]['answer']>
/** What a client gets. */
export type CallAnswer<N extends CallName> = z.output<(typeof CALLS)[N]['answer']>

export const CALL_NAMES = Object.keys(CALLS) as readonly CallName[]

/** Whether a call may change something. */
export function isChange(name: CallName): boolean {
  const row: Call = CALLS[name]
  return row.method === 'POST' && row.isQuestion !== true
}

function call<Request extends z.ZodType, Answer extends z.ZodType>(row: Call<Request, Answer>): Call<Request, Answer> {
  return row
}
