import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { waitFor } from '../../test/support/testbed-command.ts'
import { compiled } from './compiler.ts'
import { begin, type System } from './line.ts'
import { bridgedLines, cabled } from './plain.ts'
import { PROJECT } from './project.ts'

const DEVICE = 'bare0'
const MTU = 1400

/**
 * A bare forwarder of one key and no protocol: how fast one could be. CEILING: its source, or the program, which is called
 * as TAP LOCAL_IP REMOTE_IP, with AES=1 in its environment for AES-256-GCM.
 */
function ceiling(cipher: 'aes' | 'chacha'): System {
  const path = process.env['CEILING'] ?? resolve(PROJECT, '../shared/bench/ceiling.cpp')
  return {
    name: `ceiling:${cipher}`,
    what: `a bare forwarder of one key and no protocol, ${cipher === 'aes' ? 'AES-256-GCM' : 'ChaCha20-Poly1305'}`,
    missing: () => (existsSync(path) ? undefined : `there is no ${path}: name it with CEILING`),
    async start(bed) {
      const program = path.endsWith('.cpp') ? await compiled(path) : path
      const hosts = await cabled(bed)
      const env: Record<string, string> = cipher === 'aes' ? { AES: '1' } : {}
      const pids = hosts.map((host, i) => begin(bed, host, [program, DEVICE, host.address, hosts[1 - i]!.address], env))
      for (const host of hosts)
        await waitFor(`${DEVICE} of the bare forwarder`, 10_000, async () => (await host.links()).includes(DEVICE))
      return { pids, ...(await bridgedLines(bed, hosts, DEVICE, MTU)) }
    },
  }
}

export const ceilings = [ceiling('aes'), ceiling('chacha')]
