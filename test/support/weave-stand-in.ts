import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { OperatorShell } from './operator-shell.ts'
import { must } from './testbed-command.ts'
import type { Host, Namespace } from './testbed.ts'

/** What a host's `weave ps` knows: target, MAC, addresses. */
const SCRIPT = `#!/bin/sh -e
case $1 in
  ps) cat table ;;
  detach)
    ip -n "\${2#netns:}" link delete ethwe
    grep -v "^$2 " table > table.new || true
    mv table.new table ;;
  reset)
    grep '^netns:' table | while read -r id rest; do ip -n "\${id#netns:}" link delete ethwe; done
    ip link delete weave-tunnel
    ip link delete weave
    : > table ;;
  *) echo "weave: $1?" >&2; exit 1 ;;
esac
`

/**
 * Weave Net as this host sees it: a bridge `weave`, `ethwe` in containers, a tunnel between two hosts (a kernel's VXLAN,
 * not Weave's), and a command `weave` that knows `ps`, `detach` and `reset`. Beside it `weave-ts` is in the PATH.
 */
export class WeaveStandIn {
  readonly shell: OperatorShell
  readonly #host: Host
  #rows = ''

  constructor(host: Host, directory: string) {
    this.#host = host
    this.shell = new OperatorShell(host, join(directory, `weave-${host.label}`))
    this.shell.program('weave', SCRIPT)
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
    writeFileSync(this.shell.path('table'), this.#rows)
  }
}
