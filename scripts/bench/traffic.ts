import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { waitFor } from '../../test/support/testbed-command.ts'
import type { Line } from './line.ts'
import { readIperf, readPing, type IperfReading } from './readings.ts'

const START_MS = 20_000
const SLACK_MS = 20_000
const IPERF_PORT = 5201
const PAIRS_PORT = 5301
const PING_INTERVAL_S = 0.01
const TRIES = 3

/** One run of iperf3 over a line. `options`: more of the client. */
export async function iperfOver(line: Line, seconds: number, options: readonly string[] = []): Promise<IperfReading> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await iperfOnce(line, seconds, options)
    } catch (error) {
      // Its control connection may be lost in a flood.
      if (attempt === TRIES) throw error
    }
  }
}

function iperfOnce(line: Line, seconds: number, options: readonly string[]): Promise<IperfReading> {
  return served(line, ['iperf3', '-s', '-1', '-B', line.address], IPERF_PORT, async () => {
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
  return served(line, [program, 'serve', line.address, String(PAIRS_PORT)], PAIRS_PORT, async () => {
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

/** Does something while a server runs at the far end, which is ended in any case. */
async function served<T>(line: Line, server: readonly string[], port: number, during: () => Promise<T>): Promise<T> {
  const argv = line.to.argv(...server)
  const child = spawn(argv[0]!, argv.slice(1), { stdio: ['ignore', 'ignore', 'pipe'] })
  const ended = once(child, 'exit')
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-500)))
  try {
    await waitFor(`${server[0]!} to listen on port ${port}`, START_MS, async () => {
      if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}: ${said.trim()}`)
      return (await line.to.must('ss', '-ltnH', 'sport', '=', `:${port}`)).trim() !== ''
    })
    return await during()
  } finally {
    child.kill('SIGKILL')
    await ended
  }
}
