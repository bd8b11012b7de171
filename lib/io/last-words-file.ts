import { closeSync, fsyncSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { openStateFile, readStateFile } from './state-file.ts'

export const LAST_WORDS_FILE = 'last-words'
/** Written once when the file is made, so that the disk need not give anything when there are words to keep. */
const FILE_BYTES = 4096

/**
 * Keeps why a daemon ended by itself in a small file whose place on the disk was taken beforehand: a full disk, which
 * may be that reason, can keep a log from saying it. No method throws.
 */
export class LastWordsFile {
  readonly #path: string
  #fd: number | undefined

  constructor(stateDir: string) {
    this.#path = join(stateDir, LAST_WORDS_FILE)
    this.write('')
  }

  /** Replaces what is there; what is too long is cut. An empty text: nothing to say. */
  write(text: string): void {
    try {
      const fd = (this.#fd ??= openStateFile(this.#path, 'rewrite'))
      const bytes = Buffer.alloc(FILE_BYTES, ' ')
      bytes.write(text)
      writeSync(fd, bytes, 0, FILE_BYTES, 0)
      fsyncSync(fd)
    } catch {
      return
    }
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd)
    this.#fd = undefined
  }
}

/** What the last daemon of a state directory kept there; undefined when there is nothing. */
export function readLastWords(stateDir: string): string | undefined {
  try {
    const text = readStateFile(join(stateDir, LAST_WORDS_FILE)).trim()
    return text === '' ? undefined : text
  } catch {
    return undefined
  }
}
