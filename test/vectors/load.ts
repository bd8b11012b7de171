import { readFileSync } from 'node:fs'
import { fromHex } from '../../lib/base/bytes.ts'

/** Reads a file of test/vectors, from the sources or from a build directory beside them. */
export function loadVectors<T>(name: string): T {
  for (const up of ['./', '../../../test/vectors/']) {
    try {
      return JSON.parse(readFileSync(new URL(up + name, import.meta.url), 'utf8')) as T
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
  }
  throw new Error(`no vectors named ${name}`)
}

export function hex(text: string): Uint8Array {
  const bytes = fromHex(text)
  if (bytes === undefined) throw new Error(`not hex: ${text}`)
  return bytes
}
