import { isUtf8 } from 'node:buffer'
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { hash } from '@stablelib/blake2b'
import { concatBytes, errorText, toBase32, utf8, WeaveError, type Entropy } from '../base/mod.ts'
import { SecretText } from './secret-text.ts'

export const PSK_BYTES = 32
export const PSK_HINT_BYTES = 4

const HINT_LABEL = 'weave-ts psk hint v1'

const GENERATED_BYTES = 32
const GENERATED_GROUP_CHARACTERS = 4
const PASSWORD_FILE_BYTES_MAX = 4096

export interface ReadSecret {
  readonly secret: SecretText
  readonly warnings: readonly string[]
}

/**
 * Stretches a mesh secret to the 32-byte pre-shared key. Takes 64 MiB and some tenths of a second; in a thread of its
 * own, because a process never gives the memory of WebAssembly back. The secret is empty afterwards: its bytes go to
 * that thread, which wipes them.
 */
export async function stretchSecret(secret: SecretText): Promise<Uint8Array> {
  if (secret.byteLength === 0) throw emptySecret('the mesh secret')
  const file = fileURLToPath(new URL(`./secret-stretcher${extname(import.meta.url)}`, import.meta.url))
  const bytes = secret.take()
  const worker = new Worker(file, { workerData: bytes, transferList: [bytes.buffer] })
  return new Promise((resolve, reject) => {
    worker.once('message', (psk: Uint8Array) => resolve(psk))
    worker.once('error', reject)
    worker.once('exit', () => reject(new Error('the secret was not stretched')))
  })
}

/**
 * Reads a secret from a file, without one trailing newline. It never becomes a string.
 * @throws WeaveError CONFIG_INVALID when it cannot be read, is empty, or is not a text of at most 4 KiB
 */
export function readPasswordFile(path: string): ReadSecret {
  const warnings: string[] = []
  // One byte more, to see that there is more.
  const buffer = Buffer.alloc(PASSWORD_FILE_BYTES_MAX + 1)
  try {
    const text = withoutLineEnd(buffer.subarray(0, readInto(path, buffer, warnings)))
    if (!isUtf8(text))
      throw new WeaveError('CONFIG_INVALID', `the password file ${path} is not UTF-8 text`, 'store the secret as text')
    if (text.length === 0) throw emptySecret(`the password file ${path}`)
    return { secret: new SecretText(text), warnings }
  } finally {
    buffer.fill(0)
  }
}

function readInto(path: string, buffer: Buffer, warnings: string[]): number {
  try {
    const fd = openSync(path, 'r')
    try {
      const stat = fstatSync(fd)
      if (stat.isFile() && (stat.mode & 0o077) !== 0) {
        const mode = (stat.mode & 0o777).toString(8).padStart(4, '0')
        warnings.push(`other users may read the password file ${path} (mode ${mode}); run: chmod 600 ${path}`)
      }
      let filled = 0
      for (let count = -1; count !== 0 && filled < buffer.length; filled += count)
        count = readSync(fd, buffer, filled, buffer.length - filled, null)
      if (filled > PASSWORD_FILE_BYTES_MAX) throw new Error(`more than ${PASSWORD_FILE_BYTES_MAX} bytes`)
      return filled
    } finally {
      closeSync(fd)
    }
  } catch (error) {
    throw new WeaveError(
      'CONFIG_INVALID',
      `the password file ${path} cannot be used: ${errorText(error)}`,
      'name a file that holds the mesh secret on one line; weave-ts keygen prints a strong one',
    )
  }
}

function withoutLineEnd(text: Buffer): Buffer {
  if (text.at(-1) !== 0x0a) return text
  return text.subarray(0, text.at(-2) === 0x0d ? -2 : -1)
}

/** A strong secret as text: 32 random bytes in base32, in groups of four. */
export function generateSecret(entropy: Entropy): string {
  const text = toBase32(entropy.bytes(GENERATED_BYTES))
  return text.replace(new RegExp(`(.{${GENERATED_GROUP_CHARACTERS}})(?=.)`, 'g'), '$1-')
}

/**
 * Tells two pre-shared keys apart on the wire during a rotation. Whoever sees it can test a guessed secret offline,
 * just as whoever sees a handshake; what protects a weak secret is the cost of stretching it.
 */
export function pskHint(psk: Uint8Array): Uint8Array {
  return hash(concatBytes(utf8(HINT_LABEL), psk), 32).slice(0, PSK_HINT_BYTES)
}

function emptySecret(what: string): WeaveError {
  return new WeaveError(
    'CONFIG_INVALID',
    `${what} is empty`,
    'give a secret (weave-ts keygen prints a strong one), or none at all to run without',
  )
}
