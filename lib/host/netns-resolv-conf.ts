import { createHash } from 'node:crypto'
import {
  closeSync,
  existsSync,
  fchmodSync,
  fsyncSync,
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { errorText, WeaveError } from '../base/mod.ts'
import { RESOLV_CONF_READ_BYTES_MAX } from './limits.ts'

const ROOT = '/etc/netns'
const SUM = /\(sum ([0-9a-f]{16})\)/

/** What became of a file that was to be taken away. */
export type Removal = 'removed' | 'absent' | 'foreign'

/**
 * What `ip netns exec` mounts over /etc/resolv.conf in a namespace of that name. A file of ours says so in its first
 * line, with a sum over all of it: one that somebody changed, or made, is never touched.
 */
export class NetnsResolvConfs {
  readonly #root: string

  constructor(root: string = ROOT) {
    this.#root = root
  }

  pathOf(name: string): string {
    return join(this.#root, name, 'resolv.conf')
  }

  /** The directories that a file would need and that are not there, the outermost first. */
  missingDirectories(name: string): string[] {
    return [this.#root, join(this.#root, name)].filter(path => !existsSync(path))
  }

  /** Whether there is one, and whose. */
  look(name: string): 'ours' | 'foreign' | 'absent' {
    const text = this.#read(name)
    return text === undefined ? 'absent' : text !== null && isOurs(text) ? 'ours' : 'foreign'
  }

  /** Fails with RESOLV_CONF when there is one of somebody else. `lines`: what it should hold. */
  check(name: string, lines: readonly string[]): void {
    if (this.look(name) === 'foreign') throw foreign(name, this.pathOf(name), lines)
  }

  /** Writes it, as a whole or not at all. Fails with RESOLV_CONF when there is one of somebody else. */
  put(name: string, lines: readonly string[]): void {
    const path = this.pathOf(name)
    const found = this.#read(name)
    const text = marked(name, lines)
    if (found === text) return
    if (found !== undefined && (found === null || !isOurs(found))) throw foreign(name, path, lines)
    try {
      for (const directory of this.missingDirectories(name)) {
        mkdirSync(directory)
        chmodSync(directory, 0o755)
      }
      const temporary = this.#write(path, text)
      // Unlike a rename it fails when somebody was faster.
      if (found === undefined) linkSync(temporary, path)
      else renameSync(temporary, path)
      rmSync(temporary, { force: true })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw foreign(name, path, lines)
      throw new WeaveError(
        'RESOLV_CONF',
        `${path} cannot be written: ${errorText(error)}`,
        `make ${dirname(path)} writable for the daemon (under systemd ${this.#root} must be there when it starts), or attach without --resolv-conf`,
      )
    }
  }

  /** Takes ours away, and those of the directories that are empty then. */
  remove(name: string, directories: readonly string[]): Removal {
    const found = this.look(name)
    if (found === 'foreign') return 'foreign'
    const path = this.pathOf(name)
    for (const file of [path, temporaryOf(path)]) rmSync(file, { force: true })
    for (const directory of [...directories].reverse())
      try {
        rmdirSync(directory)
      } catch {
        // Somebody has put something there, or taken it away.
      }
    return found === 'ours' ? 'removed' : 'absent'
  }

  /** Undefined: nothing there; null: something that is none of ours, whatever it holds. */
  #read(name: string): string | null | undefined {
    const path = this.pathOf(name)
    try {
      const stat = lstatSync(path)
      return stat.isFile() && stat.size <= RESOLV_CONF_READ_BYTES_MAX ? readFileSync(path, 'utf8') : null
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'ENOENT' ? undefined : null
    }
  }

  #write(path: string, text: string): string {
    const temporary = temporaryOf(path)
    rmSync(temporary, { force: true })
    const fd = openSync(temporary, 'wx', 0o644)
    try {
      fchmodSync(fd, 0o644)
      writeSync(fd, text)
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
    return temporary
  }
}

function temporaryOf(path: string): string {
  return join(dirname(path), '.resolv.conf.weave-ts')
}

function marked(name: string, lines: readonly string[]): string {
  const text = [
    `# Written by weave-ts while netns:${name} is attached; change it, and it is left alone (sum SUM)`,
    ...lines,
    '',
  ].join('\n')
  return text.replace('(sum SUM)', `(sum ${sumOf(text)})`)
}

function isOurs(text: string): boolean {
  const [, sum] = /^# Written by weave-ts .*\(sum ([0-9a-f]{16})\)\n/.exec(text) ?? []
  return sum !== undefined && sum === sumOf(text.replace(SUM, '(sum SUM)'))
}

function sumOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}

function foreign(name: string, path: string, lines: readonly string[]): WeaveError {
  return new WeaveError(
    'RESOLV_CONF',
    `${path} is there already, and weave-ts did not write it, or somebody changed it since`,
    `take it away, or attach netns:${name} without --resolv-conf and write into it: ${lines.join('; ')}`,
  )
}
