import { TICKS_PER_SECOND } from '../../test/support/process-facts.ts'

/**
 * What programs and the kernel print, read. All throw where a text is not what they expect: a figure that was not read must
 * not become one.
 */

export interface IperfReading {
  /** As the receiver counted. */
  readonly bytes: number
  readonly bitsPerSecond: number
  readonly seconds: number
  /** Of UDP: datagrams that came, and that were sent. */
  readonly arrived: number
  readonly sent: number
}

interface Sum {
  readonly bytes?: number
  readonly bits_per_second?: number
  readonly seconds?: number
  readonly packets?: number
  readonly lost_packets?: number
}

/** What `iperf3 -J` prints at the client. */
export function readIperf(text: string): IperfReading {
  let answer: { readonly error?: string; readonly end?: { readonly sum?: Sum; readonly sum_received?: Sum } }
  try {
    answer = JSON.parse(text) as typeof answer
  } catch {
    throw new Error(`iperf3 printed no JSON: ${text.slice(0, 200)}`)
  }
  if (answer.error !== undefined) throw new Error(`iperf3: ${answer.error}`)
  const { sum, sum_received: received } = answer.end ?? {}
  const udp = sum?.packets
  const counted = udp === undefined ? received : sum
  if (counted?.bytes === undefined || counted.bits_per_second === undefined || counted.seconds === undefined)
    throw new Error(`iperf3 printed no result: ${text.slice(0, 200)}`)
  const lost = sum?.lost_packets ?? 0
  return {
    bytes: counted.bytes,
    bitsPerSecond: counted.bits_per_second,
    seconds: counted.seconds,
    sent: udp ?? 0,
    arrived: Math.max(0, (udp ?? 0) - lost),
  }
}

/** Milliseconds of each answer that `ping` printed. */
export function readPing(text: string): number[] {
  const times = [...text.matchAll(/ time=([\d.]+) ms/g)].map(match => Number(match[1]))
  if (times.length === 0) throw new Error(`no answer to ping: ${text.trim().split('\n').at(-1) ?? ''}`)
  return times
}

/** Datagrams that came and that the socket of a program had no room for, in `/proc/net/snmp` (snmp_counter(7)). */
export function readRoomErrors(snmp: string): number {
  const [names = [], values = []] = [...snmp.matchAll(/^Udp: (.*)$/gm)].map(match => match[1]!.split(' '))
  const errors = Number(values[names.indexOf('RcvbufErrors')])
  if (!Number.isInteger(errors)) throw new Error(`no RcvbufErrors in: ${snmp.slice(0, 200)}`)
  return errors
}

/** Busy seconds of all processors in the first line of `/proc/stat`: all but idle and iowait. */
export function readBusySeconds(stat: string): number {
  const [user, nice, system, , , irq, softirq, steal] = (/^cpu +(.*)$/m.exec(stat)?.[1] ?? '').split(' ').map(Number)
  const ticks = user! + nice! + system! + irq! + softirq! + steal!
  if (!Number.isFinite(ticks)) throw new Error(`no processor time in: ${stat.slice(0, 100)}`)
  return ticks / TICKS_PER_SECOND
}

/** Bytes in `/proc/PID/smaps_rollup`: resident, and with shared pages divided by how many share them. */
export function readMemory(rollup: string): { readonly rss: number; readonly pss: number } {
  const bytes = (name: string) => {
    const kibibytes = new RegExp(`^${name}: +(\\d+) kB$`, 'm').exec(rollup)?.[1]
    if (kibibytes === undefined) throw new Error(`no ${name} in: ${rollup.slice(0, 100)}`)
    return Number(kibibytes) * 1024
  }
  return { rss: bytes('Rss'), pss: bytes('Pss') }
}
