import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { waitFor } from '../../test/support/testbed-command.ts'
import { compiled } from './compiler.ts'
import { begin, type System } from './line.ts'
import { bridgedLines, cabled } from './plain.ts'
import { absent, PROJECT } from './project.ts'

const DEVICE = 'bare0'
const MTU = 1400

interface Forwarder {
  readonly name: string
  readonly what: string
  readonly missing: () => string | undefined
  /** Its source, or the program, which is called as TAP LOCAL_IP REMOTE_IP. */
  readonly path: string
  readonly env?: Readonly<Record<string, string>>
}

function forwarder({ name, what, missing, path, env = {} }: Forwarder): System {
  return {
    name,
    what,
    missing,
    async start(bed) {
      const program = path.endsWith('.cpp') ? await compiled(path) : path
      const hosts = await cabled(bed)
      const pids = hosts.map((host, i) => begin(bed, host, [program, DEVICE, host.address, hosts[1 - i]!.address], env))
      for (const host of hosts)
        await waitFor(`${DEVICE} of the bare forwarder`, 10_000, async () => (await host.links()).includes(DEVICE))
      return { pids, ...(await bridgedLines(bed, hosts, DEVICE, MTU)) }
    },
  }
}

/**
 * A bare forwarder of one key and no protocol: how fast one could be. CEILING: its source, or the program, which has AES=1
 * in its environment for AES-256-GCM.
 */
function ceiling(cipher: 'aes' | 'chacha'): System {
  const path = process.env['CEILING'] ?? resolve(PROJECT, '../shared/bench/ceiling.cpp')
  return forwarder({
    name: `ceiling:${cipher}`,
    what: `a bare forwarder of one key and no protocol, ${cipher === 'aes' ? 'AES-256-GCM' : 'ChaCha20-Poly1305'}`,
    missing: () => (existsSync(path) ? undefined : absent('CEILING', 'its source or the program')),
    path,
    env: cipher === 'aes' ? { AES: '1' } : {},
  })
}

/** The same that seals nothing, and joins datagrams as we do: what reading, sending, receiving and writing cost at least. */
const floor = forwarder({
  name: 'floor',
  what: 'a forwarder of joined datagrams that seals and checks nothing',
  missing: () => undefined,
  path: join(PROJECT, 'scripts/bench/floor.cpp'),
})

export const forwarders = [ceiling('aes'), ceiling('chacha'), { ...floor, onlyIfNamed: true as const }]
