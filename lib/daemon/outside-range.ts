import { contains, formatCidr, parseCidr, parseIpv4, type Cidr } from '../address/mod.ts'
import type { ZoneEntry } from '../names/mod.ts'

/** For whoever asked for addresses that the mesh does not hand out. */
export function outsideNotes(cidrs: readonly string[], range: Cidr): string[] {
  return cidrs
    .filter(text => {
      const cidr = parseCidr(text)
      return cidr !== undefined && !contains(range, cidr.address)
    })
    .map(
      text =>
        `${text} is outside of the range ${formatCidr(range)}: nobody hands it out, other hosts that know of it refuse it, ` +
        'and what else of that network is in use is for you to know',
    )
}

/** What peers say is in use and not of the range: one row for each address. */
export function outsideUsers(
  zone: readonly ZoneEntry[],
  range: Cidr,
): { readonly address: string; readonly container: string; readonly peer: ZoneEntry['owner'] }[] {
  return zone.flatMap(({ addresses, container, owner }) =>
    addresses
      .filter(text => {
        const address = parseIpv4(text)
        return address !== undefined && !contains(range, address)
      })
      .map(address => ({ address, container, peer: owner })),
  )
}
