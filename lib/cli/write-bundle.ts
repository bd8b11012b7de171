import { hostname } from 'node:os'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { WeaveError } from '../base/mod.ts'
import { ChildProcessRunner } from '../io/mod.ts'
import { bundleFiles } from './bundle.ts'
import { knownSecrets } from './bundle-secrets.ts'
import { diagnoseDown, questionOf, rememberedOptions, type LaunchDefaults } from './doctor.ts'
import { NewFile } from './new-file.ts'
import { clientOf, type Settings } from './settings.ts'
import { tarOf, type TarEntry } from './tar.ts'

/** Standard output in the place of a file's name. */
export const TO_OUTPUT = '-'
const PRIVATE_MODE = 0o600

/** What was written. */
export interface WrittenBundle {
  /** Undefined: standard output. */
  readonly file: string | undefined
  readonly bytes: number
  readonly entries: readonly string[]
}

/**
 * Writes the archive for a bug report: to a file that must not be there yet, for this user alone (0600), or to standard
 * output. `given` empty: one named after host and time.
 * @throws WeaveError USAGE, STATE_IO
 */
export async function writeBundle(
  given: string,
  { settings, defaults }: { readonly settings: Settings; readonly defaults: LaunchDefaults },
): Promise<WrittenBundle> {
  const now = new Date()
  const stem = `weave-ts-report-${hostname()
    .replace(/[^\w.-]/g, '_')
    .slice(0, 40)}-${stampOf(now)}`
  const file = given === '' ? `${stem}.tar.gz` : given
  if (file === TO_OUTPUT && process.stdout.isTTY)
    throw new WeaveError(
      'USAGE',
      'the archive would go to a terminal',
      'name a file, or send it on: weave-ts report --bundle - > FILE',
    )
  // Before what takes long.
  const target = file === TO_OUTPUT ? undefined : NewFile.make(file, 'the archive', PRIVATE_MODE)
  try {
    const files = await gathered(settings, defaults, now)
    const entries = files.map(({ name, content }) => ({ name: `${stem}/${name}`, content }))
    const bytes = await promisify(gzip)(tarOf(entries, now))
    if (target === undefined) await new Promise(resolve => process.stdout.write(bytes, resolve))
    else target.fill(bytes)
    return {
      ...{ file: target === undefined ? undefined : file, bytes: bytes.length },
      entries: files.map(({ name }) => name),
    }
  } catch (error) {
    target?.remove()
    throw error
  }
}

function gathered(settings: Settings, defaults: LaunchDefaults, now: Date): Promise<TarEntry[]> {
  const { stateDir } = settings
  const options = rememberedOptions(stateDir)
  return bundleFiles({
    ...{ client: clientOf(settings), runner: new ChildProcessRunner(), stateDir, options, now },
    bridge: questionOf(stateDir, defaults).bridge,
    secrets: knownSecrets(stateDir, options, process.env),
    diagnoseDown: down => diagnoseDown(down, { stateDir, defaults }),
  })
}

/** As in 20260131-120000, in UTC. */
function stampOf(now: Date): string {
  return now.toISOString().slice(0, 19).replace(/[-:]/g, '').replace('T', '-')
}
