import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { WeaveError } from '../base/mod.ts'

/** Where the build leaves the page, seen from where this was compiled to and from where it was joined to. */
export const PAGE_DIRECTORY = fileURLToPath(new URL('../../../build/bundle/page/', import.meta.url))
const INDEX_FILE = 'index.html'
const FILE_NAME = /^[a-z0-9][a-z0-9._-]{0,99}\.(html|js|css|svg)$/i
const FILE_BYTES_MAX = 16 * 1024 * 1024

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
}

/** With each file: nothing runs but the page's own script, nothing is asked of anybody else, nobody frames it. */
export const PAGE_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': [
    ...["default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "img-src 'self' data:"],
    ...["base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"],
  ].join('; '),
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
}

export interface PageAnswer {
  readonly status: 200 | 304
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

/**
 * The files of the operator's page as the build left them in one directory. What lies in it by a plain name and with a known
 * ending is served, and nothing else: no directory below it, no link that leads elsewhere.
 */
export class PageFiles {
  readonly #directory: string

  constructor(directory = PAGE_DIRECTORY) {
    this.#directory = directory
  }

  /**
   * The answer to a GET of a path. `known`: what `If-None-Match` says that the browser has. Undefined: there is no such file.
   * @throws WeaveError PAGE_MISSING where there is no page at all
   */
  async answer(path: string, known: string | undefined): Promise<PageAnswer | undefined> {
    const name = path === '/' ? INDEX_FILE : path.slice(1)
    const ending = FILE_NAME.exec(name)?.[1]?.toLowerCase()
    const body = ending === undefined ? undefined : await this.#read(name)
    if (ending === undefined || body === undefined) {
      if (name === INDEX_FILE) throw missing(this.#directory)
      return undefined
    }
    const etag = `"${createHash('sha256').update(body).digest('base64url')}"`
    const headers = { ...PAGE_HEADERS, 'content-type': CONTENT_TYPES[ending]!, 'cache-control': 'no-cache', etag }
    const isKnown = known?.split(',').some(one => one.trim().replace(/^W\//, '') === etag) === true
    return isKnown ? { status: 304, headers, body: Buffer.alloc(0) } : { status: 200, headers, body }
  }

  /** @throws WeaveError PAGE_MISSING */
  async requirePage(): Promise<void> {
    if ((await this.#read(INDEX_FILE)) === undefined) throw missing(this.#directory)
  }

  async #read(name: string): Promise<Buffer | undefined> {
    let file
    try {
      file = await open(join(this.#directory, name), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    } catch {
      return undefined
    }
    try {
      const stat = await file.stat()
      return stat.isFile() && stat.size <= FILE_BYTES_MAX ? await file.readFile() : undefined
    } finally {
      await file.close()
    }
  }
}

function missing(directory: string): WeaveError {
  return new WeaveError(
    'PAGE_MISSING',
    `the page is not there: ${join(directory, INDEX_FILE)} is missing`,
    'run `make build` in a checkout, or install weave-ts again',
  )
}
