import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { must, waitFor } from '../../test/support/testbed-command.ts'
import type { Host, Testbed } from '../../test/support/testbed.ts'
import { routedContainer } from './containers.ts'
import { begin, UNDERLAY, type System } from './line.ts'
import { cabled } from './plain.ts'
import { absent, installed } from './project.ts'

const PORT = 4242
/** IPv4, UDP, header and tag take 60 bytes of the underlay's 1500; what it comes with is 1300. */
const MTU = 1440
const RELAYED_MTU = 1300
const START_MS = 15_000
const DEVICE = 'neb0'

const program = process.env['NEBULA'] ?? installed('nebula') ?? 'nebula'

function missing(): string | undefined {
  return installed(program) === undefined ? absent('NEBULA', 'the program, with nebula-cert beside it,') : undefined
}

export const nebula: System = {
  name: 'nebula',
  what: 'nebula, all offloads on, MTU 1440',
  missing,
  async start(bed) {
    const hosts = await cabled(bed)
    const [h1, h2] = hosts
    const ways = (i: number) => [
      { address: i === 0 ? '10.4.0.2' : '10.4.0.1', host: i === 0 ? h2 : h1, prefix: UNDERLAY },
    ]
    const pids = await launched(bed, hosts, MTU, i => ({ ways: ways(i), isHub: i === 0, hub: '10.4.0.1' }))
    const c1 = await routedContainer(bed, h1, 'c1', '10.4.1', MTU)
    const c2 = await routedContainer(bed, h2, 'c2', '10.4.2', MTU)
    return {
      pids,
      lines: [
        { where: 'hosts', from: h1, to: h2, address: '10.4.0.2' },
        { where: 'containers', from: c1, to: c2, address: '10.4.2.2' },
      ],
    }
  },
}

/** The hosts at the ends of a line reach the one between alone, which is lighthouse and relay. */
export const nebulaRelayed: System = {
  name: 'nebula:relayed',
  what: 'nebula through a third host, MTU 1300',
  missing,
  async start(bed) {
    const [a, b, c] = (await bed.hosts('a', 'b', 'c')) as [Host, Host, Host]
    await bed.link(a, b, UNDERLAY)
    await bed.link(b, c, '198.51.100')
    const pids = await launched(bed, [a, c, b], RELAYED_MTU, i => ({
      ways: i === 2 ? [] : [{ address: '10.4.0.3', host: b, prefix: i === 0 ? UNDERLAY : '198.51.100' }],
      isHub: i === 2,
      hub: '10.4.0.3',
    }))
    const c1 = await routedContainer(bed, a, 'c1', '10.4.1', RELAYED_MTU)
    const c2 = await routedContainer(bed, c, 'c2', '10.4.2', RELAYED_MTU)
    return { pids, lines: [{ where: 'containers', from: c1, to: c2, address: '10.4.2.2' }] }
  },
}

interface Role {
  /** Whom it is told where to find: the overlay's address, the host, and the network by which it is reached. */
  readonly ways: readonly { readonly address: string; readonly host: Host; readonly prefix: string }[]
  readonly isHub: boolean
  readonly hub: string
}

/** Host i (from 1) has 10.4.0.i and routes for 10.4.i.0/24. The first reaches the second when this returns. */
async function launched(
  bed: Testbed,
  hosts: readonly Host[],
  mtu: number,
  roleOf: (index: number) => Role,
): Promise<number[]> {
  const cert = join(dirname(installed(program)!), 'nebula-cert')
  const path = (name: string) => join(bed.directory, name)
  await must([cert, 'ca', '-name', 'bench', '-out-crt', path('ca.crt'), '-out-key', path('ca.key')])
  const pids: number[] = []
  for (const [i, host] of hosts.entries()) {
    const name = `n${i + 1}`
    await must([
      ...[cert, 'sign', '-ca-crt', path('ca.crt'), '-ca-key', path('ca.key'), '-name', name],
      ...['-networks', `10.4.0.${i + 1}/24`, '-unsafe-networks', `10.4.${i + 1}.0/24`],
      ...['-out-crt', path(`${name}.crt`), '-out-key', path(`${name}.key`)],
    ])
    const role = roleOf(i)
    const others = hosts.length === 3 && i === 2 ? [] : [1 - i]
    writeFileSync(path(`${name}.yml`), JSON.stringify(settingsOf(path, name, role, others, mtu)))
    pids.push(begin(bed, host, [program, '-config', path(`${name}.yml`)]))
  }
  await waitFor('the hosts of nebula to reach each other', START_MS, () => hosts[0]!.canPing('10.4.0.2'))
  return pids
}

/** JSON is YAML. */
function settingsOf(
  path: (name: string) => string,
  name: string,
  { ways, isHub, hub }: Role,
  others: readonly number[],
  mtu: number,
): unknown {
  const anything = [{ port: 'any', proto: 'any', host: 'any', local_cidr: '0.0.0.0/0' }]
  const places = ways.map(({ address, host, prefix }) => [address, [`${host.addresses.get(prefix)!}:${PORT}`]] as const)
  return {
    pki: { ca: path('ca.crt'), cert: path(`${name}.crt`), key: path(`${name}.key`) },
    static_host_map: Object.fromEntries(places),
    lighthouse: { am_lighthouse: isHub, hosts: isHub ? [] : [hub] },
    listen: { host: '0.0.0.0', port: PORT },
    relay: { am_relay: isHub, use_relays: true, relays: isHub ? [] : [hub] },
    tun: {
      dev: DEVICE,
      mtu,
      unsafe_routes: others.map(other => ({ route: `10.4.${other + 1}.0/24`, via: `10.4.0.${other + 1}` })),
    },
    firewall: { outbound: anything, inbound: anything },
  }
}
