import { Drop, type Decoded } from '../base/mod.ts'

/**
 * What the accepting side may send in clear, instead of its handshake message, before it hangs up. It is not
 * authenticated: it explains a failure to a person and changes nothing else.
 *
 *     | 16-bit length 2 | 0xff | reason u8 |
 */
export const REFUSAL_REASON = { secret: 1, version: 2, busy: 3 } as const
export type Refusal = keyof typeof REFUSAL_REASON

const MARK = 0xff

export function encodeRefusal(reason: Refusal): Uint8Array {
  return Uint8Array.of(MARK, REFUSAL_REASON[reason])
}

/** A handshake message is never two bytes long, so the two cannot be confused. */
export function decodeRefusal(message: Uint8Array): Decoded<Refusal> {
  if (message.length !== 2 || message[0] !== MARK) return new Drop('refusal-malformed')
  for (const [name, value] of Object.entries(REFUSAL_REASON)) if (value === message[1]) return name as Refusal
  return new Drop('refusal-unknown')
}
