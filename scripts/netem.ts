/**
 * Two daemons over a cable that is as bad as can be: each way delays by 100 ms, 30 ms more or less, loses 5 %, delivers 5 %
 * twice and 10 % ahead of others. TCP goes on, and containers get nothing twice. Needs netem (CONFIG_NET_SCH_NETEM) in
 * the kernel; Debian's user-mode Linux has it. Removes all that it made, and exits with 1 when anything did not hold.
 *
 *     [c1]                   [c2]
 *      │                      │
 *     (h1) ══ netem, u2 ═══ (h2)      192.0.2.0/24
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { must, waitFor } from '../test/support/testbed-command.ts'
import { download } from '../test/support/testbed-transfer.ts'
import { Testbed, meshed, type Host, type Namespace } from '../test/support/testbed.ts'
import { needRoot } from './need-root.ts'
import { SLOW_MS, launchedSlowly } from './slow-launch.ts'
import { numberFromEnvironment } from './number-from-environment.ts'

const WEATHER = ['delay', '100ms', '30ms', 'loss', '5%', 'duplicate', '5%', 'reorder', '10%']
const BYTES = numberFromEnvironment('netem', 'BYTES', 500_000)
const DATAGRAMS = numberFromEnvironment('netem', 'DATAGRAMS', 2_000)
const GAP_MS = 5
/** As automake has it for what could not run. */
const EXIT_NO_NETEM = 77
/** Of the datagrams: 5 % are lost on purpose, and the machine may be slow. */
const LOST_MAX = 0.15

const RECEIVER = `
const seen = new Map(), socket = require('node:dgram').createSocket('udp4')
let last = -1, late = 0
socket.on('message', m => { const n = m.readUInt32BE(0); seen.set(n, (seen.get(n) || 0) + 1); if (n < last) late++; last = Math.max(last, n) })
socket.bind(9000, process.argv[1], () => console.log('ready'))
process.stdin.on('data', () => {
  console.log(JSON.stringify({ received: seen.size, twice: [...seen.values()].filter(n => n > 1).length, late }))
  process.exit(0)
})`

const SENDER = `
const socket = require('node:dgram').createSocket('udp4'), [address, count, gap] = process.argv.slice(1)
let n = 0
const timer = setInterval(() => {
  if (n >= Number(count)) { clearInterval(timer); return setTimeout(() => process.exit(0), 500) }
  const bytes = Buffer.alloc(100); bytes.writeUInt32BE(n++)
  socket.send(bytes, 9000, address)
}, Number(gap))`

interface Counts {
  readonly received: number
  readonly twice: number
  readonly late: number
}

async function main(): Promise<void> {
  needRoot('netem')
  const bed = new Testbed()
  let failures = 0
  const check = (isTrue: boolean, text: string) => {
    console.log(`   ${isTrue ? 'ok  ' : 'FAIL'} ${text}`)
    if (!isTrue) failures++
  }
  try {
    const hosts = (await bed.hosts('h1', 'h2')) as [Host, Host]
    const [h1, h2] = hosts
    const tried = await h1.run(['tc', 'qdisc', 'add', 'dev', 'lo', 'root', 'netem', 'delay', '1ms'])
    if (tried.status !== 0) {
      console.error(`netem: this kernel has no netem (CONFIG_NET_SCH_NETEM): tc: ${tried.stderr.trim()}`)
      process.exitCode = EXIT_NO_NETEM
      return
    }
    await h1.must('tc', 'qdisc', 'del', 'dev', 'lo', 'root')
    await bed.link(h1, h2, '192.0.2')
    const { passwordFile } = bed
    await launchedSlowly(h1, [], { passwordFile })
    await launchedSlowly(h2, [h1.address], { passwordFile })
    await meshed(hosts, SLOW_MS)
    const [c1, c2] = (await bed.containers('c1', 'c2')) as [Namespace, Namespace]
    await h1.daemon.attach(c1)
    const ip = (await h2.daemon.attach(c2))[0]!.split('/')[0]!
    await waitFor('an answer', SLOW_MS, () => c1.canPing(ip))
    for (const host of hosts) await host.must('tc', 'qdisc', 'add', 'dev', 'u2', 'root', 'netem', ...WEATHER)
    console.log(`netem each way: ${WEATHER.join(' ')}`)

    const { received, twice, late } = await counted(c1, c2, ip)
    check(twice === 0, `of ${received} datagrams that came, ${twice} came twice (${late} after a later one)`)
    check(received >= DATAGRAMS * (1 - LOST_MAX), `${DATAGRAMS - received} of ${DATAGRAMS} were lost`)
    const pings = await c1.run(['ping', '-n', '-q', '-i', '0.2', '-c', '100', ip], { limitMs: SLOW_MS })
    check(!/duplicate/.test(pings.stdout), `pings: ${pings.stdout.trim().split('\n').slice(-2).join('; ')}`)
    const transfer = await download(c2, c1, ip, BYTES)
    check(transfer.received === transfer.sent, `${BYTES} bytes of TCP in ${(transfer.durationMs / 1000).toFixed(1)} s`)
    const dropped = await Promise.all(hosts.map(async host => (await host.daemon.report()).engine.counters))
    console.log(`   counted by the engines: ${dropped.map(one => JSON.stringify(one)).join(' ')}`)
    for (const host of hosts) {
      const down = host.daemon.log().match(/path down/g)?.length ?? 0
      check(down === 0, `${host.label} gave up its path ${down} times`)
      const { state } = (await host.daemon.status()).connections[0] ?? {}
      check(state === 'established', `${host.label} says ${state}`)
    }
  } catch (error) {
    check(false, error instanceof Error ? error.message : String(error))
    for (const line of bed.logTails()) console.log(`   ${line}`)
  } finally {
    await bed.close()
  }
  console.log(failures === 0 ? 'everything held' : `${failures} did not hold`)
  process.exitCode = failures === 0 ? 0 : 1
}

/** Numbered datagrams from one container to the other, as the receiver counts them. */
async function counted(from: Namespace, to: Namespace, address: string): Promise<Counts> {
  const argv = to.argv(process.execPath, '-e', RECEIVER, '--', address)
  const receiver = spawn(argv[0]!, argv.slice(1), { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = once(receiver, 'exit')
  let said = ''
  receiver.stdout.setEncoding('utf8').on('data', (text: string) => (said += text))
  await waitFor('the receiver', SLOW_MS, () => said.includes('ready'))
  const sender = [process.execPath, '-e', SENDER, '--', address, String(DATAGRAMS), String(GAP_MS)]
  await must(from.argv(...sender), { limitMs: SLOW_MS })
  receiver.stdin.write('.')
  await ended
  return JSON.parse(said.split('\n')[1]!) as Counts
}

await main()
