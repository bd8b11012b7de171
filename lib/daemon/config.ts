import * as z from 'zod'
import { SecretText } from '../io/mod.ts'
import { isNickname } from '../topology/mod.ts'
import { GivenOptions } from './remembered-launch.ts'

/** What `launch` hands to the daemon process (see handover.ts). The secrets are empty once they were used. */
export const DaemonConfig = z.object({
  stateDir: z.string(),
  nickname: z.string().refine(isNickname, 'must be 1 to 63 bytes of UTF-8 without control characters'),
  /** Address to listen on; null: all. */
  host: z.string().nullable(),
  port: z.number().int().min(1).max(65535),
  /** The mesh secret as the operator gave it; null: an open mesh. */
  secret: z.instanceof(SecretText).nullable(),
  /** Without a secret: the operator says that this is meant. */
  isOpenMeant: z.boolean(),
  /** A second secret that is accepted from those who dial, while the secret is being changed. */
  otherSecret: z.instanceof(SecretText).nullable(),
  /** Null: the stored list is used. */
  peers: z.array(z.string()).nullable(),
  discovery: z.boolean(),
  connLimit: z.number().int().min(0),
  ipallocRange: z.string(),
  ipallocDefaultSubnet: z.string().nullable(),
  /** How it is decided who founds: see election-plan.ts. */
  ipallocInit: z.string().nullable(),
  /** The only mesh that it may come into, 32 hex characters; null: any. */
  mesh: z
    .string()
    .regex(/^[0-9a-f]{32}$/)
    .nullable(),
  /** It holds no address blocks, only what its containers use. */
  ephemeral: z.boolean(),
  bridge: z.string().regex(/^[a-zA-Z0-9_.-]{1,15}$/),
  /** Take over a bridge of that name that somebody else made. */
  adoptBridge: z.boolean(),
  device: z.string().regex(/^[a-zA-Z0-9_.-]{1,15}$/),
  mtu: z.number().int().nullable(),
  /** TCP connections learn as they begin which segments their path carries whole. */
  clampMss: z.boolean(),
  /** Frames that a host may have flooded in a second; 0: no limit. */
  floodLimit: z.number().int().min(0).max(10_000_000),
  /** What others may have measured to and from this host, in bit/s; 0: nothing. */
  perfLimit: z.number().int().min(0).max(100_000_000_000),
  /** ARP requests go to all hosts, not to the one alone that has the address. */
  floodArp: z.boolean(),
  floodMulticast: z.boolean(),
  /** Router advertisements, and answers of DHCP servers, pass between hosts. */
  allowRa: z.boolean(),
  allowDhcp: z.boolean(),
  /** False: nothing here gets an IPv6 address. */
  ipv6: z.boolean(),
  advertise: z.array(z.string()),
  /** Offloads of the packet engine to leave off. */
  disableOffload: z.array(z.enum(['tap-gso', 'udp-gso', 'udp-gro', 'checksum'])),
  /** Whether containers of Docker are followed through their stops and starts. */
  docker: z.boolean(),
  /** Where the socket of the network driver is: Docker looks there. */
  dockerPluginDir: z.string().startsWith('/'),
  lanes: z.union([z.literal(1), z.literal(2)]),
  /** False: no DNS server. */
  dns: z.boolean(),
  dnsDomain: z.string(),
  /** Empty: the addresses of the bridge. */
  dnsListenAddress: z.array(z.string()),
  dnsTtl: z.number().int().min(0).max(86_400),
  /** Addresses of this host before all others. */
  dnsLocalFirst: z.boolean(),
  resolvConf: z.string().startsWith('/'),
  /** Where Prometheus may ask, ip or ip:port; null: nowhere. */
  metrics: z.string().nullable(),
  /** Its members may look, by a socket of their own; null: nobody but root. */
  group: z
    .string()
    .regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,31}$/)
    .nullable(),
  /** A daemon that runs already is asked to stop as soon as this one has made ready. */
  isReplacing: z.boolean(),
  /** That one has links by its mesh secret: another secret is refused. */
  keepsSecret: z.boolean(),
  logLevel: z.enum(['trace', 'debug', 'info', 'warn', 'error']),
  /** Of the log on standard error. */
  logFormat: z.enum(['auto', 'json', 'text']),
  /** What the next launch of this state directory repeats. */
  remember: GivenOptions,
  warnings: z.array(z.string()),
})

export type DaemonConfig = z.infer<typeof DaemonConfig>
export type OffloadName = DaemonConfig['disableOffload'][number]
