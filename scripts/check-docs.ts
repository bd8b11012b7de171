/**
 * Compares the tables of constants in docs/protocol.md with the code: `node build/scripts/check-docs.js` prints the
 * differences and exits 1 when there are any; with `--write` it corrects the values and adds rows for what is missing.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { argv } from 'node:process'
import { pathToFileURL } from 'node:url'
import * as crypto from '../lib/crypto/constants.ts'
import * as ipam from '../lib/ipam/constants.ts'
import * as ledger from '../lib/ledger/constants.ts'
import * as node from '../lib/node/constants.ts'
import * as noise from '../lib/noise/constants.ts'
import * as sessionMessage from '../lib/noise/session-message.ts'
import * as overlay from '../lib/overlay/constants.ts'
import * as peer from '../lib/peer/constants.ts'
import * as topology from '../lib/topology/constants.ts'
import * as control from '../lib/wire/control.ts'
import * as datagram from '../lib/wire/datagram.ts'
import * as datagramBundle from '../lib/wire/datagram-bundle.ts'
import * as hello from '../lib/wire/hello.ts'
import * as ipamMessage from '../lib/wire/ipam-message.ts'
import * as ledgerMessage from '../lib/wire/ledger-message.ts'
import * as ledgerSync from '../lib/wire/ledger-sync.ts'
import * as linkMessage from '../lib/wire/link-message.ts'
import * as nameRecord from '../lib/wire/name-record.ts'
import * as preamble from '../lib/wire/preamble.ts'
import * as record from '../lib/wire/record.ts'
import * as refusal from '../lib/wire/refusal.ts'

/** The heading of a table in docs/protocol.md is the file whose numbers it holds. */
const SOURCES: Readonly<Record<string, object>> = {
  'lib/wire/preamble.ts': preamble,
  'lib/wire/refusal.ts': refusal,
  'lib/wire/hello.ts': hello,
  'lib/wire/link-message.ts': linkMessage,
  'lib/wire/record.ts': record,
  'lib/wire/ledger-message.ts': ledgerMessage,
  'lib/wire/ledger-sync.ts': ledgerSync,
  'lib/wire/ipam-message.ts': ipamMessage,
  'lib/wire/name-record.ts': nameRecord,
  'lib/wire/datagram.ts': datagram,
  'lib/wire/datagram-bundle.ts': datagramBundle,
  'lib/wire/control.ts': control,
  'lib/crypto/constants.ts': crypto,
  'lib/peer/constants.ts': peer,
  'lib/noise/constants.ts': noise,
  'lib/noise/session-message.ts': sessionMessage,
  'lib/ledger/constants.ts': ledger,
  'lib/topology/constants.ts': topology,
  'lib/ipam/constants.ts': ipam,
  'lib/overlay/constants.ts': overlay,
  'lib/node/constants.ts': node,
}

const ROW = /^\| `([^`]+)` \| ([^|]+) \|/

/** The directory that holds package.json. */
export function projectRoot(): string {
  let directory = import.meta.dirname
  while (!existsSync(join(directory, 'package.json'))) directory = dirname(directory)
  return directory
}

/** `file NAME` or `file NAME.key` to its value, for every number that the files above export. */
export function codeConstants(): Map<string, number> {
  const found = new Map<string, number>()
  for (const [file, module] of Object.entries(SOURCES)) {
    for (const [name, value] of Object.entries(module) as [string, unknown][]) {
      if (typeof value === 'number') found.set(`${file} ${name}`, value)
      else if (typeof value === 'object' && value !== null) {
        for (const [key, inner] of Object.entries(value) as [string, unknown][])
          if (typeof inner === 'number') found.set(`${file} ${name}.${key}`, inner)
      }
    }
  }
  return found
}

/** The same, as docs/protocol.md states them. NaN for a value that cannot be read. */
export function documentedConstants(markdown: string): Map<string, number> {
  const found = new Map<string, number>()
  let file: string | undefined
  for (const line of markdown.split('\n')) {
    if (line.startsWith('#')) file = /^#+ `([^`]+)`$/.exec(line)?.[1]
    const row = ROW.exec(line)
    if (file !== undefined && row !== null) found.set(`${file} ${row[1]!}`, parseValue(row[2]!))
  }
  return found
}

/** Numbers as they are written: 60,000 or 2^34. */
export function formatValue(value: number): string {
  const exponent = Math.round(Math.log2(value))
  if (value >= 2 ** 20 && value === 2 ** exponent) return `2^${exponent}`
  return Number.isInteger(value) ? value.toLocaleString('en-US') : String(value)
}

function parseValue(text: string): number {
  const power = /^2\^(\d+)$/.exec(text.trim())
  if (power !== null) return 2 ** Number(power[1])
  const plain = text.trim().replaceAll(',', '')
  return /^\d+(\.\d+)?$/.test(plain) ? Number(plain) : Number.NaN
}

/** The page with every value corrected, and with a row for each constant that has none. Rows of what is gone are removed. */
export function correctedPage(markdown: string): string {
  const code = codeConstants()
  const lines: string[] = []
  let file: string | undefined
  let left = new Map<string, number>()
  const addMissing = () => {
    if (left.size === 0) return
    let end = lines.length
    while (lines[end - 1] === '') end--
    lines.splice(end, 0, ...[...left].map(([name, value]) => `| \`${name}\` | ${formatValue(value)} | |`))
    left = new Map()
  }
  for (const line of markdown.split('\n')) {
    if (line.startsWith('#')) {
      addMissing()
      file = /^#+ `([^`]+)`$/.exec(line)?.[1]
      for (const [key, value] of code) if (key.startsWith(`${file} `)) left.set(key.slice(`${file} `.length), value)
    }
    const row = file === undefined ? null : ROW.exec(line)
    if (row === null) {
      lines.push(line)
      continue
    }
    const value = left.get(row[1]!)
    if (value === undefined) continue
    left.delete(row[1]!)
    lines.push(parseValue(row[2]!) === value ? line : line.replace(ROW, `| \`${row[1]!}\` | ${formatValue(value)} |`))
  }
  addMissing()
  return lines.join('\n')
}

/** One line for each difference between docs/protocol.md and the code. */
export function differences(markdown: string): string[] {
  const code = codeConstants()
  const stated = documentedConstants(markdown)
  return [...new Set([...code.keys(), ...stated.keys()])]
    .filter(key => code.get(key) !== stated.get(key))
    .map(key => `${key}: the code says ${code.get(key) ?? 'nothing'}, docs/protocol.md ${stated.get(key) ?? 'nothing'}`)
}

if (argv[1] !== undefined && pathToFileURL(argv[1]).href === import.meta.url) {
  const page = join(projectRoot(), 'docs/protocol.md')
  if (argv.includes('--write')) writeFileSync(page, correctedPage(readFileSync(page, 'utf8')))
  const found = differences(readFileSync(page, 'utf8'))
  for (const line of found) console.log(line)
  process.exitCode = found.length === 0 ? 0 : 1
}
