/** What the control links of a daemon carried, and how many there were, since its start. */
export class LinkTraffic {
  sentBytes = 0
  receivedBytes = 0
  established = 0
  ended = 0
  readonly #established = new Set<number>()

  /** The link over this connection is up. */
  noteEstablished(connection: number): void {
    if (this.#established.has(connection)) return
    this.#established.add(connection)
    this.established++
  }

  /** The connection is closed, whether a link was up over it or not. */
  noteClosed(connection: number): void {
    if (this.#established.delete(connection)) this.ended++
  }
}
