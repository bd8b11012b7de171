import { readFileSync, statSync } from 'node:fs'
import { hash } from '@stablelib/blake2b'
import { argon2id } from 'hash-wasm'
import { concatBytes, errorText, toBase32, utf8, WeaveError, type Entropy } from '../base/mod.ts'

export const PSK_BYTES = 32
export const PSK_HINT_BYTES = 4

/** The work that guessing one secret costs (RFC 9106 §4, second recommended option). */
const ARGON2_MEMORY_KIB = 64 * 1024
const ARGON2_PASSES = 3
const ARGON2_LANES = 1
/** One salt for all: every peer of a mesh must reach the same key from the secret alone. */
const ARGON2_SALT = 'weave-ts mesh secret v1'
const HINT_LABEL = 'weave-ts psk hint v1'

const GENERATED_BYTES = 32
const GENERATED_GROUP_CHARACTERS = 4
const PASSWORD_FILE_BYTES_MAX = 4096

export interface ReadSecret {
  readonly secret: string
  readonly warnings: readonly string[]
}

/** Stretches a mesh secret to the 32-byte pre-shared key. Takes 64 MiB and some tenths of a second. */
export async function stretchSecret(secret: string): Promise<Uint8Array> {
  if (secret === '') throw emptySecret('the mesh secret')
  return argon2id({
    password: utf8(secret),
    salt: utf8(ARGON2_SALT),
    memorySize: ARGON2_MEMORY_KIB,
    iterations: ARGON2_PASSES,
    parallelism: ARGON2_LANES,
    hashLength: PSK_BYTES,
    outputType: 'binary',
  })
}

/**
 * Reads a secret from a file, without one trailing newline.
 * @throws WeaveError CONFIG_INVALID when it cannot be read, is empty, or is not a text of at most 4 KiB
 */
export function readPasswordFile(path: string): ReadSecret {
  const warnings: string[] = []
  let bytes: Uint8Array
  try {
    const stat = statSync(path)
    if (stat.isFile() && (stat.mode & 0o077) !== 0) {
      const mode = (stat.mode & 0o777).toString(8).padStart(4, '0')
      warnings.push(`other users may read the password file ${path} (mode ${mode}); run: chmod 600 ${path}`)
    }
    if (stat.size > PASSWORD_FILE_BYTES_MAX) throw new Error(`${stat.size} bytes, at most ${PASSWORD_FILE_BYTES_MAX}`)
    bytes = readFileSync(path)
  } catch (error) {
    throw new WeaveError(
      'CONFIG_INVALID',
      `the password file ${path} cannot be used: ${errorText(error)}`,
      'Name a file that holds the mesh secret on one line; weave-ts keygen prints a strong one.',
    )
  }
  let secret: string
  try {
    secret = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes).replace(/\r?\n$/, '')
  } catch {
    throw new WeaveError('CONFIG_INVALID', `the password file ${path} is not UTF-8 text`, 'Store the secret as text.')
  }
  if (secret === '') throw emptySecret(`the password file ${path}`)
  return { secret, warnings }
}

/** A strong secret as text: 32 random bytes in base32, in groups of four. */
export function generateSecret(entropy: Entropy): string {
  const text = toBase32(entropy.bytes(GENERATED_BYTES))
  return text.replace(new RegExp(`(.{${GENERATED_GROUP_CHARACTERS}})(?=.)`, 'g'), '$1-')
}

/**
 * Tells two pre-shared keys apart on the wire during a rotation. Whoever sees it can test a guessed secret offline, just
 * as whoever sees a handshake; what protects a weak secret is the cost of stretching it.
 */
export function pskHint(psk: Uint8Array): Uint8Array {
  return hash(concatBytes(utf8(HINT_LABEL), psk), 32).slice(0, PSK_HINT_BYTES)
}

function emptySecret(what: string): WeaveError {
  return new WeaveError(
    'CONFIG_INVALID',
    `${what} is empty`,
    'Give a secret (weave-ts keygen prints a strong one), or none at all to run without.',
  )
}
