import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { launchedLine } from '../../test/support/testbed-line.ts'
import { meshed, type Host, type Testbed } from '../../test/support/testbed.ts'
import type { Line, System } from './line.ts'
import { cabled } from './plain.ts'
import { absent } from './project.ts'

const OFFLOADS = ['tap-gso', 'udp-gso', 'udp-gro', 'checksum'] as const

/** The program of another checkout, to measure in turns with this one. */
const OTHER = process.env['OTHER'] ? resolve(process.env['OTHER']) : undefined

interface Variant {
  readonly name: string
  readonly what: string
  readonly args?: readonly string[]
  /** A processor that computes no AES: then sessions are sealed with the other cipher. */
  readonly hidesAes?: true
  readonly isMain?: true
  readonly isOther?: true
}

const VARIANTS: readonly Variant[] = [
  { name: 'weave-ts', what: 'weave-ts as it comes', isMain: true },
  { name: 'weave-ts:chacha', what: 'weave-ts with ChaCha20-Poly1305', hidesAes: true, isMain: true },
  { name: 'weave-ts:other', what: 'weave-ts of another checkout, as it comes', isOther: true },
  { name: 'weave-ts:one-lane', what: 'weave-ts with one packet worker', args: ['--lanes', '1'] },
  ...OFFLOADS.map(name => ({
    name: `weave-ts:no-${name}`,
    what: `weave-ts without the offload ${name}`,
    args: ['--disable-offload', name],
  })),
  {
    name: 'weave-ts:no-offloads',
    what: 'weave-ts without any offload',
    args: ['--disable-offload', OFFLOADS.join(',')],
  },
]

export const weaves: readonly System[] = [...VARIANTS.map(systemOf), relayed()]

function systemOf({ name, what, args = [], hidesAes, isMain, isOther }: Variant): System {
  return {
    name,
    what,
    ...(isMain === undefined && { onlyIfNamed: true as const }),
    missing: () => (isOther === undefined || existsSync(OTHER ?? '') ? undefined : absent('OTHER', 'its bin/weave-ts')),
    async start(bed) {
      const hosts = await cabled(bed)
      const [h1, h2] = hosts
      const wrapper = [
        ...(hidesAes === undefined ? [] : withoutAes(bed)),
        ...(isOther === undefined ? [] : otherProgram()),
      ]
      const options = { passwordFile: bed.passwordFile, args, wrapper }
      await h1.daemon.launch([], options)
      await h2.daemon.launch([h1.address], options)
      await meshed(hosts)
      const address = (await h2.daemon.ipv4('expose')).split('/')[0]!
      await h1.daemon.ipv4('expose')
      const lines: Line[] = [{ where: 'hosts', from: h1, to: h2, address }, await containerLine(bed, h1, h2)]
      return { pids: await pidsOf(hosts), keyMark: () => keyMarkOf(h1), lines }
    },
  }
}

/** Two hosts that reach each other only through a third one. */
function relayed(): System {
  return {
    name: 'weave-ts:relayed',
    what: 'weave-ts through a third host, as it comes',
    missing: () => undefined,
    async start(bed) {
      const [a, b, c] = await launchedLine(bed)
      return { pids: await pidsOf([a, b, c]), keyMark: () => keyMarkOf(a), lines: [await containerLine(bed, a, c)] }
    },
  }
}

async function containerLine(bed: Testbed, a: Host, b: Host): Promise<Line> {
  const [from, to] = await bed.containers('c1', 'c2')
  await a.daemon.attach(from!)
  const [cidr] = await b.daemon.attach(to!)
  return { where: 'containers', from: from!, to: to!, address: cidr!.split('/')[0]! }
}

async function pidsOf(hosts: readonly Host[]): Promise<number[]> {
  return Promise.all(hosts.map(async host => (await host.daemon.status()).pid))
}

async function keyMarkOf(host: Host): Promise<string> {
  const metrics = await host.daemon.api.call('metrics')
  return metrics
    .split('\n')
    .filter(line => line.startsWith('weave_ts_peer_rekeys_total{'))
    .join()
}

/** Words before a command, which then sees a processor without instructions for AES. */
function withoutAes(bed: Testbed): string[] {
  const path = join(bed.directory, 'cpuinfo')
  writeFileSync(path, readFileSync('/proc/cpuinfo', 'utf8').replaceAll(/\b(?:aes|vaes)\b ?/g, ''))
  return [
    'unshare',
    '--mount',
    '--propagation',
    'slave',
    'sh',
    '-c',
    `mount --bind ${path} /proc/cpuinfo && exec "$@"`,
    'sh',
  ]
}

/** Words before `node bin/weave-ts …`, in whose place another program is run. */
function otherProgram(): string[] {
  return ['sh', '-c', 'shift 2; exec "$0" "$@"', OTHER!]
}
