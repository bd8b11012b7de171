/**
 * A short-lived process that meets the state store first. LMDB maps the file into memory and trusts it, so a damaged
 * one can end the process that opens it by a signal: better this one than the daemon.
 *
 * Arguments: `create`, `check` or `read`, and the path. Prints one line of JSON, a StoreFinding; with `read` first all
 * that the store holds, as a stream of entries (store-stream.ts).
 */
import { rmSync, statSync, writeSync } from 'node:fs'
import { ABORT, type RootDatabase } from 'lmdb'
import { equalBytes, errorText } from '../base/mod.ts'
import { openEnvironment } from './state-env.ts'
import {
  CHECKSUM_BYTES,
  EMPTY_HEAD,
  STORE_COPY_SUFFIX,
  STORE_HEAD_KEY,
  STORE_SCHEMA_VERSION,
  addToSum,
  decodeHead,
  encodeHead,
  openRecord,
  recordChecksum,
  sealRecord,
} from './state-record.ts'
import { encodeStreamEntry } from './store-stream.ts'

export type StoreFinding =
  | { readonly outcome: 'good' }
  | { readonly outcome: 'damaged'; readonly reason: string }
  | { readonly outcome: 'version'; readonly found: number }

/** What `read` writes at once. */
const WRITE_BYTES = 64 * 1024
const STANDARD_OUTPUT = 1
const TRIAL_BYTES_MAX = 256 * 1024 * 1024

async function main(task: string | undefined, path: string | undefined): Promise<void> {
  const out = task === 'read' ? new Output() : undefined
  let finding: StoreFinding
  try {
    if (path === undefined) throw new Error('no path')
    const env = openEnvironment(path)
    finding = task === 'create' ? create(env) : await check(env, path, (key, value) => out?.entry(key, value))
    await env.close()
  } catch (error) {
    finding = { outcome: 'damaged', reason: errorText(error) }
  }
  const text = JSON.stringify(finding)
  if (out === undefined) process.stdout.write(`${text}\n`)
  else out.end(text)
}

/** Gathers entries, and waits when nobody takes them. */
class Output {
  #parts: Uint8Array[] = []
  #bytes = 0

  entry(key: string, value: Uint8Array): void {
    const part = encodeStreamEntry(key, value)
    this.#parts.push(part)
    this.#bytes += part.length
    if (this.#bytes >= WRITE_BYTES) this.#flush()
  }

  end(finding: string): void {
    this.entry('', Buffer.from(finding))
    this.#flush()
  }

  #flush(): void {
    const bytes = Buffer.concat(this.#parts)
    for (let at = 0; at < bytes.length;) at += writeSync(STANDARD_OUTPUT, bytes, at)
    this.#parts = []
    this.#bytes = 0
  }
}

function create(env: RootDatabase<Buffer, string>): StoreFinding {
  env.transactionSync(() => {
    env.putSync(STORE_HEAD_KEY, Buffer.from(sealRecord(STORE_HEAD_KEY, encodeHead(EMPTY_HEAD))))
  })
  return { outcome: 'good' }
}

async function check(
  env: RootDatabase<Buffer, string>,
  path: string,
  onEntry: (key: string, value: Uint8Array) => void,
): Promise<StoreFinding> {
  const sealedHead = env.get(STORE_HEAD_KEY)
  if (sealedHead === undefined) return damaged('its head record is missing')
  const headValue = openRecord(STORE_HEAD_KEY, sealedHead)
  const head = headValue === undefined ? undefined : decodeHead(headValue)
  if (head === undefined) return damaged('its head record has a wrong checksum')
  if (head.version !== STORE_SCHEMA_VERSION) return { outcome: 'version', found: head.version }

  const sum = new Uint8Array(CHECKSUM_BYTES)
  let records = 0
  for (const { key, value } of env.getRange()) {
    if (key === STORE_HEAD_KEY) continue
    const opened = openRecord(String(key), value)
    if (opened === undefined) return damaged(`record ${String(key)} has a wrong checksum`)
    onEntry(String(key), opened)
    addToSum(sum, recordChecksum(value))
    records++
  }
  if (records !== head.records) return damaged(`it holds ${records} records and should hold ${head.records}`)
  if (!equalBytes(sum, head.sum)) return damaged('its records are not the ones that were written')
  await tryToUse(env, path)
  return { outcome: 'good' }
}

/**
 * Lets LMDB make a compact copy, which walks every page of the data and the whole list of free pages; and then write,
 * in a transaction that is aborted. Neither changes the file.
 */
async function tryToUse(env: RootDatabase<Buffer, string>, path: string): Promise<void> {
  const copy = path + STORE_COPY_SUFFIX
  rmSync(copy, { force: true })
  try {
    await env.backup(copy, true)
  } catch (error) {
    if (!/ENOSPC|no space/i.test(errorText(error))) throw error
  } finally {
    rmSync(copy, { force: true })
  }
  const filler = Buffer.alloc(Math.min(statSync(path).size + 1, TRIAL_BYTES_MAX))
  env.transactionSync(() => {
    env.putSync('!trial', filler)
    return ABORT
  })
}

function damaged(reason: string): StoreFinding {
  return { outcome: 'damaged', reason }
}

await main(process.argv[2], process.argv[3])
