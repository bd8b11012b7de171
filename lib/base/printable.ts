/** A text from outside, for a terminal or a log: control characters become question marks. */
export function printable(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, '?')
}
