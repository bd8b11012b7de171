import t from 'tap'
import {
  daemonFindings,
  identityFindings,
  offloadFindings,
  warningFindings,
} from '../../../lib/doctor/daemon-checks.ts'
import { reportOf, shortOf } from './reports.ts'

t.test('a daemon that gives addresses is well; one that waits says for what', async t => {
  t.strictSame(shortOf(daemonFindings(reportOf())), ['daemon ok', 'mesh ok'])
  const mesh = { id: undefined, isPristine: true, isUnused: true, ipv6Prefix: undefined }
  const waiting = daemonFindings(reportOf({ mesh }))
  t.strictSame(shortOf(waiting), ['daemon ok', 'mesh problem'])
  t.match(waiting[1]?.found, /addresses cannot be given: no peer was named, and nobody has founded a mesh/)
})

t.test('another process with the identity is a problem with its remedy', async t => {
  t.match(identityFindings({ text: 'two of them', remedy: 'end one' }), [
    { verdict: 'problem', found: 'two of them', remedy: 'end one' },
  ])
  t.strictSame(shortOf(identityFindings(undefined)), ['identity ok'])
})

t.test('what the status warns of is handed on', async t => {
  t.match(warningFindings([{ what: 'a', remedy: 'do b' }, { what: 'c' }]), [
    { verdict: 'warning', found: 'a', remedy: 'do b' },
    { found: 'c', remedy: null },
  ])
})

t.test('an offload that the kernel refuses is a doubt, one that is left off is not', async t => {
  const of = (off: readonly string[], launchOptions: string[] = []) => {
    const offloads = Object.fromEntries(
      ['checksum', 'tapGso', 'tapUso', 'udpGso', 'udpGro', 'tapQueues', 'udpClasses'].map(name => [
        name,
        !off.includes(name),
      ]),
    )
    return offloadFindings({ engine: { offloads, counters: {} }, launchOptions }, '4.9.0')
  }
  t.match(of([]), [{ verdict: 'ok', found: 'all are on' }])
  t.match(of(['tapUso']), [{ verdict: 'ok', found: 'all are on but tapUso (kernels from 6.2 on have it)' }])
  t.match(of(['udpGso', 'udpGro']), [{ verdict: 'warning', found: /\(4\.9\.0\) refuses udpGso, udpGro/ }])
  t.match(of(['udpGso', 'udpClasses', 'tapQueues']), [
    { verdict: 'warning', found: /refuses udpGso, so large transfers/ },
    { verdict: 'warning', found: /refuses tapQueues, udpClasses, so what sends little/ },
  ])
  t.match(of(['udpGso', 'tapGso', 'tapUso'], ['--disable-offload', 'udp-gso,tap-gso']), [{ verdict: 'ok' }])
  t.match(of(['udpGso', 'udpGro'], ['--disable-offload', 'udp-gso']), [
    { verdict: 'warning', found: /refuses udpGro,/ },
  ])
  t.match(offloadFindings({ engine: { offloads: {}, counters: {} }, launchOptions: [] }, ''), [{ verdict: 'unknown' }])
})
