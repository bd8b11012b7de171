/**
 * The text of a mesh secret on its way to the thread that stretches it: bytes, because a string of JavaScript cannot be
 * wiped, that have one owner at a time. Shows nothing of itself in logs and JSON.
 */
export class SecretText {
  #bytes: Uint8Array<ArrayBuffer>

  /** Takes the bytes over: `source` holds zeros afterwards. */
  constructor(source: Uint8Array) {
    this.#bytes = new Uint8Array(source)
    source.fill(0)
  }

  /** Of a string that somebody else has, who cannot wipe it either. */
  static of(text: string): SecretText {
    return new SecretText(new TextEncoder().encode(text))
  }

  /** 0 once it was taken or wiped. */
  get byteLength(): number {
    return this.#bytes.length
  }

  /** Gives the bytes to the caller, who wipes them; nothing of them stays here. They fill their buffer. */
  take(): Uint8Array<ArrayBuffer> {
    const bytes = this.#bytes
    this.#bytes = new Uint8Array(0)
    return bytes
  }

  wipe(): void {
    this.#bytes.fill(0)
    this.#bytes = new Uint8Array(0)
  }

  toString(): string {
    return '(secret)'
  }

  toJSON(): string {
    return this.toString()
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString()
  }
}
