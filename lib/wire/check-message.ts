import type { Endpoint } from '../address/mod.ts'
import { ByteReader, ByteWriter, Drop, type Decoded } from '../base/mod.ts'
import { readEndpoint, writeEndpoint } from './endpoint-field.ts'

/**
 * What `doctor` asks of a neighbour, and what that says, as the body of a link message:
 *
 *     check    | token u32 | what u8 |                         1 its clock, 2 to dial the asker back
 *     checked  | token u32 | what u8 | then, for a clock       | time u64 |    in ms since 1970, UTC
 *                                    | for a dial-back         | endpoint | why text ≤ 128 |
 *
 * The endpoint is the one that was dialled; an empty text: it was reached by TCP.
 */
export const CHECK_SUBJECT = { clock: 1, dialBack: 2 } as const
export type CheckSubject = keyof typeof CHECK_SUBJECT

export interface CheckMessage {
  readonly token: number
  readonly subject: CheckSubject
}

/** What a neighbour found. `why`: undefined when it reached the endpoint. */
export type CheckResult =
  | { readonly subject: 'clock'; readonly timeMs: number }
  | { readonly subject: 'dialBack'; readonly endpoint: Endpoint; readonly why: string | undefined }

const WHY_BYTES_MAX = 128
/** Our reasons are ASCII: so many characters are so many bytes. */
const WHY_CHARACTERS_MAX = 100

export function encodeCheckBody({ token, subject }: CheckMessage): Uint8Array {
  return new ByteWriter(5).u32(token).u8(CHECK_SUBJECT[subject]).finish()
}

export function encodeCheckedBody(token: number, result: CheckResult): Uint8Array {
  const writer = new ByteWriter(32).u32(token).u8(CHECK_SUBJECT[result.subject])
  if (result.subject === 'clock') return writer.u64(result.timeMs).finish()
  writeEndpoint(writer, result.endpoint)
  return writer.text((result.why ?? '').slice(0, WHY_CHARACTERS_MAX)).finish()
}

export function decodeCheckBody(bytes: Uint8Array): Decoded<CheckMessage> {
  const reader = new ByteReader(bytes)
  const token = reader.u32()
  const subject = subjectOf(reader.u8())
  return reader.ok && subject !== undefined ? { token, subject } : new Drop('check-malformed')
}

export function decodeCheckedBody(
  bytes: Uint8Array,
): Decoded<{ readonly token: number; readonly result: CheckResult }> {
  const reader = new ByteReader(bytes)
  const token = reader.u32()
  const subject = subjectOf(reader.u8())
  if (subject === 'clock') {
    const timeMs = reader.u64()
    return reader.ok ? { token, result: { subject, timeMs } } : new Drop('check-malformed')
  }
  const endpoint = readEndpoint(reader)
  const why = reader.text(WHY_BYTES_MAX)
  if (!reader.ok || subject === undefined || endpoint === undefined) return new Drop('check-malformed')
  return { token, result: { subject, endpoint, why: why === '' ? undefined : why } }
}

function subjectOf(code: number): CheckSubject | undefined {
  if (code === CHECK_SUBJECT.clock) return 'clock'
  return code === CHECK_SUBJECT.dialBack ? 'dialBack' : undefined
}
