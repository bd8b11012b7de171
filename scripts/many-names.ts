/**
 * Three real daemons, one network namespace each: how long they take to know many names, what that costs, and how soon a
 * query is answered then. See docs/dns.md.
 *
 * NAMES: how many in the whole mesh (default 5000), spread over the daemons, one for each address. Needs root. Removes all
 * that it made. Exit status 1 when a name or a query was lost, 77 without root.
 */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { cpuSecondsOf, residentKibibytesOf } from '../test/support/process-facts.ts'
import { waitFor } from '../test/support/testbed-command.ts'
import { Testbed, meshed, type Host } from '../test/support/testbed.ts'
import { needRoot } from './need-root.ts'
import { numberFromEnvironment } from './number-from-environment.ts'

const DEVICE = 'u100'
const AT_ONCE = 8
const KNOWN_LIMIT_MS = 120_000
const QUERIES = '20000'
const WINDOWS = ['1', '32'] as const
const LOAD = fileURLToPath(new URL('../test/support/query-load.js', import.meta.url))

interface Load {
  readonly answered: number
  readonly lost: number
  readonly wrong: number
  readonly medianMs: number
  readonly lateMs: number
}

const count = numberFromEnvironment('names', 'NAMES', 5_000)
let isBroken = false

/** Kilobytes that the process holds, and milliseconds of processor time that it took. */
function costOf(pid: number): { rssKb: number; cpuMs: number } {
  return { rssKb: residentKibibytesOf(pid), cpuMs: cpuSecondsOf(pid) * 1_000 }
}

/** On the wire, with all headers. */
function sentBytes(pid: number): number {
  const line = new RegExp(`^ *${DEVICE}:(.*)$`, 'm').exec(readFileSync(`/proc/${pid}/net/dev`, 'utf8'))![1]!
  return Number(line.trim().split(/\s+/)[8])
}

/** Gives its share of names to addresses of nobody, a few at a time. */
async function addNames(host: Host, which: number, share: readonly number[]): Promise<void> {
  const left = [...share]
  const work = async () => {
    for (let i = left.shift(); i !== undefined; i = left.shift())
      await host.daemon.api.call('dns-add', {
        target: `198.19.${which * 64 + (i >> 8)}.${i & 255}`,
        names: [`name-${which}-${i}`],
      })
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
}

async function measure(bed: Testbed): Promise<void> {
  const hosts = await bed.hosts('h1', 'h2', 'h3')
  await bed.lan(hosts, '198.18.100', DEVICE)
  const { passwordFile } = bed
  for (const host of hosts) await host.daemon.launch(host === hosts[0] ? [] : [hosts[0]!.address], { passwordFile })
  await meshed(hosts)
  const pids = await Promise.all(hosts.map(async host => (await host.daemon.status()).pid))
  const before = pids.map(costOf)
  const sentBefore = pids.map(sentBytes)

  const perHost = Math.ceil(count / hosts.length)
  const began = performance.now()
  await Promise.all(
    hosts.map((host, which) =>
      addNames(
        host,
        which,
        Array.from({ length: Math.min(perHost, count - which * perHost) }, (_, i) => i),
      ),
    ),
  )
  const addedMs = performance.now() - began
  await waitFor('all know all', KNOWN_LIMIT_MS, async () => {
    const known = await Promise.all(hosts.map(async host => (await host.daemon.status()).dns.names))
    return known.every(names => names === count)
  })
  const knownMs = performance.now() - began
  const sent = pids.map(sentBytes)
  const after = pids.map(costOf)
  console.log(`${count} names by ${hosts.length} daemons, one command each: ${(addedMs / 1000).toFixed(1)} s`)
  console.log(`known by all: ${((knownMs - addedMs) / 1000).toFixed(1)} s after the last command`)
  for (const [i, host] of hosts.entries())
    console.log(
      `${host.label}: sent ${((sent[i]! - sentBefore[i]!) / 1e6).toFixed(2)} MB, ` +
        `${((after[i]!.rssKb - before[i]!.rssKb) / 1024).toFixed(1)} MiB more (now ${(after[i]!.rssKb / 1024).toFixed(0)} MiB), ` +
        `${((after[i]!.cpuMs - before[i]!.cpuMs) / 1000).toFixed(1)} s of a processor`,
    )

  const asking = hosts[0]!
  const server = (await asking.daemon.say('expose')).split('/')[0]!
  const client = await bed.container('c1')
  await asking.daemon.attach(client)
  for (const window of WINDOWS) {
    const began = performance.now()
    const argv = [process.execPath, LOAD, server, `name-2-${perHost >> 1}.weave.local`, QUERIES, window]
    const result = await client.run(argv, { limitMs: 120_000 })
    const load = JSON.parse(result.stdout) as Load
    const rate = load.answered / ((performance.now() - began) / 1000)
    console.log(
      `${load.answered} queries, ${window} at a time: ${rate.toFixed(0)} a second, median ${load.medianMs.toFixed(2)} ms, ` +
        `99 % within ${load.lateMs.toFixed(2)} ms, ${load.lost} lost, ${load.wrong} wrong`,
    )
    isBroken ||= load.lost > 0 || load.wrong > 0
  }
}

needRoot('names')
const bed = new Testbed()
try {
  await measure(bed)
} catch (error) {
  isBroken = true
  console.error(error instanceof Error ? error.message : String(error))
  for (const line of bed.logTails()) console.error(line)
} finally {
  await bed.close()
}
process.exitCode = isBroken ? 1 : 0
