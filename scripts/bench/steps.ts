import { readFileSync } from 'node:fs'
import { cpuSecondsOf } from '../../test/support/process-facts.ts'
import type { Line } from './line.ts'
import type { MeasureKey, Step } from './measures.ts'
import { readBusySeconds, readRoomErrors } from './readings.ts'
import { percentile } from './statistics.ts'
import { iperfOver, pairsOver, pingOver } from './traffic.ts'

const STREAMS = '8'
const SMALL_BYTES = '64'
const LARGE_BYTES = '1200'
const REKEY_BITS = '200M'
const REKEY_BYTES = '1200'
/** Sessions of all that rekey are given new keys every 120 s. */
const REKEY_SECONDS = 130

export interface Means {
  /** Length of one run of each kind. */
  readonly seconds: number
  readonly pids: readonly number[]
  /** The compiled pairs.cpp. */
  readonly pairs: string
}

type Results = Partial<Record<MeasureKey, number>>

/** What is done in each round, over one line after the other. */
export const ROUND_STEPS: Partial<Record<Step, (line: Line, means: Means) => Promise<Results>>> = {
  async stream(line, { seconds, pids }) {
    let before = { daemons: 0, machine: 0 }
    const begins = () => void (before = { daemons: cpuOf(pids), machine: busy() })
    const { bitsPerSecond, bytes } = await iperfOver(line, seconds, [], begins)
    return {
      tcp: bitsPerSecond,
      ...(pids.length > 0 && { cpuPerByte: (cpuOf(pids) - before.daemons) / bytes }),
      machinePerByte: (busy() - before.machine) / bytes,
    }
  },
  async reverse(line, { seconds }) {
    return { tcpReverse: (await iperfOver(line, seconds, ['-R'])).bitsPerSecond }
  },
  async eight(line, { seconds }) {
    return { tcpEight: (await iperfOver(line, seconds, ['-P', STREAMS])).bitsPerSecond }
  },
  async small(line, { seconds, pids }) {
    let before = 0
    const begins = () => void (before = cpuOf(pids))
    const { arrived, seconds: took } = await iperfOver(line, seconds, ['-u', '-b', '0', '-l', SMALL_BYTES], begins)
    return {
      udpSmall: arrived / took,
      ...(pids.length > 0 && arrived > 0 && { cpuPerDatagram: (cpuOf(pids) - before) / arrived }),
    }
  },
  async large(line, { seconds }) {
    const { arrived, seconds: took } = await iperfOver(line, seconds, ['-u', '-b', '0', '-l', LARGE_BYTES])
    return { udpLarge: arrived / took }
  },
  async ping(line, { seconds }) {
    const times = await pingOver(line, seconds)
    return { ping: mean(times), ping99: percentile(times, 0.99)! }
  },
  async loaded(line, { seconds }) {
    // The stream is there before the first and after the last of them.
    const stream = iperfOver(line, seconds + 1)
    const times = await Promise.all([pingOver(line, seconds), stream]).then(([found]) => found)
    return { loaded: mean(times), loaded99: percentile(times, 0.99)! }
  },
  async pairs(line, { seconds, pairs }) {
    return pairsOver(line, pairs, seconds)
  },
}

/** One long stream, in which keys change at least once: `keyMark` has to give another text after it. */
export async function rekeyStep(line: Line, keyMark: () => Promise<string>): Promise<Results> {
  const noRoom = async () => readRoomErrors(await line.to.must('cat', '/proc/net/snmp'))
  const before = await keyMark()
  let noRoomBefore = 0
  const options = ['-u', '-b', REKEY_BITS, '-l', REKEY_BYTES]
  const { sent, arrived } = await iperfOver(
    line,
    REKEY_SECONDS,
    options,
    async () => void (noRoomBefore = await noRoom()),
  )
  if ((await keyMark()) === before) throw new Error(`no key was changed in ${REKEY_SECONDS} s`)
  // What came as far as the program that counts, and found it busy, no key has lost.
  const lost = sent - arrived - ((await noRoom()) - noRoomBefore)
  return { rekeyLoss: Math.max(0, lost) / sent }
}

export function cpuOf(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + cpuSecondsOf(pid), 0)
}

function busy(): number {
  return readBusySeconds(readFileSync('/proc/stat', 'utf8'))
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
