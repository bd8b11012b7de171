import { formatMac, type Mac } from '../address/mod.ts'
import { parseRows } from './ip-json.ts'
import type { CommandRunner } from './seams.ts'

/** Of `bridge`, by version. */
const FAILED = [1, 2, 254, 255]

interface FdbView {
  readonly mac: string
  readonly ifname: string
}

/**
 * Whether the bridge knows the address at another port than the TAP, or as its own: that it is plugged into this host,
 * and spoke within the bridge's ageing time (300 s). Undefined when the kernel, or `bridge`, cannot say.
 */
export async function isPlugged(
  runner: CommandRunner,
  bridge: string,
  tap: string,
  mac: Mac,
): Promise<boolean | undefined> {
  const argv = ['bridge', '-j', 'fdb', 'get', formatMac(mac), 'br', bridge]
  try {
    const { stdout, stderr, status } = await runner.run(argv, { okStatuses: [0, ...FAILED] })
    if (status !== 0) return /not found|No such file/i.test(stderr) ? false : undefined
    const rows = parseRows<FdbView>(stdout, row => 'mac' in row && 'ifname' in row)
    return rows.length === 0 ? undefined : rows.some(({ ifname }) => ifname !== tap)
  } catch {
    return undefined
  }
}
