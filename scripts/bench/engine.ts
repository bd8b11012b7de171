import { join } from 'node:path'
import type { CipherName } from '../../lib/overlay/mod.ts'
import { waitFor } from '../../test/support/testbed-command.ts'
import { begin, type System } from './line.ts'
import { bridgedLines, cabled } from './plain.ts'
import { PROJECT } from './project.ts'

const DEVICE = 'tap0'
const MTU = 1400
const START_MS = 10_000

/** The packet engine without a node around it. */
function engine(name: string, what: string, cipher: CipherName, shape: 'split' | 'single'): System {
  return {
    name,
    what,
    onlyIfNamed: true,
    missing: () => undefined,
    async start(bed) {
      const program = join(PROJECT, 'build/scripts/bench-datapath.js')
      const hosts = await cabled(bed)
      const pids = hosts.map((host, i) =>
        begin(bed, host, [
          ...[process.execPath, program, DEVICE, host.address, hosts[1 - i]!.address],
          ...[String(i + 1), cipher, shape],
        ]),
      )
      for (const host of hosts)
        await waitFor(`${DEVICE} of the engine`, START_MS, async () => (await host.links()).includes(DEVICE))
      return { pids, ...(await bridgedLines(bed, hosts, DEVICE, MTU)) }
    },
  }
}

export const engines = [
  engine('engine:aes', 'the packet engine without a daemon, AES-256-GCM', 'aes-256-gcm', 'split'),
  engine('engine:chacha', 'the packet engine without a daemon, ChaCha20-Poly1305', 'chacha20-poly1305', 'split'),
  engine('engine:one-lane', 'the packet engine without a daemon, one worker', 'aes-256-gcm', 'single'),
]
