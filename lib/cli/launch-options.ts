import { rateOf } from './rate.ts'
import { hostname } from 'node:os'
import { WeaveError } from '../base/mod.ts'
import { DaemonConfig, optionName, type GivenOptions } from '../daemon/mod.ts'
import { SecretText, readPasswordFile } from '../io/mod.ts'
import { stateDirOf } from './paths.ts'

/** What commander makes of the options of `launch`. */
export interface LaunchOptions {
  readonly stateDir?: string
  readonly nickname?: string
  readonly host?: string
  readonly port: string
  readonly passwordFile?: string
  readonly password?: string
  readonly otherPasswordFile?: string
  readonly open?: boolean
  readonly discovery: boolean
  readonly connLimit: string
  readonly ipallocRange: string
  readonly ipallocDefaultSubnet?: string
  readonly ipallocInit?: string
  readonly mesh?: string
  readonly ephemeral?: boolean
  readonly bridge: string
  readonly adoptBridge?: boolean
  readonly device: string
  readonly mtu?: string
  readonly clampMss?: boolean
  readonly floodLimit: string
  readonly perfLimit: string
  readonly floodArp?: boolean
  readonly floodMulticast?: boolean
  readonly allowRa?: boolean
  readonly allowDhcp?: boolean
  readonly ipv6: boolean
  readonly advertise: string[]
  readonly disableOffload: string[]
  readonly docker: boolean
  readonly dockerPluginDir: string
  readonly lanes: string
  readonly dns: boolean
  readonly dnsDomain: string
  readonly dnsListenAddress: string[]
  readonly dnsTtl: string
  readonly dnsLocalFirst?: boolean
  readonly resolvConf: string
  readonly metrics?: string
  readonly group?: string
  readonly logLevel: string
  readonly logFormat: string
}

/** What is remembered besides, and what the operator should read of it. */
export interface LaunchMemory {
  readonly remember: GivenOptions
  readonly warnings: readonly string[]
  /** The daemon takes the place of one that runs. */
  readonly isReplacing?: boolean
  /** And that one has links, which another secret would end. */
  readonly keepsSecret?: boolean
}

/** Judges the options and gathers the secret. Fails with CONFIG_INVALID naming the option. */
export function daemonConfigOf(
  peers: readonly string[],
  options: LaunchOptions,
  memory: LaunchMemory = { remember: {}, warnings: [] },
): DaemonConfig {
  const { secret, otherSecret, warnings } = secretsOf(options)
  const result = DaemonConfig.safeParse({
    stateDir: stateDirOf(options.stateDir),
    nickname: options.nickname ?? hostname().slice(0, 63),
    host: options.host ?? null,
    port: wholeNumber(options.port),
    secret,
    isOpenMeant: options.open === true,
    otherSecret,
    peers: peers.length === 0 ? null : [...peers],
    discovery: options.discovery,
    connLimit: wholeNumber(options.connLimit),
    ipallocRange: options.ipallocRange,
    ipallocDefaultSubnet: options.ipallocDefaultSubnet ?? null,
    ipallocInit: options.ipallocInit ?? null,
    mesh: options.mesh?.toLowerCase() ?? null,
    ephemeral: options.ephemeral === true,
    bridge: options.bridge,
    adoptBridge: options.adoptBridge === true,
    device: options.device,
    mtu: options.mtu === undefined ? null : wholeNumber(options.mtu),
    clampMss: options.clampMss === true,
    floodLimit: wholeNumber(options.floodLimit),
    perfLimit: options.perfLimit === 'off' ? 0 : (rateOf(options.perfLimit) ?? NaN),
    floodArp: options.floodArp === true,
    floodMulticast: options.floodMulticast === true,
    allowRa: options.allowRa === true,
    allowDhcp: options.allowDhcp === true,
    ipv6: options.ipv6,
    advertise: options.advertise,
    disableOffload: options.disableOffload,
    docker: options.docker,
    dockerPluginDir: options.dockerPluginDir,
    lanes: wholeNumber(options.lanes),
    dns: options.dns,
    dnsDomain: options.dnsDomain,
    dnsListenAddress: options.dnsListenAddress,
    dnsTtl: wholeNumber(options.dnsTtl),
    dnsLocalFirst: options.dnsLocalFirst ?? false,
    resolvConf: options.resolvConf,
    metrics: options.metrics ?? null,
    group: options.group ?? null,
    isReplacing: memory.isReplacing ?? false,
    keepsSecret: memory.keepsSecret ?? false,
    logLevel: options.logLevel,
    logFormat: options.logFormat,
    remember: memory.remember,
    warnings: [...warnings, ...memory.warnings],
  })
  if (result.success) return result.data
  const key = String(result.error.issues[0]?.path[0])
  const given = JSON.stringify(options[key as keyof LaunchOptions] ?? null)
  throw new WeaveError(
    'CONFIG_INVALID',
    `--${optionName(key)} ${given.slice(0, 80)} cannot be used: it must be ${WANTED[key] ?? 'another'}`,
    'see `weave-ts launch --help`',
  )
}

const INTERFACE_NAME = 'a name of up to 15 letters, digits and any of _ . -'

/** What the schema takes, in words. */
const WANTED: Readonly<Record<string, string>> = {
  nickname: '1 to 63 bytes of UTF-8 without control characters',
  port: 'a whole number from 1 to 65535',
  connLimit: 'a whole number, 0 for no limit',
  bridge: INTERFACE_NAME,
  device: INTERFACE_NAME,
  mesh: '32 hexadecimal digits, as `weave-ts status` shows the id of a mesh',
  mtu: 'a whole number',
  floodLimit: 'a whole number of frames up to 10000000, 0 for no limit',
  perfLimit: 'a rate in bit/s as in 500k, 100M or 1G, up to 100G, or off',
  disableOffload: 'any of tap-gso, udp-gso, udp-gro and checksum',
  lanes: '1 or 2',
  group: 'the name or the number of a group',
  dnsTtl: 'a whole number of seconds up to 86400',
  dockerPluginDir: 'an absolute path',
  resolvConf: 'an absolute path',
  logLevel: 'trace, debug, info, warn or error',
  logFormat: 'auto, json or text',
}

function secretOf(options: LaunchOptions): { secret: SecretText | null; warnings: string[] } {
  const given = [options.passwordFile, options.password].filter(value => value !== undefined)
  if (given.length > 1)
    throw new WeaveError('CONFIG_INVALID', 'both --password and --password-file were given', 'give one of them')
  if (options.passwordFile === '')
    throw new WeaveError(
      'CONFIG_INVALID',
      'the name of the password file is empty',
      'name a file, or leave --password-file out: a variable of a script may be unset',
    )
  if (options.passwordFile !== undefined) {
    const { secret, warnings } = readPasswordFile(options.passwordFile)
    return { secret, warnings: [...warnings] }
  }
  if (options.password !== undefined) {
    if (options.password === '')
      throw new WeaveError('CONFIG_INVALID', '--password is empty', 'leave it out for an open mesh, or give a secret')
    return {
      secret: SecretText.of(options.password),
      warnings: [
        'the secret was given with --password: other users could read it from the process list; use --password-file',
      ],
    }
  }
  const environment = process.env['WEAVE_PASSWORD']
  // The kernel still shows what the process was started with; what it starts gets none of it.
  delete process.env['WEAVE_PASSWORD']
  const isGiven = environment !== undefined && environment !== ''
  return { secret: isGiven ? SecretText.of(environment) : null, warnings: [] }
}

/** The secret that this peer dials with, and the one that it accepts besides. */
function secretsOf(options: LaunchOptions): {
  secret: SecretText | null
  otherSecret: SecretText | null
  warnings: string[]
} {
  const own = secretOf(options)
  if (options.open === true && own.secret !== null)
    throw new WeaveError(
      'CONFIG_INVALID',
      '--open was given together with a mesh secret',
      'leave --open out, or the secret (--password-file, --password, WEAVE_PASSWORD)',
    )
  if (options.otherPasswordFile === undefined) return { ...own, otherSecret: null }
  if (own.secret === null)
    throw new WeaveError(
      'CONFIG_INVALID',
      '--other-password-file was given without a mesh secret',
      'give the secret that this peer dials with by --password-file',
    )
  const other = readPasswordFile(options.otherPasswordFile)
  return { secret: own.secret, otherSecret: other.secret, warnings: [...own.warnings, ...other.warnings] }
}

/** NaN for what is no whole number: the schema refuses it by the option's name. */
function wholeNumber(text: string): number {
  return /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
}
