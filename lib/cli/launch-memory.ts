import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { WeaveError } from '../base/mod.ts'
import { optionName, type GivenOptions, type RememberedLaunch } from '../daemon/mod.ts'

/** Of this launch only; and `password`, since no secret is kept. That a mesh is open is remembered elsewhere. */
const NOT_REMEMBERED = [
  ...['stateDir', 'json', 'foreground', 'replace', 'force', 'resume', 'forgetOptions', 'forgetOption', 'wait'],
  ...['password', 'open'],
]
const SECRET_FILES = ['passwordFile', 'otherPasswordFile']

export interface Wanted {
  /** Options that were given to this launch. */
  readonly given: GivenOptions
  /** All that there are. */
  readonly known: readonly string[]
  readonly isResuming: boolean
  readonly isForgettingAll: boolean
  /** Names of those that go back to their defaults. */
  readonly forgotten: readonly string[]
  /** A secret is given by the environment. */
  readonly hasSecretOutside: boolean
}

export interface Repetition {
  /** What counts: given now, or else by an earlier launch. */
  readonly options: GivenOptions
  /** What the next launch repeats. */
  readonly remember: GivenOptions
  readonly warnings: readonly string[]
}

/**
 * The options of this launch: those given now, else those of the last launch of this state directory. A secret that is
 * given, or done without, takes the place of all that were given before.
 * @throws WeaveError NOTHING_TO_RESUME, CONFIG_INVALID
 */
export function repeatedOptions(
  remembered: RememberedLaunch | undefined,
  wanted: Wanted,
  stateDir: string,
): Repetition {
  if (wanted.isResuming && remembered === undefined)
    throw new WeaveError(
      'NOTHING_TO_RESUME',
      `nothing was launched in ${stateDir} yet that could be repeated`,
      'launch it with what it needs: weave-ts launch --password-file FILE HOST (without --resume); for another instance ' +
        'give its --state-dir',
    )
  const known = wanted.known.filter(key => !NOT_REMEMBERED.includes(key))
  const forgotten = wanted.forgotten.map(name => keyOf(name, known))
  const before = wanted.isForgettingAll ? {} : (remembered?.options ?? {})
  const { given } = wanted
  const isSecretGiven = wanted.hasSecretOutside || ['passwordFile', 'password', 'open'].some(key => key in given)
  const stays = (key: string) =>
    known.includes(key) && !forgotten.includes(key) && !(isSecretGiven && SECRET_FILES.includes(key))
  const repeated = Object.fromEntries(Object.entries(before).filter(([key]) => stays(key)))
  const options = { ...repeated, ...given }
  return {
    options,
    remember: Object.fromEntries(
      Object.entries(options)
        .filter(([key]) => known.includes(key))
        .flatMap(([key, value]) => (SECRET_FILES.includes(key) ? fileToRemember(key, String(value)) : [[key, value]])),
    ),
    warnings: Object.keys(before)
      .filter(key => !known.includes(key))
      .map(key => `the last launch was with --${optionName(key)}, which this version does not know: it was left out`),
  }
}

/** By its whole path, for the next launch may be made elsewhere. A pipe gives its secret once. */
function fileToRemember(key: string, file: string): [string, string][] {
  const path = resolve(file)
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true ? [[key, path]] : []
}

function keyOf(name: string, known: readonly string[]): string {
  const bare = name.replace(/^--/, '')
  const key = known.find(one => optionName(one) === bare || `no-${optionName(one)}` === bare)
  if (key !== undefined) return key
  throw new WeaveError(
    'CONFIG_INVALID',
    `--forget-option ${JSON.stringify(name)} is no option that a launch remembers`,
    'see `weave-ts launch --help`',
  )
}
