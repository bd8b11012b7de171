import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Namespace, Testbed } from './testbed.ts'
import { waitFor } from './testbed-command.ts'

const GLOBAL_HEADER_BYTES = 24
const RECORD_HEADER_BYTES = 16
const ETHERNET_BYTES = 14
const IPV4_MIN_BYTES = 20
const UDP_BYTES = 8
let made = 0

/** A UDP datagram on the wire. */
export interface CapturedDatagram {
  readonly source: string
  readonly destination: string
  readonly sourcePort: number
  readonly destinationPort: number
  readonly payload: Buffer
}

/** What passes an interface, recorded by tcpdump from `start` to `stop`. */
export class Capture {
  readonly #child: ChildProcess
  readonly #file: string
  #messages = ''

  private constructor(child: ChildProcess, file: string) {
    this.#child = child
    this.#file = file
    child.stderr!.setEncoding('utf8').on('data', (text: string) => (this.#messages += text))
  }

  static async start(bed: Testbed, place: Namespace, device: string, ...filter: readonly string[]): Promise<Capture> {
    const file = join(bed.directory, `capture-${made++}.pcap`)
    // As root, since the directory is root's; unbuffered, so that nothing is missing at the end.
    const tcpdump = ['tcpdump', '-Z', 'root', '-n', '-p', '-U', '-B', '65536', '--immediate-mode', '-s', '65535']
    const argv = place.argv(...tcpdump, '-i', device, '-w', file, ...filter)
    const capture = new Capture(spawn(argv[0]!, argv.slice(1), { stdio: ['ignore', 'ignore', 'pipe'] }), file)
    bed.onClose(async () => capture.stop().then(() => undefined))
    await waitFor('start of tcpdump', 10_000, () => {
      if (capture.#child.exitCode !== null) throw new Error(capture.#messages)
      return capture.#messages.includes('listening on')
    })
    return capture
  }

  /** Ends the recording. `missed` counts the packets that the kernel could not hand over. */
  async stop(): Promise<{ bytes: Buffer; packets: number; missed: number }> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const ended = once(this.#child, 'exit')
      this.#child.kill('SIGINT')
      await ended
    }
    const count = (what: string) => Number(new RegExp(`(\\d+) packets? ${what}`).exec(this.#messages)?.[1] ?? 0)
    return { bytes: readFileSync(this.#file), packets: count('captured'), missed: count('dropped by kernel') }
  }

  /** The UDP datagrams over IPv4 that were recorded until now. */
  datagrams(): CapturedDatagram[] {
    return [...records(readFileSync(this.#file))].flatMap(frame => datagramOf(frame) ?? [])
  }
}

function* records(bytes: Buffer): Iterable<Buffer> {
  for (let at = GLOBAL_HEADER_BYTES; at + RECORD_HEADER_BYTES <= bytes.length;) {
    const length = bytes.readUInt32LE(at + 8)
    const start = at + RECORD_HEADER_BYTES
    if (start + length > bytes.length) return
    yield bytes.subarray(start, start + length)
    at = start + length
  }
}

function datagramOf(frame: Buffer): CapturedDatagram | undefined {
  if (frame.length < ETHERNET_BYTES + IPV4_MIN_BYTES + UDP_BYTES || frame.readUInt16BE(12) !== 0x0800) return undefined
  const ip = frame.subarray(ETHERNET_BYTES)
  if (ip[9] !== 17) return undefined
  const udp = ip.subarray((ip[0]! & 15) * 4)
  return {
    source: [...ip.subarray(12, 16)].join('.'),
    destination: [...ip.subarray(16, 20)].join('.'),
    sourcePort: udp.readUInt16BE(0),
    destinationPort: udp.readUInt16BE(2),
    payload: udp.subarray(UDP_BYTES),
  }
}

/** How often the marker occurs. */
export function occurrences(bytes: Buffer, marker: string): number {
  const wanted = Buffer.from(marker)
  let count = 0
  for (let at = bytes.indexOf(wanted); at >= 0; at = bytes.indexOf(wanted, at + wanted.length)) count++
  return count
}
