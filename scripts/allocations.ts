/**
 * One real daemon with free space, its state on the disk of the directory for temporary files (TMPDIR): how long it takes
 * to give many addresses by its API, asked one by one and many at once, and how many durable writes that costs. What is
 * measured is the call of Docker's network driver, which does nothing else. See docs/scale.md.
 *
 * ADDRESSES: how many (default 1000). AT_ONCE: how many are asked for at a time (default "1 16 64"). RUNS: of which the
 * median is told (default 3). Needs root. Removes all that it made. Exit status 1 when the bound is broken where 16 or
 * more are asked for at a time, or an address was given twice; 77 without root.
 */
import { closeSync, openSync, readFileSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { AddressAsker, DOCKER_AWAY } from '../test/support/address-asker.ts'
import { cpuSecondsOf } from '../test/support/process-facts.ts'
import { Testbed, type Host } from '../test/support/testbed.ts'
import { needRoot } from './need-root.ts'
import { numberFromEnvironment } from './number-from-environment.ts'

const SECONDS_MAX = 2
/** From here on requests are thought to come together. */
const TOGETHER = 16
const POOL = '10.32.0.0/16'
/** Where LMDB has the number of its last transaction, in each of its first two pages. */
const PAGE_BYTES = 4096
const TRANSACTION_AT = 152

interface Run {
  readonly seconds: number
  readonly writes: number
  /** Of the daemon, all threads. */
  readonly cpuSeconds: number
  /** Of one request, in the order of their size. */
  readonly waitsMs: readonly number[]
}

const count = numberFromEnvironment('allocations', 'ADDRESSES', 1_000)
const runs = numberFromEnvironment('allocations', 'RUNS', 3)
const sizes = (process.env['AT_ONCE'] || '1 16 64').split(/[\s,]+/).map(Number)
if (!sizes.every(size => Number.isInteger(size) && size >= 1)) {
  console.error(`allocations: AT_ONCE holds whole numbers of 1 or more, not "${process.env['AT_ONCE']}"`)
  process.exit(2)
}
const given = new Set<string>()
let next = 1

/** Transactions that the store has committed. */
function writesOf(host: Host): number {
  const fd = openSync(join(host.daemon.stateDir, 'state.mdb'), 'r')
  try {
    const pages = Buffer.alloc(2 * PAGE_BYTES)
    readSync(fd, pages, 0, pages.length, 0)
    return Math.max(...[0, PAGE_BYTES].map(at => Number(pages.readBigUInt64LE(at + TRANSACTION_AT))))
  } finally {
    closeSync(fd)
  }
}

async function measure(host: Host, atOnce: number): Promise<Run> {
  const { pid } = await host.daemon.status()
  const cpuBefore = cpuSecondsOf(pid)
  const asker = new AddressAsker(host.daemon, POOL, atOnce)
  const waitsMs: number[] = []
  const before = writesOf(host)
  const began = performance.now()
  let left = count
  const work = async () => {
    while (left-- > 0) {
      const asked = performance.now()
      const address = await asker.ask(next++)
      waitsMs.push(performance.now() - asked)
      if (given.has(address)) throw new Error(`${address} was given twice`)
      given.add(address)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work))
  const seconds = (performance.now() - began) / 1000
  asker.close()
  const cpuSeconds = cpuSecondsOf(pid) - cpuBefore
  return { seconds, cpuSeconds, writes: writesOf(host) - before, waitsMs: waitsMs.sort((a, b) => a - b) }
}

async function main(): Promise<void> {
  const bed = new Testbed()
  try {
    for (const atOnce of sizes) {
      const results: Run[] = []
      for (let run = 0; run < runs; run++) {
        const host = await bed.host(`h${atOnce}x${run}`)
        const args = ['--ipalloc-range', POOL]
        await host.daemon.launch([], { passwordFile: bed.passwordFile, env: DOCKER_AWAY, args })
        given.clear()
        results.push(await measure(host, atOnce))
        await host.daemon.stopIfRunning()
      }
      results.sort((a, b) => a.seconds - b.seconds)
      const { seconds, writes, cpuSeconds, waitsMs } = results[results.length >> 1]!
      const isBroken = atOnce >= TOGETHER && count === 1_000 && seconds >= SECONDS_MAX
      console.log(
        `${count} addresses, ${atOnce} at a time: ${seconds.toFixed(2)} s (${results.map(one => one.seconds.toFixed(2)).join(' ')}), ` +
          `${writes} durable writes, ${cpuSeconds.toFixed(2)} s of a processor, one request ${waitsMs[waitsMs.length >> 1]!.toFixed(1)} ms, ` +
          `99 % within ${waitsMs[Math.floor(waitsMs.length * 0.99)]!.toFixed(1)} ms${isBroken ? ` (bound: ${SECONDS_MAX} s) !` : ''}`,
      )
      if (isBroken) process.exitCode = 1
    }
    const load = readFileSync('/proc/loadavg', 'utf8').split(' ').slice(0, 3).join(' ')
    console.log(`load of this machine: ${load}`)
  } catch (error) {
    process.exitCode = 1
    console.error(error instanceof Error ? error.message : String(error))
    for (const line of bed.logTails()) console.error(line)
  } finally {
    await bed.close()
  }
}

needRoot('allocations')
await main()
