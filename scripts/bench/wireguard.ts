import { rmSync } from 'node:fs'
import { must, waitFor } from '../../test/support/testbed-command.ts'
import type { Testbed } from '../../test/support/testbed.ts'
import { routedContainer } from './containers.ts'
import { begin, type System } from './line.ts'
import { cabled } from './plain.ts'
import { absent, installed } from './project.ts'

const PORT = 51820
/** What wg-quick takes on an underlay of 1500. */
const MTU = 1420
const START_MS = 10_000

/** Two hosts with WireGuard in user space, and a container on each that it routes for. */
function wireguard(name: string, what: string, program: string | undefined, hint: string): System {
  return {
    name,
    what,
    missing: () => {
      if (program === undefined || installed(program) === undefined) return hint
      return installed('wg') === undefined ? 'wg is not installed (apt install wireguard-tools)' : undefined
    },
    async start(bed) {
      const hosts = await cabled(bed)
      const keys = await Promise.all(
        hosts.map(async () => {
          const secret = (await must(['wg', 'genkey'])).trim()
          return { secret, shown: (await must(['wg', 'pubkey'], { input: secret })).trim() }
        }),
      )
      const pids: number[] = []
      const containers = []
      for (const [i, host] of hosts.entries()) {
        const device = deviceOf(bed, i)
        const socket = `/var/run/wireguard/${device}.sock`
        bed.onRemove(() => rmSync(socket, { force: true }))
        pids.push(begin(bed, host, [program!, '-f', device], { WG_PROCESS_FOREGROUND: '1' }))
        await waitFor(
          `${device} of ${name}`,
          START_MS,
          async () => (await host.run(['wg', 'show', device])).status === 0,
        )
        const other = 1 - i
        const keyFile = bed.secretFile(`key${i}`, keys[i]!.secret)
        await host.must(
          ...['wg', 'set', device, 'listen-port', String(PORT), 'private-key', keyFile, 'peer', keys[other]!.shown],
          ...['endpoint', `${hosts[other]!.address}:${PORT}`],
          ...['allowed-ips', `10.3.0.${other + 1}/32,10.3.${other + 1}.0/24`],
        )
        await host.ip(`addr add 10.3.0.${i + 1}/24 dev ${device}`)
        await host.ip(`link set ${device} mtu ${MTU} up`)
        await host.ip(`route add 10.3.${other + 1}.0/24 dev ${device}`)
        containers.push(await routedContainer(bed, host, `c${i + 1}`, `10.3.${i + 1}`, MTU))
      }
      const mark = ['wg', 'show', deviceOf(bed, 0), 'latest-handshakes']
      return {
        pids,
        keyMark: () => hosts[0].must(...mark),
        lines: [
          { where: 'hosts', from: hosts[0], to: hosts[1], address: '10.3.0.2' },
          { where: 'containers', from: containers[0]!, to: containers[1]!, address: '10.3.2.2' },
        ],
      }
    },
  }
}

/** All devices have their sockets in one directory of this machine. */
function deviceOf(bed: Testbed, i: number): string {
  return `wg${i + 1}${bed.tag.slice(2)}`
}

const SYSTEM = '/usr/bin/wireguard-go'

export const wireguards = [
  wireguard(
    'wireguard-go',
    'wireguard-go, the program that WIREGUARD_GO names',
    process.env['WIREGUARD_GO'],
    absent('WIREGUARD_GO', 'the program'),
  ),
  wireguard(
    'wireguard-go:system',
    'wireguard-go of the distribution',
    SYSTEM,
    `there is no ${SYSTEM} (apt install --no-install-recommends wireguard-go wireguard-tools)`,
  ),
]
