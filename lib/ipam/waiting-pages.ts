import type { PeerId } from '../address/mod.ts'
import type { Page } from './blocks-record.ts'

/** A record that cannot be judged yet. */
export interface WaitingPage {
  readonly author: PeerId
  readonly page: Page
  readonly value: Uint8Array
  /** Takeovers that must be known first. */
  readonly waitsFor: readonly string[]
}

/**
 * Records that cannot be judged yet, at most `limit`. To make room the author with the most of them loses its oldest: so
 * nobody pushes aside what one who has fewer waits with.
 */
export class WaitingPages {
  readonly #limit: number
  /** The oldest first. */
  readonly #byAuthor = new Map<PeerId, Map<Page, WaitingPage>>()
  #size = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  add(waiting: WaitingPage): void {
    const { author, page } = waiting
    this.delete(author, page)
    const pages = this.#byAuthor.get(author) ?? new Map<Page, WaitingPage>()
    this.#byAuthor.set(author, pages.set(page, waiting))
    this.#size++
    if (this.#size > this.#limit) this.#makeRoom()
  }

  delete(author: PeerId, page: Page): void {
    const pages = this.#byAuthor.get(author)
    if (pages?.delete(page) !== true) return
    this.#size--
    if (pages.size === 0) this.#byAuthor.delete(author)
  }

  pages(): WaitingPage[] {
    return [...this.#byAuthor.values()].flatMap(pages => [...pages.values()])
  }

  clear(): void {
    this.#byAuthor.clear()
    this.#size = 0
  }

  #makeRoom(): void {
    let most: [PeerId, ReadonlyMap<Page, WaitingPage>] | undefined
    for (const entry of this.#byAuthor) if (most === undefined || entry[1].size > most[1].size) most = entry
    if (most === undefined) return
    const [oldest] = most[1].keys()
    if (oldest !== undefined) this.delete(most[0], oldest)
  }
}
