/** Something that is not as it should be, and what to do about it; both as in an error, for people. */
export interface Advice {
  readonly what: string
  /** Undefined: it passes, or `what` says all. */
  readonly remedy?: string
}

/** Both in a line. */
export function adviceText({ what, remedy }: Advice): string {
  return remedy === undefined ? what : `${what}; ${remedy}`
}
