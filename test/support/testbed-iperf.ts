import { whileServed } from './testbed-server.ts'
import type { Namespace } from './testbed.ts'

const IPERF_PORT = 5201
const CONNECT_MS = 5_000
/** For the connection, and for what both ends say of the transfer. */
const SLACK_MS = 20_000
const TRIES = 3
const INTERVAL_S = 0.1

export interface IperfResult {
  /** As the receiver counted. */
  readonly bytes: number
  readonly bitsPerSecond: number
  /** The longest time in which the client sent nothing (with `-R`: had nothing), to a tenth of a second. */
  readonly stallMs: number
}

interface Answer {
  readonly error?: string
  readonly intervals?: readonly { readonly sum?: { readonly seconds: number; readonly bytes: number } }[]
  readonly end?: { readonly sum_received?: { readonly bits_per_second: number; readonly bytes: number } }
}

/**
 * One TCP stream of iperf3 from a namespace to an address of another one, for so many seconds. The client starts when the
 * server listens, and tries again where it could not connect; when that was in vain the error tells what both said.
 * `options`: more of them for the client.
 */
export async function iperf(
  from: Namespace,
  to: Namespace,
  address: string,
  seconds: number,
  options: readonly string[] = [],
): Promise<IperfResult> {
  return whileServed(to, ['iperf3', '-s', '-B', address, '--forceflush'], IPERF_PORT, async said => {
    const client = ['iperf3', '-c', address, '-t', String(seconds), '-i', String(INTERVAL_S), '-J', ...options]
    for (let attempt = 1; ; attempt++) {
      const { status, stdout, stderr } = await from.run([...client, '--connect-timeout', String(CONNECT_MS)], {
        limitMs: seconds * 1000 + SLACK_MS,
      })
      const answer = parsed(stdout)
      const received = answer?.end?.sum_received
      // A failure of iperf3 may come with the exit status 0.
      if (status === 0 && answer?.error === undefined && received !== undefined)
        return { bytes: received.bytes, bitsPerSecond: received.bits_per_second, stallMs: longestStall(answer!) }
      const why = answer?.error ?? (stderr.trim() || stdout.trim())
      if (attempt < TRIES && /unable to connect|timed out|busy/i.test(why)) continue
      throw new Error(
        `iperf3 to ${address}, attempt ${attempt}: the client ended with status ${status}: ${why}; the server says: ${said()}`,
      )
    }
  })
}

function parsed(text: string): Answer | undefined {
  try {
    return JSON.parse(text) as Answer
  } catch {
    return undefined
  }
}

function longestStall({ intervals = [] }: Answer): number {
  let longest = 0
  let now = 0
  for (const { sum } of intervals) {
    now = sum === undefined || sum.bytes > 0 ? 0 : now + sum.seconds * 1000
    longest = Math.max(longest, now)
  }
  return Math.round(longest)
}
