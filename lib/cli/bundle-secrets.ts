import { join } from 'node:path'
import { fromHex } from '../base/mod.ts'
import type { GivenOptions } from '../daemon/mod.ts'
import { IDENTITY_FILE, SECRET_FILE, readPasswordFile, readStateFile } from '../io/mod.ts'

/** The secrets of this host, for them to be left out; and what could not be read. */
export interface KnownSecrets {
  readonly secrets: readonly Uint8Array[]
  readonly unread: readonly string[]
}

/** Reads them where the last launch had them. `options`: what that remembered. */
export function knownSecrets(
  stateDir: string,
  options: GivenOptions,
  env: Readonly<Record<string, string | undefined>>,
): KnownSecrets {
  const secrets: Uint8Array[] = []
  const unread: string[] = []
  const fromEnvironment = env['WEAVE_PASSWORD'] ?? ''
  if (fromEnvironment !== '') secrets.push(new TextEncoder().encode(fromEnvironment))
  const files = [options['passwordFile'], options['otherPasswordFile']].filter(file => typeof file === 'string')
  for (const file of new Set([...files, join(stateDir, SECRET_FILE)]))
    try {
      secrets.push(readPasswordFile(file).secret.take())
    } catch {
      // That of an invitation is there on hosts that joined by one only.
      if (files.includes(file)) unread.push(file)
    }
  try {
    const { seed } = JSON.parse(readStateFile(join(stateDir, IDENTITY_FILE))) as { readonly seed?: unknown }
    const bytes = typeof seed === 'string' ? fromHex(seed) : undefined
    if (bytes !== undefined) secrets.push(bytes)
  } catch {
    unread.push(join(stateDir, IDENTITY_FILE))
  }
  return { secrets, unread }
}
