/**
 * What comes through between two containers with each offload off, with all off, and where the kernel refuses what it was asked for:
 * at the start, and later. TCP by IPv4 and IPv6, datagrams in bursts and in fragments, pings. See docs/decisions/0061.
 *
 *     [c1]             [c2]
 *      │                │
 *     (h1) ═══ u2 ═══ (h2)      192.0.2.0/24, for each of the circumstances anew
 *
 * CASES: which (default all; `*` at the end of a name for all that begin so). BYTES: of each stream (default 8,000,000).
 * Also for kernels that are not this machine's, in user-mode Linux. Needs root. Removes all that it made. Exit status 1 when something
 * did not come through, 77 when it cannot run.
 */
import { spawnSync } from 'node:child_process'
import { release } from 'node:os'
import { Testbed } from '../test/support/testbed.ts'
import { EINVAL, EIO, refusingKernel } from '../test/support/refusing-kernel.ts'
import { needRoot } from './need-root.ts'
import { OFFLOADS, passage, type Circumstances, type Offload, type Passage } from './offloads-run.ts'
import { table } from './scale-table.ts'
import { numberFromEnvironment } from './number-from-environment.ts'
import { isMeant, refuseUnknown } from './words-from-environment.ts'

interface Case extends Circumstances {
  readonly name: string
  /** That are off when frames begin to flow, and those that are off at the end. */
  readonly off?: readonly Offload[]
  readonly offLater?: readonly Offload[]
  /** What the kernel is to have refused meanwhile. */
  readonly refuses?: 'udp' | 'tap'
  readonly tool?: string
}

const without = (name: string, ...off: Offload[]): Case => ({
  name: `without ${name}`,
  args: ['--disable-offload', name],
  off,
})

const CASES: readonly Case[] = [
  { name: 'as it comes' },
  without('tap-gso', 'tapGso', 'tapUso'),
  without('udp-gso', 'udpGso'),
  without('udp-gro', 'udpGro'),
  without('checksum', 'checksum', 'tapGso', 'tapUso'),
  { ...without('tap-gso,udp-gso,udp-gro,checksum', ...OFFLOADS), name: 'without any' },
  { name: 'refused: USO', env: { REFUSE_USO: `${EINVAL}` }, off: ['tapUso'] },
  { name: 'refused: receiving trains', env: { REFUSE_GRO: `${EINVAL}` }, off: ['udpGro'] },
  { name: 'refused: trains', env: { REFUSE_TRAINS: `${EIO}` }, off: ['udpGso'] },
  { name: 'refused later: trains', env: { REFUSE_TRAINS: `${EIO} 20` }, offLater: ['udpGso'], refuses: 'udp' },
  { name: 'refused later: some trains', env: { REFUSE_TRAINS: `${EINVAL} 20` }, refuses: 'udp' },
  { name: 'refused: super-frames of datagrams', env: { REFUSE_SUPER_FRAMES: `${EINVAL}` }, off: ['tapUso'] },
  { name: 'a cable without checksums', isBareCable: true, tool: 'ethtool' },
]

async function main(): Promise<void> {
  needRoot('offloads')
  const words = (process.env['CASES'] ?? '*').split(',').map(word => word.trim())
  const chosen = CASES.filter(({ name }) => words.some(word => isMeant(word, name)))
  refuseUnknown(
    'offloads',
    'CASES',
    words.filter(word => !CASES.some(({ name }) => isMeant(word, name))),
    CASES.map(({ name }) => `"${name}"`),
  )
  const bytes = numberFromEnvironment('offloads', 'BYTES', 8_000_000)
  const rows: string[][] = []
  const broken: string[] = []
  for (const one of chosen) {
    if (one.tool !== undefined && spawnSync('sh', ['-c', `command -v ${one.tool}`]).status !== 0) {
      console.error(`${one.name}: not looked at, for ${one.tool} is missing`)
      continue
    }
    console.error(one.name)
    const bed = new Testbed()
    try {
      const env = { ...(one.env !== undefined && refusingKernel(bed.directory)), ...one.env }
      const came = await passage(bed, { ...one, env }, bytes)
      rows.push(rowOf(one, came))
      broken.push(...faultsOf(one, came).map(text => `${one.name}: ${text}`))
    } catch (error) {
      broken.push(`${one.name}: ${error instanceof Error ? error.message : String(error)}`)
      console.error(broken.at(-1))
      for (const line of bed.logTails()) console.error(`   ${line}`)
    } finally {
      await bed.close()
    }
  }
  const heads = ['', 'off', 'off later', 'TCP, Mb/s', 'by IPv6', 'datagrams', 'wrong', 'pings', 'large ones', 'refused']
  console.log([`Linux ${release()}`, '', ...table(heads, rows), ''].join('\n'))
  for (const text of broken) console.log(`FAIL ${text}`)
  if (broken.length === 0) console.log('everything came through')
  process.exitCode = broken.length === 0 ? 0 : 1
}

const offIn = (offloads: Readonly<Record<string, boolean>>) => OFFLOADS.filter(name => offloads[name] !== true)

function rowOf({ name }: Case, { streams, datagrams, pings, offloads, refused }: Passage): string[] {
  const before = offIn(offloads.before)
  const later = offIn(offloads.after).filter(offload => !before.includes(offload))
  return [
    name,
    before.join(' ') || '–',
    later.join(' ') || '–',
    ...streams.map(bits => (bits / 1e6).toFixed(0)),
    `${datagrams.came} of ${datagrams.given}`,
    String(datagrams.wrong),
    ...pings.map(({ sent, answered }) => `${answered} of ${sent}`),
    `${refused.udp + refused.tap}`,
  ]
}

function faultsOf({ off = [], offLater = [], refuses }: Case, came: Passage): string[] {
  const { datagrams, pings, offloads, refused } = came
  const isOn = (when: 'before' | 'after', name: Offload) => offloads[when][name] === true
  return [
    ...off.filter(name => isOn('before', name)).map(name => `${name} is on`),
    ...offLater.filter(name => !isOn('before', name)).map(name => `${name} was off before anything was refused`),
    ...[...off, ...offLater].filter(name => isOn('after', name)).map(name => `${name} is on at the end`),
    ...(refuses !== undefined && refused[refuses] === 0 ? ['nothing was refused'] : []),
    ...(datagrams.came < datagrams.given ? [`${datagrams.given - datagrams.came} datagrams did not come`] : []),
    ...(datagrams.wrong > 0 ? [`${datagrams.wrong} datagrams came otherwise than they left`] : []),
    ...pings
      .filter(({ sent, answered }) => answered < sent)
      .map(({ bytes, sent, answered }) => `of ${sent} pings of ${bytes} bytes ${sent - answered} were not answered`),
  ]
}

await main()
