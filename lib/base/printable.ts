/** Control characters, line separators, changes of direction, and the byte-order mark, which decoders swallow. */
const STEERING = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/gu

/** A text from outside, for a terminal or a log: what would steer the one or the other becomes question marks. */
export function printable(text: string): string {
  return text.replace(STEERING, '?')
}

/** True for a text that can be shown as it is. */
export function isPrintable(text: string): boolean {
  return printable(text) === text
}
