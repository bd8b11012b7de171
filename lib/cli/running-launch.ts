import type { Status } from '../api/mod.ts'
import { WeaveError } from '../base/mod.ts'
import { optionName, wordsOf, type GivenOptions } from '../daemon/mod.ts'

/** What a launch asks for that finds a daemon. */
export interface Asked {
  readonly peers: readonly string[]
  /** What it would have the next launch repeat. */
  readonly options: GivenOptions
  /** Of options that were not given. */
  readonly defaults: Readonly<Record<string, unknown>>
  readonly isOpen: boolean
  readonly hasSecret: boolean
}

/**
 * Whether the daemon that runs is the one that is asked for. `runs`: the options that it was launched with. A secret
 * that is not in a file cannot be compared: the daemon has not kept it.
 * @throws WeaveError LAUNCHED_OTHERWISE
 */
export function checkRunsAsAsked(asked: Asked, runs: GivenOptions, status: Status): void {
  const { pid, encryption, targets } = status
  const fail = (what: string, remedy: string): never => {
    throw new WeaveError(
      'LAUNCHED_OTHERWISE',
      `the daemon with pid ${pid} runs already, and otherwise: ${what}`,
      remedy,
    )
  }
  const replaceBy = (words: string) => `to change it: weave-ts launch --replace ${words}; to leave it: launch without`
  if (asked.isOpen && encryption === 'secret') fail('it has a mesh secret, and --open was given', replaceBy('--open'))
  if (asked.hasSecret && encryption === 'open')
    fail('it has no mesh secret, and one was given', replaceBy('--password-file FILE'))
  for (const key of new Set([...Object.keys(runs), ...Object.keys(asked.options)])) {
    const [has, wants] = [runs[key] ?? asked.defaults[key], asked.options[key] ?? asked.defaults[key]]
    if (JSON.stringify(has) !== JSON.stringify(wants))
      fail(
        `it has ${worded(key, runs[key])}, and asked for was ${worded(key, asked.options[key])}`,
        replaceBy(changedBy(key, asked.options[key])),
      )
  }
  const missing = asked.peers.find(peer => !targets.some(({ target }) => target === peer))
  if (missing !== undefined) fail(`${missing} is none of its targets`, `add it: weave-ts connect ${missing}`)
}

/** As words to copy. */
function changedBy(key: string, value: GivenOptions[string] | undefined): string {
  return value === undefined ? `--forget-option ${optionName(key)}` : wordsOf({ [key]: value }).join(' ')
}

function worded(key: string, value: GivenOptions[string] | undefined): string {
  return value === undefined ? `no --${optionName(key)}` : wordsOf({ [key]: value }).join(' ')
}
