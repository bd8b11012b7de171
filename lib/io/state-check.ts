/**
 * A short-lived process that meets the state store first. LMDB maps the file into memory and trusts it, so a damaged one
 * can end the process that opens it by a signal: better this one than the daemon.
 *
 * Arguments: `create` or `check`, and the path. Prints one line of JSON, a StoreFinding.
 */
import { rmSync, statSync } from 'node:fs'
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

export type StoreFinding =
  | { readonly outcome: 'good' }
  | { readonly outcome: 'damaged'; readonly reason: string }
  | { readonly outcome: 'version'; readonly found: number }

const TRIAL_BYTES_MAX = 256 * 1024 * 1024

async function main(task: string | undefined, path: string | undefined): Promise<void> {
  let finding: StoreFinding
  try {
    if (path === undefined) throw new Error('no path')
    const env = openEnvironment(path)
    finding = task === 'create' ? create(env) : await check(env, path)
    await env.close()
  } catch (error) {
    finding = { outcome: 'damaged', reason: errorText(error) }
  }
  process.stdout.write(`${JSON.stringify(finding)}\n`)
}

function create(env: RootDatabase<Buffer, string>): StoreFinding {
  env.transactionSync(() => {
    env.putSync(STORE_HEAD_KEY, Buffer.from(sealRecord(STORE_HEAD_KEY, encodeHead(EMPTY_HEAD))))
  })
  return { outcome: 'good' }
}

async function check(env: RootDatabase<Buffer, string>, path: string): Promise<StoreFinding> {
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
    if (openRecord(String(key), value) === undefined) return damaged(`record ${String(key)} has a wrong checksum`)
    addToSum(sum, recordChecksum(value))
    records++
  }
  if (records !== head.records) return damaged(`it holds ${records} records and should hold ${head.records}`)
  if (!equalBytes(sum, head.sum)) return damaged('its records are not the ones that were written')
  await tryToUse(env, path)
  return { outcome: 'good' }
}

/**
 * Lets LMDB make a compact copy, which walks every page of the data and the whole list of free pages; and then write, in a
 * transaction that is aborted. Neither changes the file.
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
