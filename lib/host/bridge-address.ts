import { formatMac, parseCidr, subnetOf, type Mac } from '../address/mod.ts'
import { heldAddresses, interfaceAddress } from './interface-address.ts'
import { showInterface, showRoutes } from './ip-json.ts'
import { checkExposedSubnet } from './preflight.ts'
import type { CommandRunner } from './seams.ts'
import { writeSysctls } from './sysctl.ts'

/**
 * Gives the host those of the addresses (CIDR form) that its bridge does not hold yet (`held`: what it does); others stay,
 * and are returned as foreign. When it fails, all that it added is taken back.
 *
 * Fails with BAD_ADDRESS, RANGE_OVERLAP (the host has another way to that subnet) or COMMAND_FAILED.
 */
export async function addBridgeAddresses(
  runner: CommandRunner,
  bridge: { readonly name: string; readonly mac: Mac },
  addresses: readonly string[],
  held: readonly string[],
): Promise<{ readonly added: readonly string[]; readonly foreign: readonly string[] }> {
  const { name } = bridge
  const wanted = [...new Set(addresses.map(each => interfaceAddress(each).text))]
  const foreign = held.filter(each => !wanted.includes(each))
  const missing = wanted.filter(each => !held.includes(each))
  if (missing.length === 0) return { added: [], foreign }
  const routes = await showRoutes(runner, 4)
  // Nobody but the mesh has its IPv6 prefix.
  for (const cidr of missing.map(parseCidr)) if (cidr !== undefined) checkExposedSubnet(subnetOf(cidr), routes, name)
  // Announce addresses, and let the second of a subnet outlive the first.
  await writeSysctls(runner, [[1, [`ipv4/conf/${name}/arp_notify`, `ipv4/conf/${name}/promote_secondaries`]]])
  const added: string[] = []
  try {
    for (const address of missing) {
      const { family, prefix } = interfaceAddress(address)
      const broadcast = family === 4 && prefix < 31 ? ['broadcast', '+'] : []
      // The ledger says whose the address is: duplicate address detection would only delay it.
      const noDetection = family === 6 ? ['nodad'] : []
      await runner.run(['ip', 'addr', 'add', address, ...broadcast, 'dev', name, ...noDetection])
      added.push(address)
    }
    // The MAC that it has already: the kernel then tells all neighbours of the addresses.
    await runner.run(['ip', 'link', 'set', 'dev', name, 'address', formatMac(bridge.mac)])
  } catch (error) {
    // What went wrong first is what the user needs to read.
    await removeBridgeAddresses(runner, name, added).catch(() => undefined)
    throw error
  }
  return { added, foreign }
}

/** Takes addresses from the bridge; those that it does not hold are no error. Fails with COMMAND_FAILED. */
export async function removeBridgeAddresses(
  runner: CommandRunner,
  bridge: string,
  addresses: readonly string[],
): Promise<void> {
  const found = await showInterface(runner, bridge)
  const held = found === undefined ? [] : heldAddresses(found)
  for (const address of addresses.map(each => interfaceAddress(each).text))
    if (held.includes(address)) await runner.run(['ip', 'addr', 'del', address, 'dev', bridge])
}
