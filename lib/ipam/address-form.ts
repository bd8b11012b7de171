import { cidrSize, firstAddress, formatCidr, hasHostBits, parseCidr, parseIpv4, type Cidr } from '../address/mod.ts'
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
export function parseAddressForm(text: string, range: Cidr): AddressForm {
  if (text === '' || text === 'net:default') return { type: 'default' }
  if (text.startsWith('net:')) return { type: 'subnet', subnet: parseSubnet(text, range) }
  const bare = text.startsWith('ip:') ? text.slice('ip:'.length) : text
  const cidr = parseCidr(bare)
  if (cidr !== undefined) return { type: 'claim', cidr }
  const why =
    parseIpv4(bare) === undefined ? 'is not an address with a prefix length' : 'has no prefix length, such as /24'
  throw new WeaveError('BAD_ADDRESS', `"${text}" ${why}`, examplesOf(range))
}

/** The forms of a command line; none at all asks for the default subnet. @throws WeaveError BAD_ADDRESS */
export function parseAddressForms(texts: readonly string[], range: Cidr): readonly AddressForm[] {
  return texts.length === 0 ? [{ type: 'default' }] : texts.map(text => parseAddressForm(text, range))
}

/** Reads a form that names one address, and that address only. @throws WeaveError BAD_ADDRESS */
export function parseClaim(form: string, range: Cidr): Cidr {
  const parsed = parseAddressForm(form, range)
  if (parsed.type === 'claim') return parsed.cidr
  throw new WeaveError(
    'BAD_ADDRESS',
    `"${form}" does not name one address`,
    `write the address as \`weave-ts ps\` shows it, for instance ${formatCidr({ address: firstAddress(range) + 1, prefix: range.prefix })}`,
  )
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
