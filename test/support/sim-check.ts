import type { NeighbourCheck } from '../../lib/node/mod.ts'
import type { CheckResult } from '../../lib/wire/mod.ts'
import type { SimClock } from './sim-clock.ts'
import type { SimHost } from './sim-host.ts'
import type { SimUnderlay } from './sim-stream.ts'

/** What a host of the simulation finds for a neighbour that asks, as a daemon would. */
export function checkInSim(
  check: NeighbourCheck,
  { host, clock, network }: { host: SimHost; clock: SimClock; network: SimUnderlay },
): void {
  const { life } = host
  const tell = (result: CheckResult) => {
    if (host.life === life) host.input((node, now) => node.handleChecked(check, result, now))
  }
  if (check.subject === 'clock') return clock.after(0, () => tell({ subject: 'clock', timeMs: host.now }))
  const { subject, endpoint } = check
  network.dial(host, endpoint, result => {
    if (typeof result !== 'string') network.close(result)
    tell({ subject, endpoint, why: typeof result === 'string' ? result : undefined })
  })
}
