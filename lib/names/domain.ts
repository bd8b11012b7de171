import { WeaveError, errorText } from '../base/mod.ts'
import { NAMES_MAX, NAME_LABELS_MAX, RELATIVE_NAME_MAX, isRelativeName } from '../wire/mod.ts'
import { DOMAIN_CHARACTERS_MAX } from './constants.ts'

/** The domain under which the names of the mesh are found. */
export class Domain {
  /** Lower case, without a dot at the end. */
  readonly name: string

  /** @throws WeaveError CONFIG_INVALID */
  constructor(text: string) {
    const name = withoutDot(text.toLowerCase())
    if (!isAscii(text) || name.length > DOMAIN_CHARACTERS_MAX || !isRelativeName(name))
      throw new WeaveError(
        'CONFIG_INVALID',
        `--dns-domain ${text.slice(0, 80)} cannot be used: it must be a domain name of up to ${DOMAIN_CHARACTERS_MAX} characters`,
        'write it as in weave.local',
      )
    this.name = name
  }

  /** The name inside the domain, in lower case; empty for the domain itself, undefined for what lies outside. */
  relative(name: string): string | undefined {
    const lower = withoutDot(name.toLowerCase())
    if (lower === this.name) return ''
    return lower.endsWith(`.${this.name}`) ? lower.slice(0, -this.name.length - 1) : undefined
  }

  /** With the domain and, as in zone files, a dot at the end. */
  full(relative: string): string {
    return relative === '' ? `${this.name}.` : `${relative}.${this.name}.`
  }

  /**
   * A name as an operator writes it: one label, or a name that ends in the domain.
   * @throws WeaveError BAD_NAME
   */
  parse(text: string): string {
    const shown = text.slice(0, 80)
    const inside = isAscii(text) ? this.relative(text) : text
    if (inside === undefined && text.includes('.'))
      throw new WeaveError(
        'BAD_NAME',
        `"${shown}" is not in the domain ${this.name}`,
        `give one label, or a name that ends in .${this.name}`,
      )
    const name = inside ?? text.toLowerCase()
    if (isRelativeName(name) && name.length + this.name.length < DOMAIN_NAME_MAX) return name
    throw new WeaveError(
      'BAD_NAME',
      `"${shown}" is no name for a container`,
      `use 1 to ${NAME_LABELS_MAX} labels of at most 63 letters, digits, - and _, together at most ${RELATIVE_NAME_MAX} characters`,
    )
  }

  /** Several of them. @throws WeaveError BAD_NAME */
  parseAll(texts: readonly string[]): string[] {
    return this.checkCount([...new Set(texts.map(text => this.parse(text)))])
  }

  /** @throws WeaveError BAD_NAME when one container may not have so many */
  checkCount(names: string[]): string[] {
    if (names.length <= NAMES_MAX) return names
    throw new WeaveError(
      'BAD_NAME',
      `that would be ${names.length} names; a container may have ${NAMES_MAX}`,
      'give fewer of them',
    )
  }

  /** Why a text cannot be a name; undefined when it can. */
  faultOf(text: string): string | undefined {
    try {
      this.parse(text)
      return undefined
    } catch (error) {
      return errorText(error)
    }
  }

  /** A name that came with a container, such as its host name; undefined when it cannot be one of the zone. */
  tryParse(text: string): string | undefined {
    try {
      return this.parse(text)
    } catch {
      return undefined
    }
  }
}

/** Characters of a whole name, without the dot at the end. */
const DOMAIN_NAME_MAX = 253

/** Lower case turns some other characters into ASCII: the sign of the Kelvin into k. */
function isAscii(text: string): boolean {
  return /^[ -~]*$/.test(text)
}

function withoutDot(name: string): string {
  return name.endsWith('.') ? name.slice(0, -1) : name
}
