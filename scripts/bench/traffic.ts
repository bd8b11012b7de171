import { errorText } from '../../lib/base/mod.ts'
import { whileServed } from '../../test/support/testbed-server.ts'
import type { Line } from './line.ts'
import { readIperf, readPing, type IperfReading } from './readings.ts'

const SLACK_MS = 20_000
const IPERF_PORT = 5201
const PAIRS_PORT = 5301
const PING_INTERVAL_S = 0.01
const TRIES = 3

/**
 * One run of iperf3 over a line. `options`: more of the client. `begins`: called before each try, of which the last one counts.
 */
export async function iperfOver(
  line: Line,
  seconds: number,
  options: readonly string[] = [],
  begins: () => void | Promise<void> = () => undefined,
): Promise<IperfReading> {
  for (let attempt = 1; ; attempt++) {
    await begins()
    try {
      return await iperfOnce(line, seconds, options)
    } catch (error) {
      // Its control connection may be lost in a flood.
      if (attempt === TRIES) throw error
      console.error(`iperf3 once more: ${errorText(error)}`)
    }
  }
}

function iperfOnce(line: Line, seconds: number, options: readonly string[]): Promise<IperfReading> {
  return whileServed(line.to, ['iperf3', '-s', '-1', '-B', line.address], IPERF_PORT, async () => {
    const argv = ['iperf3', '-c', line.address, '-t', String(seconds), '-J', '--connect-timeout', '5000', ...options]
    const { stdout, stderr } = await line.from.run(argv, { limitMs: seconds * 1000 + SLACK_MS })
    return readIperf(stdout === '' ? stderr : stdout)
  })
}

/** Round trips in ms. One echo request every 10 ms. */
export async function pingOver(line: Line, seconds: number): Promise<number[]> {
  const count = Math.max(10, Math.round(seconds / PING_INTERVAL_S))
  const argv = ['ping', '-n', '-i', String(PING_INTERVAL_S), '-c', String(count), line.address]
  return readPing((await line.from.run(argv, { limitMs: seconds * 1000 + SLACK_MS })).stdout)
}

/** How many exchanges there were in a second; `program`: the compiled pairs.cpp. */
export function pairsOver(
  line: Line,
  program: string,
  seconds: number,
): Promise<{ readonly requests: number; readonly connects: number }> {
  return whileServed(line.to, [program, 'serve', line.address, String(PAIRS_PORT)], PAIRS_PORT, async () => {
    const rate = async (what: string) => {
      const argv = [program, what, line.address, String(PAIRS_PORT), String(seconds)]
      const { status, stdout, stderr } = await line.from.run(argv, { limitMs: seconds * 1000 + SLACK_MS })
      const value = Number(stdout)
      if (status !== 0 || !(value > 0)) throw new Error(`pairs ${what}: status ${status}: ${stderr.trim()}`)
      return value
    }
    return { requests: await rate('requests'), connects: await rate('connects') }
  })
}
