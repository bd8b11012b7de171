import { closeSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { errorText, WeaveError } from '../base/mod.ts'

/**
 * A file that was not there before: made before something that takes long, so that it is known then whether it can be, and
 * filled or taken away after it.
 */
export class NewFile {
  readonly #path: string
  #fd: number | undefined

  private constructor(path: string, fd: number) {
    this.#path = path
    this.#fd = fd
  }

  /** `what`: what is to be in it, as a message begins with it. @throws WeaveError USAGE */
  static make(path: string, what: string, mode = 0o666): NewFile {
    try {
      return new NewFile(path, openSync(path, 'wx', mode))
    } catch (error) {
      throw new WeaveError(
        'USAGE',
        `${what} cannot be written: ${errorText(error)}`,
        'name a new file in a directory that is there',
      )
    }
  }

  /** All that is to be in it. Once. */
  fill(content: string | Uint8Array): void {
    writeFileSync(this.#fd!, content)
    this.#close()
  }

  /** Takes it away again. */
  remove(): void {
    this.#close()
    rmSync(this.#path, { force: true })
  }

  #close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd)
    this.#fd = undefined
  }
}
