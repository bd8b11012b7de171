/**
 * What `weave-ts doctor` says of hosts where nothing is wrong, and of one fault after the other on the real kernel.
 *
 *     (h1) ═══ u2 ═══ (h2)      192.0.2.0/24
 */
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import type { DoctorAnswer } from '../../lib/api/mod.ts'
import { must, waitFor } from '../support/testbed-command.ts'
import { linkedPair } from '../support/testbed-line.ts'
import { SECRET, Testbed, skipSystem } from '../support/testbed.ts'

t.setTimeout(60_000)
const BIN = fileURLToPath(new URL('../../../bin/weave-ts', import.meta.url))
const SOON_MS = 15_000

/** What is no problem of this host's own, and so depends on where the test runs. */
const OUTSIDE = ['clock', 'disk', 'resolver']

t.test('doctor finds what is wrong, and says what to do', { skip: skipSystem, timeout: 55_000 }, async t => {
  const bed = new Testbed(t)
  const [h1, h2] = await linkedPair(bed)

  const healthy = await waitFor('both say that datagrams get through', SOON_MS, async () => {
    const answer = await h1.daemon.doctor()
    return answer.findings.some(one => /and says the same of this host/.test(one.found)) ? answer : undefined
  })
  t.equal(healthy.status, 0)
  t.strictSame(
    healthy.findings.filter(one => one.verdict !== 'ok' && !OUTSIDE.includes(one.check)),
    [],
  )
  t.match(
    healthy.findings.find(({ check }) => check === 'tcp'),
    { peer: { nickname: 'h2' }, found: /dialled TCP port 6783 of this host, from 192\.0\.2\.2/ },
  )
  const other = await h2.daemon.doctor()
  t.match(
    other.findings.filter(({ check }) => check === 'tcp'),
    [{}, { verdict: 'ok', found: /\(h1\) was asked to dial this host, and reaches 192\.0\.2\.2:6783/ }],
    'nobody dialled h2, and h1 can',
  )
  for (const { findings } of [healthy, other])
    t.ok(findings.some(({ check, found }) => check === 'clock' && /of 1 neighbour and of this host agree/.test(found)))
  t.strictSame((await h2.daemon.status()).connections.length, 1, 'a dial that was asked for is no failed link')

  await h1.ip('route add 10.40.0.0/16 via 192.0.2.2')
  await h1.ip('route add 10.33.0.0/16 via 192.0.2.2')
  await h2.must('nft', 'add table inet fw')
  await h2.must('nft', 'add chain inet fw input { type filter hook input priority 0 ; policy drop ; }')
  await h2.must('nft', 'add rule inet fw input ct state established,related accept')
  await h2.must('nft', 'add rule inet fw input udp dport 6783 accept')
  const routed = await h1.daemon.doctor()
  t.equal(routed.status, 1)
  t.match(routed.findings[0], {
    check: 'range',
    verdict: 'problem',
    found: /10\.33\.0\.0\/16/,
    remedy: /ipalloc-range/,
  })
  const walled = await waitFor('h1 cannot dial h2', SOON_MS, async () => {
    const answer = await h2.daemon.doctor()
    return answer.of('tcp').length > 0 ? answer : undefined
  })
  t.equal(walled.status, 0, 'a doubt is no problem')
  t.match(
    walled.findings.find(({ check }) => check === 'firewall'),
    {
      verdict: 'warning',
      found: /inet fw input .* names tcp port 6783/,
      remedy: /nft insert rule inet fw input tcp dport/,
    },
  )
  t.match(walled.of('tcp'), [
    { verdict: 'warning', found: /\(h1\) .* does not reach 192\.0\.2\.2:6783: timed out/, remedy: /let TCP port 6783/ },
  ])
  t.match((await h1.daemon.cli('doctor')).stdout, /^PROBLEM: range: .*\n {5}do: .*\n[^]*\n1 problem, /)

  await h1.must('ip', 'link', 'set', 'dev', 'u2', 'alias', `why not ${SECRET}`)
  const archive = join(bed.directory, 'report.tar.gz')
  await h1.must(process.execPath, BIN, 'report', '--bundle', archive, '--state-dir', h1.daemon.stateDir)
  t.equal(statSync(archive).mode & 0o777, 0o600)
  const held = await must(['tar', '-xzOf', archive])
  t.match(held, `"ifalias": "why not (left-out)"`, 'the host was looked at')
  for (const part of ['"check": "range"', '"broadcastTree"', '"event":"mesh-founded"', '"event":"ready"'])
    t.match(held, part)
  const seed = (JSON.parse(readFileSync(join(h1.daemon.stateDir, 'identity.json'), 'utf8')) as { seed: string }).seed
  for (const secret of [Buffer.from(SECRET), Buffer.from(seed, 'hex')])
    for (const encoding of ['utf8', 'hex', 'base64'] as const)
      t.notOk(held.includes(secret.toString(encoding)), `no secret in ${encoding}`)

  await h1.daemon.say('stop')
  // Without a daemon the command looks at the host that it runs on.
  const argv = [process.execPath, BIN, 'doctor', '--json', '--state-dir', h1.daemon.stateDir]
  const { stdout, status } = await h1.run(argv)
  const down = JSON.parse(stdout) as DoctorAnswer
  t.equal(status, 7)
  t.match(down, { isDaemonUp: false, findings: [{ check: 'daemon', remedy: /weave-ts launch/ }, { check: 'range' }] })
})
