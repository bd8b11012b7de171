import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { must } from './testbed-command.ts'
import type { Host, Namespace } from './testbed.ts'

/** The command of this checkout; compiled, this file lies in `build/test/support`. */
const COMMAND = fileURLToPath(new URL('../../../bin/weave-ts', import.meta.url))

/** What a host's `weave ps` knows: target, MAC, addresses. */
const SCRIPT = `#!/bin/sh -e
case $1 in
  ps) cat "$WEAVE_TABLE" ;;
  detach)
    ip -n "\${2#netns:}" link delete ethwe
    grep -v "^$2 " "$WEAVE_TABLE" > "$WEAVE_TABLE.new" || true
    mv "$WEAVE_TABLE.new" "$WEAVE_TABLE" ;;
  reset)
    grep '^netns:' "$WEAVE_TABLE" | while read -r id rest; do ip -n "\${id#netns:}" link delete ethwe; done
    ip link delete weave-tunnel
    ip link delete weave
    : > "$WEAVE_TABLE" ;;
  *) echo "weave: $1?" >&2; exit 1 ;;
esac
`

/**
 * Weave Net as this host sees it: a bridge `weave`, `ethwe` in containers, a tunnel between two hosts (a kernel's VXLAN,
 * not Weave's), and a command `weave` that knows `ps`, `detach` and `reset`. Beside it `weave-ts` is in the PATH.
 */
export class WeaveStandIn {
  readonly #host: Host
  readonly #directory: string
  #rows = ''

  constructor(host: Host, directory: string) {
    this.#host = host
    this.#directory = join(directory, `weave-${host.label}`)
    mkdirSync(this.#directory)
    this.#program('weave', SCRIPT)
    this.#program('weave-ts', `#!/bin/sh\nexec ${process.execPath} ${COMMAND} "$@"\n`)
  }

  #program(name: string, text: string): void {
    writeFileSync(join(this.#directory, name), text)
    chmodSync(join(this.#directory, name), 0o755)
  }

  async launch(remote: string, device: string): Promise<void> {
    await this.#host.ip('link add weave type bridge')
    await this.#host.ip(`link add weave-tunnel type vxlan id 1 remote ${remote} dstport 6784 dev ${device}`)
    await this.#host.ip('link set weave-tunnel mtu 1376 master weave up')
    await this.#host.ip('link set weave mtu 1376 up')
  }

  async attach(container: Namespace, cidr: string): Promise<void> {
    const port = `vethwepl${this.#rows.split('\n').length}`
    await must(
      `ip link add ${port} netns ${this.#host.name} mtu 1376 type veth peer name ethwe netns ${container.name} mtu 1376`.split(
        ' ',
      ),
    )
    await this.#host.ip(`link set ${port} master weave up`)
    await container.ip(`addr add ${cidr} dev ethwe`)
    await container.ip('link set ethwe up')
    this.#note(`netns:${container.name} 02:00:00:00:00:01 ${cidr}`)
  }

  async expose(cidr: string): Promise<void> {
    await this.#host.ip(`addr add ${cidr} dev weave`)
    this.#note(`weave:expose 02:00:00:00:00:02 ${cidr}`)
  }

  #note(row: string): void {
    this.#rows += `${row}\n`
    writeFileSync(join(this.#directory, 'table'), this.#rows)
  }

  /** Runs a line as an operator's shell on the host does, in a directory of the host's own. */
  shell(line: string): Promise<string> {
    const { PATH = '' } = process.env
    return must(['ip', 'netns', 'exec', this.#host.name, 'sh', '-c', line], {
      cwd: this.#directory,
      limitMs: 60_000,
      env: {
        ...process.env,
        PATH: `${this.#directory}:${PATH}`,
        WEAVE_TABLE: join(this.#directory, 'table'),
        WEAVE_TS_STATE_DIR: this.#host.daemon.stateDir,
        DOCKER_HOST: 'unix:///nonexistent/docker.sock',
      },
    })
  }

  /** A file in that directory. */
  file(name: string, text: string): void {
    writeFileSync(join(this.#directory, name), text, { mode: 0o600 })
  }
}
