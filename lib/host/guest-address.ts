import { existsSync } from 'node:fs'
import { inNetns, type InterfaceView } from './ip-json.ts'
import type { InterfaceAddress } from './interface-address.ts'
import type { CommandRunner } from './seams.ts'
import { writeSysctls } from './sysctl.ts'
import type { Target } from './target.ts'
import { guestIp } from './veth-pair.ts'

const MULTICAST_RANGE = '224.0.0.0/4'

export async function addAddress(
  runner: CommandRunner,
  target: Target,
  guestName: string,
  address: InterfaceAddress,
): Promise<void> {
  if (address.family === 6) {
    // Engines turn IPv6 off in containers; an IPv6 address asks for it.
    await writeSysctls(runner, [[0, [`ipv6/conf/${guestName}/disable_ipv6`]]], target.netnsPath)
  }
  const broadcast = address.family === 4 && address.prefix < 31 ? ['broadcast', '+'] : []
  // The ledger says whose the address is: duplicate address detection would only delay it.
  const noDetection = address.family === 6 ? ['nodad'] : []
  await guestIp(runner, target, ['addr', 'add', address.text, ...broadcast, 'dev', guestName, ...noDetection])
}

/** Whether any interface of this machine can have IPv6: not where the kernel was started with \`ipv6.disable=1\`. */
export function kernelHasIpv6(): boolean {
  return existsSync('/proc/sys/net/ipv6')
}

/**
 * Whether an interface has IPv6: not where the kernel has none, or whoever runs the target has switched it off. Asked of
 * the interface itself, which begins with what its namespace has as default.
 */
export async function hasIpv6(runner: CommandRunner, name: string, netnsPath?: string): Promise<boolean> {
  const argv = inNetns(netnsPath, ['cat', `/proc/sys/net/ipv6/conf/${name}/disable_ipv6`])
  const { status, stdout } = await runner.run(argv, { okStatuses: [0, 1] })
  return status === 0 && stdout.trim() === '0'
}

export async function removeAddress(
  runner: CommandRunner,
  target: Target,
  guestName: string,
  address: string,
): Promise<void> {
  await guestIp(runner, target, ['addr', 'del', address, 'dev', guestName])
}

export async function addMulticastRoute(runner: CommandRunner, target: Target, guestName: string): Promise<void> {
  const show = inNetns(target.netnsPath, ['ip', '-4', '-j', 'route', 'show', 'exact', MULTICAST_RANGE])
  const { stdout } = await runner.run(show)
  // One that the target has already, to whichever interface, is the target's own choice.
  if (!stdout.includes(MULTICAST_RANGE)) {
    await guestIp(runner, target, ['route', 'add', MULTICAST_RANGE, 'dev', guestName])
  }
}

/** Setting the MAC that is set already makes the kernel send gratuitous ARP and unsolicited advertisements for all. */
export async function announce(runner: CommandRunner, target: Target, guest: InterfaceView): Promise<void> {
  if (guest.address === undefined) return
  await guestIp(runner, target, ['link', 'set', 'dev', guest.ifname, 'address', guest.address])
}
