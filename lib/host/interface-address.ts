import { formatIp, parseIp } from '../address/mod.ts'
import { WeaveError } from '../base/mod.ts'
import type { InterfaceView } from './ip-json.ts'
import { ADDRESSES_PER_TARGET_MAX } from './limits.ts'

/** An address with its prefix length as an interface holds it, in canonical text: equal ones are equal strings. */
export interface InterfaceAddress {
  readonly text: string
  readonly family: 4 | 6
  readonly prefix: number
}

/** Reads `10.32.0.1/12` or `fd00::1/64`. Fails with BAD_ADDRESS. */
export function interfaceAddress(text: string): InterfaceAddress {
  const match = /^([0-9a-fA-F.:]+)\/(0|[1-9]\d{0,2})$/.exec(text)
  const ip = match === null ? undefined : parseIp(match[1]!)
  const prefix = Number(match?.[2])
  if (ip === undefined || prefix < 1 || prefix > ip.length * 8) {
    throw new WeaveError(
      'BAD_ADDRESS',
      `\`${text}\` is not an address with a prefix length`,
      'write it as `weave-ts ps` shows it, with its prefix length',
    )
  }
  if (!isHostAddress(ip)) {
    throw new WeaveError(
      'BAD_ADDRESS',
      `\`${text}\` is an address of a group, of the loopback, or of nothing: no interface can hold it`,
      'give an address of the overlay: `weave-ts status` shows its range',
    )
  }
  return { text: `${formatIp(ip)}/${prefix}`, family: ip.length === 4 ? 4 : 6, prefix }
}

function isHostAddress(ip: Uint8Array): boolean {
  const first = ip[0]!
  if (ip.length === 4) return first !== 0 && first !== 127 && first < 224
  return first !== 0xff && ip.subarray(0, 15).some(byte => byte !== 0)
}

/** Reads several, each once, in order. Fails with BAD_ADDRESS, also when there are too many. */
export function interfaceAddresses(texts: readonly string[]): readonly InterfaceAddress[] {
  const unique = new Map(texts.map(text => interfaceAddress(text)).map(address => [address.text, address]))
  if (unique.size > ADDRESSES_PER_TARGET_MAX) {
    throw new WeaveError(
      'BAD_ADDRESS',
      `${unique.size} addresses for one target; the limit is ${ADDRESSES_PER_TARGET_MAX}`,
      'give fewer addresses',
    )
  }
  return [...unique.values()]
}

/** What an interface holds, without the link-local addresses that the kernel makes. */
export function heldAddresses(link: InterfaceView): readonly string[] {
  return (link.addr_info ?? [])
    .filter(address => address.scope !== 'link' || address.family === 'inet')
    .map(address => interfaceAddress(`${address.local}/${address.prefixlen}`).text)
}
