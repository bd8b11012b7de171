import type { Host, Testbed } from '../../test/support/testbed.ts'
import { bridgedContainer, routedContainer } from './containers.ts'
import { UNDERLAY, type Started, type System } from './line.ts'

const UNDERLAY_MTU = 1500
/** IPv4, UDP, VXLAN and the inner Ethernet header. */
const VXLAN_BYTES = 50

/** Two hosts with a cable between them. */
export async function cabled(bed: Testbed): Promise<[Host, Host]> {
  const hosts = (await bed.hosts('h1', 'h2')) as [Host, Host]
  await bed.link(...hosts, UNDERLAY)
  return hosts
}

/** What the kernel carries by itself. */
export const veth: System = {
  name: 'veth',
  what: 'bare veth: the cable that all others run over',
  missing: () => undefined,
  async start(bed) {
    const [h1, h2] = await cabled(bed)
    const c1 = await routedContainer(bed, h1, 'c1', '10.1.1', UNDERLAY_MTU)
    const c2 = await routedContainer(bed, h2, 'c2', '10.1.2', UNDERLAY_MTU)
    await h1.ip(`route add 10.1.2.0/24 via ${h2.address}`)
    await h2.ip(`route add 10.1.1.0/24 via ${h1.address}`)
    return {
      pids: [],
      lines: [
        { where: 'hosts', from: h1, to: h2, address: h2.address },
        { where: 'containers', from: c1, to: c2, address: '10.1.2.2' },
      ],
    }
  },
}

export const vxlan: System = {
  name: 'vxlan',
  what: 'VXLAN of the kernel, without encryption',
  missing: () => undefined,
  async start(bed) {
    const hosts = await cabled(bed)
    for (const [i, host] of hosts.entries())
      await host.ip(`link add vx0 type vxlan id 7 dstport 4789 local ${host.address} remote ${hosts[1 - i]!.address}`)
    return { pids: [], lines: (await bridgedLines(bed, hosts, 'vx0', UNDERLAY_MTU - VXLAN_BYTES)).lines }
  },
}

/** The lines over a device of layer 2 that both hosts have. */
export async function bridgedLines(
  bed: Testbed,
  [h1, h2]: readonly [Host, Host],
  device: string,
  mtu: number,
): Promise<Pick<Started, 'lines'>> {
  const c1 = await bridgedContainer(bed, h1, 'c1', device, { host: '10.2.0.1', container: '10.2.0.11' }, mtu)
  const c2 = await bridgedContainer(bed, h2, 'c2', device, { host: '10.2.0.2', container: '10.2.0.12' }, mtu)
  return {
    lines: [
      { where: 'hosts', from: h1, to: h2, address: '10.2.0.2' },
      { where: 'containers', from: c1, to: c2, address: '10.2.0.12' },
    ],
  }
}
