import { toHex, WeaveError } from '../base/mod.ts'
import type { LinkSecret } from '../peer/mod.ts'
import type { DaemonConfig } from './config.ts'
import type { RememberedLaunch } from './remembered-launch.ts'

/**
 * Whether this launch may be with, or without, a mesh secret. A state that was closed, or that does not say, is opened
 * to strangers only by somebody who says that this is meant. Returns what the operator should read of what changes.
 * @throws WeaveError SECRET_REQUIRED
 */
export function judgeTrust(
  { stateDir, secret, isOpenMeant }: Pick<DaemonConfig, 'stateDir' | 'secret' | 'isOpenMeant'>,
  remembered: Pick<RememberedLaunch, 'mesh' | 'options'> | undefined,
  isNewState: boolean,
): string[] {
  const before = remembered?.mesh ?? (isNewState ? undefined : 'unknown')
  if (secret !== null)
    return before === 'open'
      ? [`${stateDir} was OPEN TO STRANGERS until now; from this launch on only peers with the mesh secret can link`]
      : []
  if (before === undefined || before === 'open') return []
  if (isOpenMeant)
    return before === 'secret'
      ? [`${stateDir} was launched with a mesh secret until now; as --open says, it is OPEN TO STRANGERS from now on`]
      : []
  throw new WeaveError(
    'SECRET_REQUIRED',
    before === 'secret'
      ? `the state in ${stateDir} was launched with a mesh secret${whyNotRepeated(remembered)}, and this launch has none`
      : `the state in ${stateDir} does not say whether its mesh has a secret, and this launch has none`,
    'give the secret (--password-file FILE), or --open if any stranger may join from now on',
  )
}

/**
 * Whether the secrets of a launch have one in common with those of the launch before, so that the links of this host come
 * up again. `marks`: of the secrets, as `marksOf` gives them.
 * @throws WeaveError SECRET_CHANGED
 */
export function requireKnownSecret(
  { stateDir, secret }: Pick<DaemonConfig, 'stateDir' | 'secret'>,
  remembered: Pick<RememberedLaunch, 'mesh' | 'secrets'> | undefined,
  marks: readonly string[],
): void {
  if (secret === null || remembered?.mesh !== 'secret' || remembered.secrets === undefined) return
  if (remembered.secrets.some(mark => marks.includes(mark))) return
  throw new WeaveError(
    'SECRET_CHANGED',
    `the mesh secret is another one than that of the daemon that runs with ${stateDir}, which has links by it: this host would leave its mesh`,
    'give the secret of the mesh; to change it everywhere without parting: --other-password-file (docs/operations.md); where all hosts are given this one: --force',
  )
}

/** What tells secrets apart, 8 hex digits each: what peers show of them on the wire. */
export function marksOf(secrets: readonly Pick<LinkSecret, 'hint'>[]): string[] {
  return secrets.map(({ hint }) => toHex(hint))
}

function whyNotRepeated(remembered: Pick<RememberedLaunch, 'options'> | undefined): string {
  return remembered?.options['passwordFile'] === undefined ? ' that came from no file, so that it is not kept' : ''
}
