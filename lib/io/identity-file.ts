import { createHash } from 'node:crypto'
import { chmodSync, existsSync, lstatSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { errorText, fromHex, toHex, WeaveError, type Entropy } from '../base/mod.ts'
import { CACHE_STORE_FILE } from './cache-store.ts'
import { renameDurably, writeFileDurably } from './durable-file.ts'
import { makeStateDir } from './state-dir.ts'
import { isOpenToOthers, readStateFile } from './state-file.ts'
import { STATE_STORE_FILE } from './state-store.ts'

export const IDENTITY_FILE = 'identity.json'
export const IDENTITY_SEED_BYTES = 32
const IDENTITY_VERSION = 1
const MACHINE_LABEL = 'weave-ts machine binding v1'
const MACHINE_HASH_BYTES = 16
const IDENTITY_CHECKSUM_BYTES = 8
const DEFAULT_MACHINE_ID_PATH = '/etc/machine-id'

/** What makes this peer itself. */
export interface StoredIdentity {
  /** 32 bytes; the Ed25519 seed. */
  readonly seed: Uint8Array
  /** Hex hash of the machine id that the state is bound to; undefined when the machine has none. */
  readonly machineHash: string | undefined
}

export interface LoadedIdentity {
  readonly identity: StoredIdentity
  /** `cloned`: the state came from another machine and was moved aside; begin with a fresh store. */
  readonly origin: 'loaded' | 'created' | 'cloned'
  /** What an operator should read. */
  readonly notices: readonly string[]
}

export interface IdentityOptions {
  readonly entropy: Entropy
  readonly machineIdPath?: string
}

/**
 * Loads `<state-dir>/identity.json` (0600), or makes a new identity where there is no state at all. State that was
 * bound to another machine (a cloned disk) is moved aside, never used and never deleted. Call it with the state lock
 * held and before the store is opened.
 * @throws WeaveError IDENTITY_DAMAGED (nothing was changed), STATE_IO
 */
export function loadIdentity(stateDir: string, options: IdentityOptions): LoadedIdentity {
  makeStateDir(stateDir)
  const path = join(stateDir, IDENTITY_FILE)
  const machineHash = readMachineHash(options.machineIdPath ?? DEFAULT_MACHINE_ID_PATH)
  if (!isThere(path)) {
    if (isThere(join(stateDir, STATE_STORE_FILE))) {
      throw damaged(path, `it is missing, but ${join(stateDir, STATE_STORE_FILE)} is there`, stateDir)
    }
    return { identity: create(path, machineHash, options.entropy), origin: 'created', notices: [] }
  }

  const notices: string[] = []
  const identity = read(path, stateDir)
  if (isOpenToOthers(lstatSync(path))) {
    attempt(path, () => chmodSync(path, 0o600))
    notices.push(`${path} holds the private key and could be read by other users; its mode is now 0600`)
  }
  if (machineHash === undefined || identity.machineHash === machineHash) return { identity, origin: 'loaded', notices }
  if (identity.machineHash === undefined) {
    const bound = { seed: identity.seed, machineHash }
    attempt(path, () => writeFileDurably(path, encode(bound)))
    return { identity: bound, origin: 'loaded', notices }
  }
  const suffix = moveAside(stateDir)
  notices.push(
    `the state in ${stateDir} was made on another machine (a cloned disk?): this host takes a new identity; ` +
      `the old state was kept under names ending in ${suffix}`,
  )
  return { identity: create(path, machineHash, options.entropy), origin: 'cloned', notices }
}

function create(path: string, machineHash: string | undefined, entropy: Entropy): StoredIdentity {
  const identity = { seed: entropy.bytes(IDENTITY_SEED_BYTES), machineHash }
  attempt(path, () => writeFileDurably(path, encode(identity)))
  return identity
}

function read(path: string, stateDir: string): StoredIdentity {
  let text: string
  try {
    text = readStateFile(path)
  } catch (error) {
    throw damaged(path, errorText(error), stateDir)
  }
  const identity = decode(text)
  if (typeof identity === 'string') throw damaged(path, identity, stateDir)
  return identity
}

function encode(identity: StoredIdentity): string {
  const seed = toHex(identity.seed)
  const machine = identity.machineHash ?? null
  const fields = { version: IDENTITY_VERSION, seed, machine, checksum: checksum(IDENTITY_VERSION, seed, machine) }
  return `${JSON.stringify(fields, null, 2)}\n`
}

/** The identity, or what is wrong with the text; never a part of the seed. */
function decode(text: string): StoredIdentity | string {
  let fields: unknown
  try {
    fields = JSON.parse(text)
  } catch {
    return `it is not JSON (${text.length} characters)`
  }
  if (typeof fields !== 'object' || fields === null) return 'it is not a JSON object'
  const { version, seed, machine, checksum: sum } = fields as Record<string, unknown>
  if (version !== IDENTITY_VERSION) return `its version is ${String(version)}, known is ${IDENTITY_VERSION}`
  if (typeof seed !== 'string' || (machine !== null && typeof machine !== 'string')) return 'a field is missing'
  if (sum !== checksum(version, seed, machine)) return 'its checksum is wrong'
  const bytes = fromHex(seed)
  if (bytes?.length !== IDENTITY_SEED_BYTES) return `its seed is not ${IDENTITY_SEED_BYTES} bytes of hex`
  return { seed: bytes, machineHash: machine ?? undefined }
}

function checksum(version: number, seed: string, machine: string | null): string {
  return digest(`${version}|${seed}|${machine ?? ''}`, IDENTITY_CHECKSUM_BYTES)
}

/** systemd asks that the machine id itself is not handed around: machine-id(5). */
function readMachineHash(path: string): string | undefined {
  let text: string
  try {
    text = readFileSync(path, 'utf8').trim()
  } catch {
    return undefined
  }
  return /^[0-9a-f]{32}$/.test(text) ? digest(`${MACHINE_LABEL}|${text}`, MACHINE_HASH_BYTES) : undefined
}

function digest(text: string, byteCount: number): string {
  return createHash('blake2b512')
    .update(text)
    .digest('hex')
    .slice(0, 2 * byteCount)
}

/** The identity goes last: after a crash half-way the next start finds the same clone again and goes on. */
function moveAside(stateDir: string): string {
  const stores = [CACHE_STORE_FILE, STATE_STORE_FILE]
  const names = [...stores.flatMap(name => [name, `${name}-lock`]), IDENTITY_FILE]
  let number = 1
  while (names.some(name => existsSync(join(stateDir, `${name}.cloned-${number}`)))) number++
  const suffix = `.cloned-${number}`
  for (const name of names) {
    const path = join(stateDir, name)
    if (isThere(path)) attempt(path, () => renameDurably(path, path + suffix))
  }
  return suffix
}

function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined
}

function attempt(path: string, step: () => void): void {
  try {
    step()
  } catch (error) {
    throw new WeaveError(
      'STATE_IO',
      `${path} could not be written: ${errorText(error)}`,
      `look at free space and permissions of its directory (df ${path}), then launch again`,
    )
  }
}

function damaged(path: string, reason: string, stateDir: string): WeaveError {
  return new WeaveError(
    'IDENTITY_DAMAGED',
    `the identity file ${path} cannot be used: ${reason}`,
    `restore it from a backup; or give this host a new identity: move the whole state aside (mv ${stateDir} ` +
      `${stateDir}.damaged), launch again with the peers to join, and forget the old peer there (nothing was changed)`,
  )
}
