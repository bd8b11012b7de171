import { concatBytes, fromBase32, fromHex, toBase32, toHex } from '../base/mod.ts'

/** What stands in the place of a secret. */
export const REDACTED = '(left-out)'
/** Shorter secrets are left out where they stand alone only: they are parts of any text. */
const PART_CHARACTERS_MIN = 4
/** Shorter encoded forms are too likely to stand for something else. */
const ENCODED_CHARACTERS_MIN = 6

/** What looks like a secret, whoever's it is; what is kept of it is its first group. */
const PATTERNS: readonly RegExp[] = [
  // Invitations.
  /\b(weave\d{1,3}-)[a-z2-7]{16,}/gi,
  // As `weave-ts keygen` prints them.
  /()\b(?:[a-z2-7]{4}-){12}[a-z2-7]{4}\b/g,
  /(--(?:other-)?password[= ])(?!file\b)("[^"]*"|'[^']*'|[^\s"',\]]+)/g,
  /(\bWEAVE_PASSWORD\s*=\s*)("[^"]*"|'[^']*'|\S+)/g,
  /(-----BEGIN [A-Z ]*PRIVATE KEY-----)[^]*?-----END [A-Z ]*PRIVATE KEY-----/g,
  // The name of a scheme without a bound makes long words without one cost the square of their length.
  /(\b[a-z][a-z0-9+.-]{0,30}:\/\/[^\s/:@]*:)[^\s/@]+(?=@)/gi,
  /(\b(?:authorization|proxy-authorization)"?\s*[:=]\s*"?(?:basic|bearer)\s+)[\w.~+/=-]+/gi,
  /(\b(?:password|passwd|secret|token|seed|psk|private_?key|api_?key)"?\s*[:=]\s*")[^"\\]+(?=")/gi,
  /(\b(?:password|passwd|secret|token|psk|private_?key|api_?key)=)[^\s"'&;,]+/gi,
]

/**
 * Takes secrets out of texts: these, as they are and in hex, base32 and base64, and whatever looks like one.
 * @param secrets their bytes
 */
export function redactor(secrets: readonly Uint8Array[]): (text: string) => string {
  const forms = [...new Set(secrets.filter(({ length }) => length > 0).flatMap(formsOf))]
  // A longer one may hold a shorter one.
  forms.sort((a, b) => b.length - a.length)
  const known = forms.map(form => {
    const pattern = form.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
    return new RegExp(
      form.length < PART_CHARACTERS_MIN ? `(?<![\\p{L}\\p{N}])${pattern}(?![\\p{L}\\p{N}])` : pattern,
      'giu',
    )
  })
  return text => {
    const cleared = known.reduce((rest, pattern) => rest.replace(pattern, REDACTED), text)
    return PATTERNS.reduce((rest, pattern) => rest.replace(pattern, `$1${REDACTED}`), cleared)
  }
}

function formsOf(secret: Uint8Array): string[] {
  const text = Buffer.from(secret).toString('utf8')
  const isText = Buffer.from(text).equals(secret)
  // A key is written in hex or base32 as a secret is: its bytes are one, too.
  const written = isText ? [fromHex(text), fromBase32(text.replaceAll('-', ''))].flatMap(bytes => bytes ?? []) : []
  return [
    ...(isText ? [text, JSON.stringify(text).slice(1, -1), encodeURIComponent(text)] : []),
    ...[secret, ...written].flatMap(encodedForms),
  ]
}

function encodedForms(bytes: Uint8Array): string[] {
  const base64 = (all: Uint8Array) => Buffer.from(all).toString('base64')
  const base64url = (all: Uint8Array) => Buffer.from(all).toString('base64url')
  const forms = [
    toHex(bytes),
    ...inside(bytes, 5, toBase32),
    ...inside(bytes, 6, base64),
    ...inside(bytes, 6, base64url),
  ]
  return forms.filter(({ length }) => length >= ENCODED_CHARACTERS_MIN)
}

/** What an encoding makes of the bytes wherever they stand in what is encoded: the characters that are of them alone. */
function inside(bytes: Uint8Array, bitsPerCharacter: number, encode: (all: Uint8Array) => string): string[] {
  // After so many bytes at most characters and bytes begin together again.
  return [0, 1, 2, 3, 4].map(before => {
    const encoded = encode(concatBytes(new Uint8Array(before), bytes))
    const first = Math.ceil((before * 8) / bitsPerCharacter)
    return encoded.slice(first, Math.floor(((before + bytes.length) * 8) / bitsPerCharacter))
  })
}

/** Fields whose text is a secret, whatever it is. */
const SECRET_FIELD = /^(?:password|passwd|secret|token|seed|psk|(?:private|api)_?key)$/i
/** A word of a command line whose next word is one. */
const SECRET_OPTION = /^--(?:other-)?password$/

/** The same in every text of a JSON value, names of fields among them. */
export function redactedValue(value: unknown, redact: (text: string) => string): unknown {
  if (typeof value === 'string') return redact(value)
  if (Array.isArray(value))
    return value.map((one: unknown, at) =>
      SECRET_OPTION.test(String(value[at - 1])) ? REDACTED : redactedValue(one, redact),
    )
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      redact(name),
      typeof inner === 'string' && SECRET_FIELD.test(name) ? REDACTED : redactedValue(inner, redact),
    ]),
  )
}

/** The same in lines of which some are JSON, as a log has them. */
export function redactedLines(text: string, redact: (text: string) => string): string {
  return text
    .split('\n')
    .map(line => {
      const value = line.startsWith('{') ? parsedLine(line) : undefined
      return value === undefined ? redact(line) : JSON.stringify(redactedValue(value, redact))
    })
    .join('\n')
}

function parsedLine(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
