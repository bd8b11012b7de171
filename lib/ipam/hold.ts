/**
 * Why no address may be given now, although there may be free ones: what this peer believes to own is in doubt. In the
 * words of an operator.
 */
export interface Hold {
  readonly reason: string
  readonly remedy: string
  /** It ends by itself within seconds, whatever happens. */
  readonly isBrief?: boolean
}
