/** Why foreign bytes were dropped: a short, stable word, used as a counter's label. */
export class Drop {
  readonly reason: string

  constructor(reason: string) {
    this.reason = reason
  }
}

/** What a decoder of foreign bytes returns: the value, or why it was dropped. It never throws. */
export type Decoded<T> = T | Drop

export function isDrop(value: unknown): value is Drop {
  return value instanceof Drop
}
