import t from 'tap'
import { WeaveError } from '../../../lib/base/mod.ts'
import { HostFirewall } from '../../../lib/host/host-firewall.ts'
import type { CommandRunner } from '../../../lib/host/mod.ts'

const DROPPING = '-P FORWARD DROP'
const FILES = '/proc/net/ip_tables_names:filter\n/proc/sys/net/bridge/bridge-nf-call-iptables:1\n'

/** A host whose bridge is filtered by a legacy table that drops, which somebody flushes behind the command of a number. */
function host(flushBehind: number) {
  let rules = [DROPPING]
  let count = 0
  const run = (argv: readonly string[]) => {
    const [program, , , what, , ...rule] = argv
    const missing = new WeaveError('MISSING_TOOL', `no ${program ?? ''}`, 'install it')
    if (program === 'grep') return Promise.resolve({ status: 0, stdout: FILES, stderr: '' })
    if (program !== 'iptables-legacy') return Promise.reject(missing)
    const stdout = what === '-S' ? rules.join('\n') : ''
    if (what === '-I') rules = [DROPPING, `-A FORWARD ${rule.join(' ')}`, ...rules.slice(1)]
    if (++count === flushBehind) rules = [DROPPING]
    return Promise.resolve({ status: 0, stdout, stderr: '' })
  }
  const firewall = new HostFirewall({ run } as unknown as CommandRunner, 'weave', [2, 0, 0, 0, 0, 1] as never)
  return { firewall, accepts: () => rules.length > 1, count: () => count }
}

t.test('a legacy table that is flushed at any moment of a look is mended by the next looks', async t => {
  const whole = host(0)
  await whole.firewall.ensure()
  t.ok(whole.accepts())
  t.ok(whole.count() >= 3, `${whole.count()} commands`)
  for (let at = 1; at <= 2 * whole.count(); at++) {
    const { firewall, accepts } = host(at)
    await firewall.ensure()
    for (let look = 0; look < 3; look++) await firewall.glance()
    t.ok(accepts(), `flushed behind command ${at}`)
  }
})
