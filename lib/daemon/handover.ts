import { readSync } from 'node:fs'
import { SecretText } from '../io/mod.ts'
import { DaemonConfig } from './config.ts'

const BYTES_MAX = 1024 * 1024
const LINE_END = 0x0a

/**
 * How `launch` hands the configuration to the daemon process, on its standard input:
 *
 *     one line of JSON: the configuration, with the byte counts of the secrets in place of them
 *     the bytes of the secret, the bytes of the other secret
 *
 * So no secret ever becomes a string on the way, and every buffer that held one is wiped.
 */
export interface Handover {
  readonly head: string
  /** The caller wipes them. */
  readonly secrets: readonly Uint8Array[]
}

/** Takes the secrets out of the configuration. */
export function handoverOf(config: DaemonConfig): Handover {
  const secrets = [config.secret, config.otherSecret].map(secret => secret?.take())
  const [secret, otherSecret] = secrets.map(bytes => bytes?.length ?? null)
  return {
    head: `${JSON.stringify({ ...config, secret, otherSecret })}\n`,
    secrets: secrets.filter(bytes => bytes !== undefined),
  }
}

/** Reads a file descriptor to its end. Throws when what comes is no handover. */
export function readHandover(fd: number): DaemonConfig {
  const buffer = Buffer.alloc(BYTES_MAX)
  try {
    return decode(buffer.subarray(0, fill(fd, buffer)))
  } finally {
    buffer.fill(0)
  }
}

function decode(bytes: Buffer): DaemonConfig {
  const headBytes = bytes.indexOf(LINE_END) + 1
  const head = JSON.parse(bytes.toString('utf8', 0, headBytes)) as Record<'secret' | 'otherSecret', number | null>
  let at = headBytes
  const next = (count: number | null) => {
    if (count === null) return null
    const secret = new SecretText(bytes.subarray(at, at + count))
    at += count
    return secret
  }
  return DaemonConfig.parse({ ...head, secret: next(head.secret), otherSecret: next(head.otherSecret) })
}

function fill(fd: number, buffer: Buffer): number {
  let filled = 0
  while (filled < buffer.length) {
    const count = readSync(fd, buffer, filled, buffer.length - filled, null)
    if (count === 0) return filled
    filled += count
  }
  throw new Error(`the configuration has ${filled} bytes or more; the limit is ${BYTES_MAX}`)
}
