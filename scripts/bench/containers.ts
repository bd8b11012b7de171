import { must } from '../../test/support/testbed-command.ts'
import type { Host, Namespace, Testbed } from '../../test/support/testbed.ts'

const DEVICE = 'eth0'
const PORT = 'c0'
const BRIDGE = 'br0'

/** A container of a host, which routes for it: `PREFIX.2` inside, the host has `PREFIX.1`. */
export async function routedContainer(
  bed: Testbed,
  host: Host,
  label: string,
  prefix: string,
  mtu: number,
): Promise<Namespace> {
  const container = await plugged(bed, host, label, mtu)
  await host.ip(`addr add ${prefix}.1/24 dev ${PORT}`)
  await container.ip(`addr add ${prefix}.2/24 dev ${DEVICE}`)
  await container.ip(`route add default via ${prefix}.1`)
  await host.must('sysctl', '-qw', 'net.ipv4.ip_forward=1')
  return container
}

/** A bridge on a host, with its own address and that of a container on it. `device`: what leads to the other host. */
export async function bridgedContainer(
  bed: Testbed,
  host: Host,
  label: string,
  device: string,
  addresses: { readonly host: string; readonly container: string },
  mtu: number,
): Promise<Namespace> {
  await host.ip(`link add ${BRIDGE} type bridge`)
  await host.ip(`link set ${BRIDGE} mtu ${mtu} up`)
  await host.ip(`link set ${device} mtu ${mtu} master ${BRIDGE} up`)
  await host.ip(`addr add ${addresses.host}/24 dev ${BRIDGE}`)
  const container = await plugged(bed, host, label, mtu)
  await host.ip(`link set ${PORT} master ${BRIDGE}`)
  await container.ip(`addr add ${addresses.container}/24 dev ${DEVICE}`)
  return container
}

async function plugged(bed: Testbed, host: Host, label: string, mtu: number): Promise<Namespace> {
  const container = await bed.container(label)
  await must(`ip link add ${PORT} netns ${host.name} type veth peer name ${DEVICE} netns ${container.name}`.split(' '))
  await host.ip(`link set ${PORT} mtu ${mtu} up`)
  await container.ip(`link set ${DEVICE} mtu ${mtu} up`)
  return container
}
