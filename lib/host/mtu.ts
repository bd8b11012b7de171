import { WeaveError } from '../base/mod.ts'
import { FRAME_OVERHEAD_BYTES, OVERHEAD_IPV6_BYTES, OVERHEAD_RELAY_BYTES } from '../wire/mod.ts'
import type { InterfaceView, RouteView } from './ip-json.ts'
import { OVERLAY_MTU_IPV6_MIN, OVERLAY_MTU_MAX, OVERLAY_MTU_MIN, UNDERLAY_MTU_DEFAULT } from './limits.ts'

const UDP_IPV4_BYTES = 28

/**
 * The smallest MTU that traffic to peers meets on this host, in bytes. `routes` are those to the known peers, or all of
 * the host; of the latter the default routes count, and where there is none, all. Interfaces in `ignored` (our own) and
 * the loopback do not count. Without any route: 1500.
 */
export function underlayMtu(
  routes: readonly RouteView[],
  links: readonly InterfaceView[],
  ignored: ReadonlySet<string>,
): number {
  const byName = new Map(links.map(link => [link.ifname, link]))
  const usable = routes.filter(route => route.type === undefined || route.type === 'unicast')
  const defaults = usable.filter(route => route.dst === 'default')
  const sizes = (defaults.length > 0 ? defaults : usable).flatMap(route =>
    devicesOf(route).flatMap(device => {
      const link = byName.get(device)
      if (link === undefined || ignored.has(device) || link.flags.includes('LOOPBACK')) return []
      const routeMtu = route.metrics?.find(metric => metric.mtu !== undefined)?.mtu
      return [Math.min(link.mtu, routeMtu ?? link.mtu)]
    }),
  )
  return sizes.length === 0 ? UNDERLAY_MTU_DEFAULT : Math.min(...sizes)
}

function devicesOf(route: RouteView): readonly string[] {
  const names = [route.dev, ...(route.nexthops ?? []).map(hop => hop.dev)]
  return names.filter(name => name !== undefined)
}

/**
 * The MTU of the overlay for an underlay MTU: what remains in a datagram that one relay carries over IPv6, so that no
 * frame of this size is ever too large for a path as wide as this host's own. Never below what IPv6 needs: smaller
 * underlays get fragments.
 */
export function overlayMtu(underlay: number): number {
  const room = underlay - OVERHEAD_IPV6_BYTES - OVERHEAD_RELAY_BYTES
  return Math.min(OVERLAY_MTU_MAX, Math.max(OVERLAY_MTU_IPV6_MIN, room))
}

/** What fits into one datagram that goes straight to a peer over IPv4, for an underlay MTU. */
export function directMtu(underlay: number): number {
  return underlay - UDP_IPV4_BYTES - FRAME_OVERHEAD_BYTES
}

/** Checks what the operator asked for: 576 to 65,000, from 1,280 with IPv6. Fails with CONFIG_INVALID. */
export function configuredMtu(mtu: number, options: { readonly ipv6?: boolean } = {}): number {
  const least = options.ipv6 === true ? OVERLAY_MTU_IPV6_MIN : OVERLAY_MTU_MIN
  if (Number.isInteger(mtu) && mtu >= least && mtu <= OVERLAY_MTU_MAX) return mtu
  throw new WeaveError(
    'CONFIG_INVALID',
    `an MTU of ${mtu} is not possible: it must be a whole number from ${least} to ${OVERLAY_MTU_MAX}`,
    'leave --mtu out to have it derived from the underlay, or give one within the limits',
  )
}
