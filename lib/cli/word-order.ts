import { WeaveError } from '../base/mod.ts'

/** An address as `attach` takes it: IPv4 or IPv6, with or without a prefix, or one of the forms with a word before it. */
const ADDRESS = /^(?:(?:ip|net):.+|\d{1,3}(?:\.\d{1,3}){3}(?:\/\d+)?|[\da-f]*:[\da-f:.]*(?:\/\d+)?)$/i
/** What only a target can be. */
const ONLY_TARGET = /^(?:netns:.+|pid:\d+|weave:expose)$/

export interface TargetAndAddresses {
  readonly target: string
  readonly addresses: string[]
}

/** Of a command whose target stands behind its addresses. @throws WeaveError USAGE when it stands elsewhere, or is missing */
export function targetLast(verb: string, words: readonly string[]): TargetAndAddresses {
  const target = words.at(-1)!
  const addresses = words.slice(0, -1)
  const others = words.filter(word => !ADDRESS.test(word))
  if (!ADDRESS.test(target)) {
    const name = others.find(word => word !== target)
    if (verb !== 'attach' || name === undefined) return { target, addresses }
    throw new WeaveError(
      'USAGE',
      `attach takes addresses and then one target, and ${name} is no address`,
      `give a name by its option: ${order(verb, [...words.filter(word => ADDRESS.test(word)), '--name', target], name)}`,
    )
  }
  if (others.length === 0)
    throw new WeaveError('USAGE', `${verb} names no target, only ${words.join(' ')}`, order(verb, words, 'TARGET'))
  throw new WeaveError(
    'USAGE',
    `the target of ${verb} comes last, and ${target} is an address`,
    order(verb, [...words.filter(word => ADDRESS.test(word)), ...others.slice(0, -1)], others.at(-1)!),
  )
}

/** Of a command whose target stands before its names. @throws WeaveError USAGE when a name stands there */
export function targetFirst(verb: string, target: string, names: readonly string[]): void {
  const other = names.find(name => ONLY_TARGET.test(name) || ADDRESS.test(name))
  if (other === undefined || ONLY_TARGET.test(target) || ADDRESS.test(target)) return
  const rest = [target, ...names.filter(name => name !== other)]
  throw new WeaveError(
    'USAGE',
    `the target of ${verb} comes first, and ${other} cannot be a name`,
    `weave-ts ${[verb, other, ...rest].join(' ')}`,
  )
}

/** @throws WeaveError USAGE for an empty word, as an unset variable of a script leaves it */
export function refuseEmpty(verb: string, words: readonly string[]): void {
  const at = words.findIndex(word => word.trim() === '')
  if (at < 0) return
  throw new WeaveError(
    'USAGE',
    `argument ${at + 1} of ${verb} is empty`,
    'give it a value, or leave it out: a variable of a script may be unset',
  )
}

function order(verb: string, addresses: readonly string[], target: string): string {
  return `weave-ts ${[verb, ...addresses, target].join(' ')}`
}
