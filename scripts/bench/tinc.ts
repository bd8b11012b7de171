import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { must, waitFor } from '../../test/support/testbed-command.ts'
import { routedContainer } from './containers.ts'
import { begin, type System } from './line.ts'
import { cabled } from './plain.ts'
import { installed } from './project.ts'

/** What tinc finds by itself on an underlay of 1500, rounded down. */
const MTU = 1400
const START_MS = 20_000
const KEY_BITS = '2048'

/** tinc 1.0 in its router mode; each host says which networks are behind it. */
export const tinc: System = {
  name: 'tinc',
  what: 'tinc of the distribution',
  missing: () => (installed('tincd') === undefined ? 'tincd is not installed (apt install tinc)' : undefined),
  async start(bed) {
    const hosts = await cabled(bed)
    const directories = hosts.map((_, i) => join(bed.directory, `tinc${i + 1}`))
    for (const [i, host] of hosts.entries()) {
      const directory = directories[i]!
      mkdirSync(join(directory, 'hosts'), { recursive: true })
      const connect = i === 1 ? 'ConnectTo = n1\n' : ''
      writeFileSync(
        join(directory, 'tinc.conf'),
        `Name = n${i + 1}\nInterface = tinc0\nAddressFamily = ipv4\n${connect}`,
      )
      const about = `Address = ${host.address}\nSubnet = 10.5.0.${i + 1}/32\nSubnet = 10.5.${i + 1}.0/24\n`
      for (const each of directories) {
        mkdirSync(join(each, 'hosts'), { recursive: true })
        writeFileSync(join(each, 'hosts', `n${i + 1}`), about)
      }
    }
    for (const [i, directory] of directories.entries()) {
      await must(['tincd', '-c', directory, `-K${KEY_BITS}`])
      // It adds the public key to what this host says of itself: the other one has to know it.
      const name = `n${i + 1}`
      await must(['cp', join(directory, 'hosts', name), join(directories[1 - i]!, 'hosts', name)])
    }
    const pids: number[] = []
    const containers = []
    for (const [i, host] of hosts.entries()) {
      const directory = directories[i]!
      pids.push(begin(bed, host, ['tincd', '-D', '-c', directory, `--pidfile=${join(directory, 'pid')}`]))
      await waitFor('tinc0', START_MS, async () => (await host.links()).includes('tinc0'))
      await host.ip(`addr add 10.5.0.${i + 1}/24 dev tinc0`)
      await host.ip(`link set tinc0 mtu ${MTU} up`)
      await host.ip(`route add 10.5.${2 - i}.0/24 dev tinc0`)
      containers.push(await routedContainer(bed, host, `c${i + 1}`, `10.5.${i + 1}`, MTU))
    }
    await waitFor('the hosts of tinc to reach each other', START_MS, () => hosts[0].canPing('10.5.0.2'))
    return {
      pids,
      lines: [
        { where: 'hosts', from: hosts[0], to: hosts[1], address: '10.5.0.2' },
        { where: 'containers', from: containers[0]!, to: containers[1]!, address: '10.5.2.2' },
      ],
    }
  },
}
