import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { must } from './testbed-command.ts'
import type { Host } from './testbed.ts'

/** The command of this checkout; compiled, this file lies in `build/test/support`. */
const COMMAND = fileURLToPath(new URL('../../../bin/weave-ts', import.meta.url))
const LIMIT_MS = 60_000

/** Runs lines of the documentation as an operator types them on a host: `weave-ts` is in the PATH. */
export class OperatorShell {
  readonly #host: Host
  readonly #directory: string
  readonly #env: NodeJS.ProcessEnv

  /** `directory` is made, and is where the lines are run. */
  constructor(host: Host, directory: string, env: NodeJS.ProcessEnv = {}) {
    this.#host = host
    this.#directory = directory
    mkdirSync(directory)
    this.#env = {
      DOCKER_HOST: 'unix:///nonexistent/docker.sock',
      ...env,
      PATH: `${directory}:${process.env['PATH'] ?? ''}`,
      WEAVE_TS_STATE_DIR: host.daemon.stateDir,
    }
    // The plugin directory of a host of its own.
    this.program(
      'weave-ts',
      `#!/bin/sh
[ "$1" != launch ] || { shift; set -- launch --docker-plugin-dir ${host.daemon.pluginDir} "$@"; }
exec ${process.execPath} ${COMMAND} "$@"
`,
    )
  }

  /** Puts one more program in the PATH. */
  program(name: string, text: string): void {
    writeFileSync(this.path(name), text)
    chmodSync(this.path(name), 0o755)
  }

  /** Of a file in the directory. */
  path(name: string): string {
    return join(this.#directory, name)
  }

  /** What the line prints. Fails when it fails. */
  run(line: string): Promise<string> {
    const env = { ...process.env, ...this.#env }
    return must(['ip', 'netns', 'exec', this.#host.name, 'sh', '-c', line], {
      cwd: this.#directory,
      limitMs: LIMIT_MS,
      env,
    })
  }
}
