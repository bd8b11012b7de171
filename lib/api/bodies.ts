import type { z } from 'zod'
import type { CallName } from './calls.ts'
import * as schema from './schema.ts'

/** What each call takes and gives. Defaults of a request are for clients that leave a field out. */
export const BODIES = {
  status: { request: schema.NoRequest, answer: schema.Status },
  report: { request: schema.NoRequest, answer: schema.Report },
  doctor: { request: schema.NoRequest, answer: schema.DoctorAnswer },
  metrics: { request: schema.NoRequest, answer: schema.MetricsAnswer },
  ps: { request: schema.NoRequest, answer: schema.PsAnswer },
  containers: { request: schema.NoRequest, answer: schema.ContainersAnswer },
  whois: { request: schema.WhoisRequest, answer: schema.ContainersAnswer },
  routes: { request: schema.NoRequest, answer: schema.RoutesAnswer },
  graph: { request: schema.NoRequest, answer: schema.GraphAnswer },
  history: { request: schema.NoRequest, answer: schema.HistoryAnswer },
  groups: { request: schema.NoRequest, answer: schema.GroupsAnswer },
  ping: { request: schema.PingRequest, answer: schema.PingAnswer },
  top: { request: schema.TopRequest, answer: schema.TopAnswer },
  perf: { request: schema.PerfRequest, answer: schema.PerfAnswer },
  'perf-history': { request: schema.PerfHistoryRequest, answer: schema.PerfHistoryAnswer },
  ipam: { request: schema.NoRequest, answer: schema.IpamMap },
  'ipam-check': { request: schema.NoRequest, answer: schema.IpamCheckAnswer },
  events: { request: schema.EventsRequest, answer: schema.EventsAnswer },
  connect: { request: schema.ConnectRequest, answer: schema.TargetsAnswer },
  found: { request: schema.FoundRequest, answer: schema.FoundAnswer },
  forget: { request: schema.ForgetRequest, answer: schema.ForgetAnswer },
  rmpeer: { request: schema.RmpeerRequest, answer: schema.RmpeerAnswer },
  attach: { request: schema.AttachRequest, answer: schema.GivenAnswer },
  detach: { request: schema.DetachRequest, answer: schema.CidrsAnswer },
  expose: { request: schema.ExposeRequest, answer: schema.GivenAnswer },
  hide: { request: schema.HideRequest, answer: schema.CidrsAnswer },
  dns: { request: schema.NoRequest, answer: schema.DnsAnswer },
  'dns-add': { request: schema.NamesRequest, answer: schema.NamesAnswer },
  'dns-remove': { request: schema.NamesRequest, answer: schema.NamesAnswer },
  'dns-lookup': { request: schema.LookupRequest, answer: schema.LookupAnswer },
  stop: { request: schema.NoRequest, answer: schema.NotesAnswer },
  reset: { request: schema.NoRequest, answer: schema.NotesAnswer },
} satisfies Readonly<Record<CallName, { readonly request: z.ZodType; readonly answer: z.ZodType }>>
