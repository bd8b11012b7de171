/** Status line and headers of an answer; the names of headers are in lower case. */
export interface AnswerHead {
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
}

const HEAD_BYTES_MAX = 16 * 1024
const HEAD_END = '\r\n\r\n'

/**
 * Reads one answer to a request of HTTP/1.0 (RFC 9112): a head, and a body that ends where the connection does. Node.js's own
 * client takes a command a sixth of all its time.
 */
export class AnswerReader {
  #unread = Buffer.alloc(0)
  #head: AnswerHead | undefined
  #bodyBytes = 0

  /** Undefined until all of it came. */
  get head(): AnswerHead | undefined {
    return this.#head
  }

  /** Whether all came that the head promised: without a length that is so at any time after the head. */
  get isComplete(): boolean {
    if (this.#head === undefined) return false
    const promised = this.#head.headers.get('content-length')
    return promised === undefined || Number(promised) === this.#bodyBytes
  }

  /** Takes what came, and returns what of it is of the body. @throws Error for a head that is none */
  push(bytes: Buffer): Buffer {
    const body = this.#head === undefined ? this.#readHead(bytes) : bytes
    this.#bodyBytes += body.length
    return body
  }

  #readHead(bytes: Buffer): Buffer {
    this.#unread = Buffer.concat([this.#unread, bytes])
    const end = this.#unread.indexOf(HEAD_END)
    if (end < 0 && this.#unread.length <= HEAD_BYTES_MAX) return Buffer.alloc(0)
    const head = headOf(this.#unread.toString('latin1', 0, end))
    if (end < 0 || head === undefined) throw new Error('it does not speak HTTP')
    this.#head = head
    const body = this.#unread.subarray(end + HEAD_END.length)
    this.#unread = Buffer.alloc(0)
    return body
  }
}

function headOf(text: string): AnswerHead | undefined {
  const [first = '', ...lines] = text.split('\r\n')
  const status = /^HTTP\/1\.[01] (\d{3})(?: |$)/.exec(first)?.[1]
  if (status === undefined) return undefined
  const headers = new Map<string, string>()
  for (const line of lines) {
    const at = line.indexOf(':')
    if (at > 0) headers.set(line.slice(0, at).toLowerCase(), line.slice(at + 1).trim())
  }
  return { status: Number(status), headers }
}
