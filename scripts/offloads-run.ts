/** Two daemons with some offloads, and what comes through between their containers. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { must, waitFor } from '../test/support/testbed-command.ts'
import { download } from '../test/support/testbed-transfer.ts'
import { meshed, type Host, type Namespace, type Testbed } from '../test/support/testbed.ts'
import { SLOW_MS, launchedSlowly } from './slow-launch.ts'

export const OFFLOADS = ['tapGso', 'tapUso', 'udpGso', 'udpGro', 'checksum'] as const
export type Offload = (typeof OFFLOADS)[number]

/** Under what frames are carried. */
export interface Circumstances {
  /** More of both launches. */
  readonly args?: readonly string[]
  /** Of both daemons: what the kernel refuses (test/native/refusing-kernel.cpp). */
  readonly env?: NodeJS.ProcessEnv
  /** The cable between both computes no checksums. */
  readonly isBareCable?: true
}

/** What came through. Of a daemon that sends and receives alike, the first one's offloads and refusals. */
export interface Passage {
  /** Bits a second of a TCP stream: by IPv4 to the second host, by IPv6 back. */
  readonly streams: readonly number[]
  /** Of datagrams, small ones in bursts and large ones in fragments: how many came, and how many of these were wrong. */
  readonly datagrams: { readonly given: number; readonly came: number; readonly wrong: number }
  /** Answers to pings of so many bytes. */
  readonly pings: readonly { readonly bytes: number; readonly sent: number; readonly answered: number }[]
  readonly offloads: {
    readonly before: Readonly<Record<string, boolean>>
    readonly after: Readonly<Record<string, boolean>>
  }
  readonly refused: { readonly udp: number; readonly tap: number }
}

/** Of a datagram: small ones, the longest in one packet, and one in six fragments. */
const LENGTHS = [64, 64, 64, 64, 9, 1200, 1200, 1300, 8000, 64]
const BURSTS = 20
const PINGS = [56, 8000] as const
const PINGS_EACH = 20

/** Answers each burst once all of it is here, and says what came otherwise than it left. */
const LISTENER = `
const [address, lengths, bursts] = JSON.parse(process.argv[1])
const wrong = [], seen = new Map()
const socket = require('node:dgram').createSocket('udp4').on('message', (bytes, from) => {
  const n = bytes.readUInt32BE(0)
  if (bytes.length !== lengths[n % lengths.length] || bytes.subarray(4).some(byte => byte !== n % 251)) wrong.push(n)
  seen.set(n, true)
  const burst = Math.floor(n / lengths.length)
  if (lengths.every((_, i) => seen.has(burst * lengths.length + i))) socket.send(String(burst), from.port, from.address)
}).bind(9000, address, () => console.log('ready'))
process.stdin.on('data', () => {
  console.log(JSON.stringify({ given: lengths.length * bursts, came: seen.size, wrong: wrong.length }))
  process.exit(0)
})`

/** The next burst after the answer to this one, which is sent again as long as none comes. */
const TALKER = `
const [address, lengths, bursts] = JSON.parse(process.argv[1])
const socket = require('node:dgram').createSocket('udp4')
let burst = 0, again, times = 0
const send = () => {
  if (burst === bursts || times++ > 10) process.exit(0)
  lengths.forEach((length, i) => {
    const n = burst * lengths.length + i, bytes = Buffer.alloc(length, n % 251)
    bytes.writeUInt32BE(n)
    socket.send(bytes, 9000, address)
  })
  again = setTimeout(send, 2_000)
}
socket.on('message', answer => {
  if (Number(answer.toString()) !== burst) return
  clearTimeout(again)
  burst++
  times = 0
  send()
}).bind(0, send)`

export async function passage(bed: Testbed, circumstances: Circumstances, bytes: number): Promise<Passage> {
  const { args = [], env = {} } = circumstances
  const hosts = (await bed.hosts('h1', 'h2')) as [Host, Host]
  const [h1, h2] = hosts
  await bed.link(h1, h2, '192.0.2')
  if (circumstances.isBareCable === true)
    for (const host of hosts) await host.must('ethtool', '-K', 'u2', 'tx', 'off', 'gso', 'on')
  const options = { passwordFile: bed.passwordFile, args, env }
  await launchedSlowly(h1, [], options)
  await launchedSlowly(h2, [h1.address], options)
  await meshed(hosts, SLOW_MS)
  const [c1, c2] = (await bed.containers('c1', 'c2')) as [Namespace, Namespace]
  const own = await attached(h1, c1)
  const far = await attached(h2, c2)
  await waitFor('an answer', SLOW_MS, () => c1.canPing(far.ipv4))
  await waitFor('an answer by IPv6', SLOW_MS, () => c2.canPing(own.ipv6))
  const before = await h1.daemon.report()
  const streams: number[] = []
  for (const [from, to, address] of [
    [c2, c1, far.ipv4],
    [c1, c2, own.ipv6],
  ] as const) {
    const { sent, received, durationMs } = await download(from, to, address, bytes)
    if (sent !== received) throw new Error(`of ${bytes} bytes of TCP to ${address} other ones came`)
    streams.push((8 * bytes) / (durationMs / 1000))
  }
  const datagrams = await burstsTo(c1, c2, far.ipv4)
  const pings = []
  for (const size of PINGS) {
    const words = ['ping', '-n', '-q', '-i', '0.05', '-c', String(PINGS_EACH), '-s', String(size), far.ipv4]
    const { stdout } = await c1.run(words, { limitMs: SLOW_MS })
    pings.push({ bytes: size, sent: PINGS_EACH, answered: Number(/(\d+) received/.exec(stdout)?.[1] ?? 0) })
  }
  const after = await h1.daemon.report()
  const refusedOf = (name: string) => after.engine.counters[name] ?? 0
  return {
    streams,
    datagrams,
    pings,
    offloads: { before: before.engine.offloads, after: after.engine.offloads },
    refused: { udp: refusedOf('udp-gso-refused'), tap: refusedOf('tap-gso-refused') },
  }
}

/** Plugs it in; its addresses. By the API, for no program must start where that takes long. */
async function attached(host: Host, container: Namespace): Promise<{ readonly ipv4: string; readonly ipv6: string }> {
  const [ipv4] = await host.daemon.attach(container)
  const [ipv6] = (await host.daemon.ps()).find(({ id }) => id === `netns:${container.name}`)?.ipv6 ?? []
  if (ipv4 === undefined || ipv6 === undefined) throw new Error(`${host.label} gave ${ipv4} and ${ipv6}`)
  return { ipv4: ipv4.split('/')[0]!, ipv6: ipv6.split('/')[0]! }
}

async function burstsTo(from: Namespace, to: Namespace, address: string): Promise<Passage['datagrams']> {
  const what = JSON.stringify([address, LENGTHS, BURSTS])
  const argv = to.argv(process.execPath, '-e', LISTENER, '--', what)
  const listener = spawn(argv[0]!, argv.slice(1), { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = once(listener, 'exit')
  let said = ''
  listener.stdout.setEncoding('utf8').on('data', (text: string) => (said += text))
  await waitFor('the listener', SLOW_MS, () => said.includes('ready'))
  await must(from.argv(process.execPath, '-e', TALKER, '--', what), { limitMs: SLOW_MS })
  listener.stdin.write('.')
  await ended
  return JSON.parse(said.split('\n')[1]!) as Passage['datagrams']
}
