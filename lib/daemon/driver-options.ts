import { WeaveError } from '../base/mod.ts'
import { OVERLAY_MTU_IPV6_MIN, OVERLAY_MTU_MIN } from '../host/mod.ts'
import type { NetworkRecord } from './driver-records.ts'

/** Options of `docker network create -o`. */
const MULTICAST_OPTION = 'weave-ts.multicast'
const MTU_OPTION = 'com.docker.network.driver.mtu'

/** Of options that were taken before, perhaps while the overlay had another MTU. Never fails. */
export function knownSettingsOf(
  options: Readonly<Record<string, string>>,
  most: number,
): Pick<NetworkRecord, 'hasMulticast' | 'mtu'> {
  const mtu = Number(options[MTU_OPTION])
  return { hasMulticast: options[MULTICAST_OPTION] !== 'false', mtu: isMtu(mtu, most) ? mtu : null }
}

function isMtu(mtu: number, most: number): boolean {
  return Number.isInteger(mtu) && mtu >= Math.min(OVERLAY_MTU_MIN, most) && mtu <= most
}

/**
 * What the options of a network ask for. `most`: the MTU of the overlay, in bytes.
 * @throws WeaveError USAGE
 */
export function networkSettingsOf(
  options: Readonly<Record<string, string>>,
  most: number,
): Pick<NetworkRecord, 'hasMulticast' | 'mtu'> {
  const unknown = Object.keys(options).find(name => name !== MULTICAST_OPTION && name !== MTU_OPTION)
  if (unknown !== undefined)
    throw new WeaveError(
      'USAGE',
      `the driver weave-ts has no option ${unknown.slice(0, 80)}`,
      `leave it out; there are ${MULTICAST_OPTION} and ${MTU_OPTION}`,
    )
  const multicast = options[MULTICAST_OPTION] ?? 'true'
  if (multicast !== 'true' && multicast !== 'false')
    throw new WeaveError('USAGE', `${MULTICAST_OPTION} is "${multicast.slice(0, 80)}"`, 'write true or false')
  const given = options[MTU_OPTION]
  const mtu = given === undefined ? null : Number(given)
  if (mtu !== null && !isMtu(mtu, most))
    throw new WeaveError(
      'USAGE',
      `${MTU_OPTION} is "${given!.slice(0, 80)}", and the MTU of the overlay is ${most}`,
      `give a number from ${OVERLAY_MTU_MIN} (with IPv6 from ${OVERLAY_MTU_IPV6_MIN}) to ${most}, or none`,
    )
  return { hasMulticast: multicast === 'true', mtu }
}
