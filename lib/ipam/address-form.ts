import {
  cidrSize,
  firstAddress,
  formatCidr,
  hasHostBits,
  parseCidr,
  parseIp,
  parseIpv4,
  type Cidr,
} from '../address/mod.ts'
import { WeaveError } from '../base/mod.ts'

/** Of the addresses that hints name: a subnet of this length, and the host of this number in it. */
const EXAMPLE_PREFIX = 24
const EXAMPLE_HOST = 5

/** How a user asks for an address: this very one, one in a subnet, or one in the default subnet. */
export type AddressForm =
  | { readonly type: 'claim'; readonly cidr: Cidr }
  | { readonly type: 'subnet'; readonly subnet: Cidr }
  | { readonly type: 'default' }

/** The hints name addresses of the range that the mesh has. */
function examplesOf(range: Cidr): string {
  const prefix = Math.max(range.prefix, EXAMPLE_PREFIX)
  const size = cidrSize({ address: 0, prefix })
  const subnet = (number: number) => firstAddress(range) + (cidrSize(range) > number * size ? number * size : 0)
  const claim = formatCidr({ address: subnet(1) + (size > EXAMPLE_HOST ? EXAMPLE_HOST : 1), prefix })
  const net = formatCidr({ address: subnet(2), prefix })
  return `write ${claim} or ip:${claim} for a given address, net:${net} or net:default for any free one`
}

/**
 * Reads `10.2.1.1/24` or `ip:10.2.1.1/24` (claim), `net:10.2.2.0/24`, `net:default`, or nothing (the default subnet).
 * @throws WeaveError BAD_ADDRESS
 */
export function parseAddressForm(text: string, range: Cidr, examples = examplesOf(range)): AddressForm {
  if (text === '' || text === 'net:default') return { type: 'default' }
  if (text.startsWith('net:')) return { type: 'subnet', subnet: parseSubnet(text, range) }
  const bare = text.startsWith('ip:') ? text.slice('ip:'.length) : text
  const cidr = parseCidr(bare)
  if (cidr !== undefined) return { type: 'claim', cidr }
  throw new WeaveError('BAD_ADDRESS', `"${text}" ${faultOf(bare)}`, examples)
}

function faultOf(text: string): string {
  if (parseIpv4(text) !== undefined) return 'has no prefix length, such as /24'
  const address = text.split('/')[0]!
  if (parseIpv4(address) !== undefined) return 'has no prefix length from /0 to /32'
  if (parseIp(address) === undefined) return 'is not an address with a prefix length'
  return 'is an IPv6 address: those follow from the IPv4 addresses, and are not asked for'
}

/** Who writes an address where the target belongs is told. @throws WeaveError BAD_TARGET */
export function checkNoAddress(target: string): void {
  if (!/^(net|ip):/.test(target) && parseIp(target.split('/')[0]!) === undefined) return
  throw new WeaveError(
    'BAD_TARGET',
    `"${target}" is an address, and stands where the target does`,
    'name the target last: [ADDRESS...] TARGET',
  )
}

/** The forms of a command line; none at all asks for the default subnet. @throws WeaveError BAD_ADDRESS */
export function parseAddressForms(texts: readonly string[], range: Cidr): readonly AddressForm[] {
  return texts.length === 0 ? [{ type: 'default' }] : texts.map(text => parseAddressForm(text, range))
}

/** Reads a form that names one address, and that address only. @throws WeaveError BAD_ADDRESS */
export function parseClaim(form: string, range: Cidr): Cidr {
  const shown = formatCidr({ address: firstAddress(range) + 1, prefix: range.prefix })
  const remedy = `write the address as \`weave-ts ps\` shows it, for instance ${shown}`
  const parsed = parseAddressForm(form, range, remedy)
  if (parsed.type === 'claim') return parsed.cidr
  throw new WeaveError('BAD_ADDRESS', `"${form}" does not name one address`, remedy)
}

export function formatAddressForm(form: AddressForm): string {
  if (form.type === 'default') return 'net:default'
  return form.type === 'claim' ? `ip:${formatCidr(form.cidr)}` : `net:${formatCidr(form.subnet)}`
}

function parseSubnet(text: string, range: Cidr): Cidr {
  const subnet = parseCidr(text.slice('net:'.length))
  if (subnet === undefined) throw new WeaveError('BAD_ADDRESS', `"${text}" is not a subnet`, examplesOf(range))
  if (hasHostBits(subnet)) {
    const base = formatCidr({ address: firstAddress(subnet), prefix: subnet.prefix })
    throw new WeaveError(
      'BAD_ADDRESS',
      `"${text}" has host bits set: the subnet is ${base}`,
      `write net:${base} for any free address of it, or ip:${formatCidr(subnet)} for that very one`,
    )
  }
  return subnet
}
