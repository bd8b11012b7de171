import { peerLabel } from '../address/mod.ts'
import type { PeerRef } from '../api/mod.ts'
import { WeaveError } from '../base/mod.ts'
import type { MeasureEnd } from '../node/mod.ts'

type Failure = Extract<MeasureEnd, { isDone: false }>

/** Of this host; the other one tells its limit with a refusal. A way that was lost is none, though the reason has one name. */
const OWN_REFUSALS: readonly Failure['reason'][] = ['forbidden', 'busy-here']

/** Why there is no result, for the operator. */
export function perfFailure(
  { reason, limitKbits }: Failure,
  { peer, rate, way }: { readonly peer: PeerRef; readonly rate: number; readonly way: string },
): WeaveError {
  const name = peerLabel(peer.id, peer.nickname)
  const isRefusal = limitKbits !== undefined || OWN_REFUSALS.includes(reason)
  const [message, remedy] = words(reason, { name, rate, way, limitKbits })
  return new WeaveError(isRefusal ? 'PERF_REFUSED' : 'PERF_FAILED', message, remedy)
}

function words(
  reason: Failure['reason'],
  { name, rate, way, limitKbits }: { name: string; rate: number; way: string; limitKbits: number | undefined },
): [message: string, remedy: string] {
  switch (reason) {
    case 'forbidden':
      return limitKbits === undefined
        ? ['nothing is measured by this daemon', 'launch it again']
        : [`${name} forbids measurements`, 'launch it there without --perf-limit off']
    case 'rate':
      return [
        `${rate} bit/s were asked for, and ${name} allows ${(limitKbits ?? 0) * 1_000}`,
        'give a smaller --rate, or launch the other host with a larger --perf-limit',
      ]
    case 'busy-here':
      return ['this host measures already, or somebody measures to it', 'try again when that has ended']
    case 'busy':
      return [`${name} measures already, or somebody measures to it`, 'try again when that has ended']
    case 'often':
      return [`${name} was measured for too long of late`, 'try again in a few minutes, or give fewer --seconds']
    case 'time':
      return [`${name} does not measure for so long`, 'give fewer --seconds']
    case 'no-way':
    case 'way':
      return way === 'underlay'
        ? [`there is no direct path to or from ${name}`, 'leave the underlay out with --no-underlay']
        : [`there is no path to or from ${name}, or it was lost`, 'see `weave-ts status connections`']
    case 'no-answer':
      return [`${name} did not answer`, 'see whether `weave-ts ping` is answered, and upgrade the other host if it is']
    case 'silence':
      return [`nothing was heard from ${name} any more`, 'see `weave-ts status connections`, and try again']
    case 'asked':
      return ['the measurement was given up, by this side or the other', 'try again']
  }
}
