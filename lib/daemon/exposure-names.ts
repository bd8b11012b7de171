import type { StateStore } from '../io/mod.ts'
import { EXPOSED_ID, EXPOSURE_NAMES_KEY } from './constants.ts'
import type { NameBook } from './name-book.ts'

/** What this host is called on the overlay: kept in the store, published with the addresses that it has there. */
export class ExposureNames {
  readonly #store: Pick<StateStore, 'get' | 'write'>
  readonly #book: Pick<NameBook, 'domain' | 'publish'>

  constructor(store: Pick<StateStore, 'get' | 'write'>, book: Pick<NameBook, 'domain' | 'publish'>) {
    this.#store = store
    this.#book = book
  }

  /** Relative to the zone. */
  get all(): readonly string[] {
    const value = this.#store.get(EXPOSURE_NAMES_KEY)
    return value === undefined ? [] : (JSON.parse(new TextDecoder().decode(value)) as string[])
  }

  /** With the domain. */
  get full(): string[] {
    return this.all.map(name => this.#book.domain.full(name))
  }

  /** As an operator writes them. @throws WeaveError BAD_NAME */
  parse(texts: readonly string[]): string[] {
    return this.#book.domain.parseAll(texts)
  }

  /** Puts them in the place of those that were. @throws WeaveError BAD_NAME, STATE_IO */
  set(names: readonly string[]): void {
    const value = new TextEncoder().encode(JSON.stringify(this.#book.domain.checkCount([...new Set(names)])))
    if (names.length === 0) this.#store.write([], [EXPOSURE_NAMES_KEY])
    else this.#store.write([[EXPOSURE_NAMES_KEY, value]])
  }

  /** @throws WeaveError NAMES_FULL */
  publish(cidrs: readonly string[], ipv6: readonly string[]): void {
    this.#book.publish({ id: EXPOSED_ID, cidrs, ipv6, names: this.all })
  }
}
