import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { ApiClient } from '../../../lib/api/mod.ts'
import { WeaveError } from '../../../lib/base/mod.ts'
import { bundleFiles, type BundleSources } from '../../../lib/cli/bundle.ts'
import { knownSecrets } from '../../../lib/cli/bundle-secrets.ts'
import { encodeInvite } from '../../../lib/cli/invitation.ts'
import { REDACTED } from '../../../lib/cli/redaction.ts'
import { linked } from '../../support/node-reports.ts'
import { hostFacts, reportOf } from '../doctor/reports.ts'
import { diagnoseWithoutDaemon } from '../../../lib/doctor/mod.ts'

const NOW = new Date('2026-01-31T12:00:00Z')
const MESH_SECRET = 'tr0ub4dor & 3 horses'
const OTHER_SECRET = 'the-one-before-it'
const ENVIRONMENT_SECRET = 'of the environment'
const SEED = Buffer.from(Array.from({ length: 32 }, (_, i) => (i * 37 + 11) & 0xff))
const INVITE = encodeInvite({
  ...{ mesh: 'ab'.repeat(16), endpoints: ['192.0.2.1:6783'], range: '10.32.0.0/12', domain: 'weave.local' },
  secret: MESH_SECRET,
})

/** The bytes of a secret as somebody may have written them. */
function forms(secret: Buffer): string[] {
  return [
    secret.toString('utf8'),
    ...(['hex', 'base64', 'base64url'] as const).map(encoding => secret.toString(encoding)),
  ]
}

const LEAKS = [
  ...[MESH_SECRET, OTHER_SECRET, ENVIRONMENT_SECRET].flatMap(text => forms(Buffer.from(text))),
  ...forms(SEED).slice(1),
  INVITE,
  INVITE.slice(INVITE.indexOf('-') + 1),
]
/** All of them, as a careless place might hold them. */
const LEAKY = LEAKS.join(' | ')

function sources(t: { teardown(fn: () => void): unknown }, parts: Partial<BundleSources> = {}): BundleSources {
  const stateDir = mkdtempSync(join(tmpdir(), 'weave-ts-bundle-'))
  t.teardown(() => rmSync(stateDir, { recursive: true }))
  const write = (name: string, text: string) => {
    writeFileSync(join(stateDir, name), text, { mode: 0o600 })
    return join(stateDir, name)
  }
  const options = { passwordFile: write('secret', `${MESH_SECRET}\n`), otherPasswordFile: write('old', OTHER_SECRET) }
  write('identity.json', JSON.stringify({ version: 1, seed: SEED.toString('hex'), machine: null, checksum: '' }))
  const kept = (time: string) => `${JSON.stringify({ seq: 1, time, event: 'asked', text: LEAKY })}\n`
  write('events.jsonl', kept('2026-01-29T12:00:00.000Z') + kept('2026-01-31T11:00:00.000Z'))
  write('daemon.log', `{"level":30,"msg":${JSON.stringify(LEAKY)}}\nstderr: ${LEAKY}\n`)
  const report = reportOf(linked(1), { warnings: [LEAKY], launchOptions: ['--nickname', LEAKY] })
  const event = {
    seq: 1,
    time: NOW.toISOString(),
    level: 'info',
    event: 'asked',
    text: LEAKY,
    details: { [LEAKY]: LEAKY },
  }
  const answers: Readonly<Record<string, unknown>> = {
    ...{ status: report, report, events: { events: [event] } },
    doctor: { schemaVersion: 1, isDaemonUp: true, problems: 0, warnings: 1, findings: [finding(LEAKY)] },
  }
  return {
    client: { call: ((name: string) => Promise.resolve(answers[name])) as ApiClient['call'] },
    runner: {
      run: async argv => ({
        stdout: argv.includes('-j') ? JSON.stringify([{ ifname: 'eth0', ifalias: LEAKY }]) : `# ${LEAKY}\n`,
        stderr: '',
        status: 0,
      }),
    },
    ...{ stateDir, bridge: 'weave', now: NOW, options: { ...options, nickname: LEAKY } },
    secrets: knownSecrets(stateDir, options, { WEAVE_PASSWORD: ENVIRONMENT_SECRET }),
    diagnoseDown: () => Promise.reject(new Error('not to be called')),
    ...parts,
  }
}

function finding(found: string) {
  return { check: 'status', group: 'daemon', verdict: 'warning', peer: null, found, remedy: found }
}

const FILES = [
  ...['README.txt', 'connections.json', 'connections.txt', 'daemon.log', 'doctor.json', 'doctor.txt', 'events.jsonl'],
  ...['host/ip-addr.json', 'host/ip-link.json', 'host/ip-route-6.json', 'host/ip-route.json', 'host/nft-weave-ts.txt'],
  ...['journal.txt', 'launch.json', 'missing.json', 'report.json', 'status.json', 'status.txt', 'versions.json'],
]

t.test('no secret of this host is in any file, raw, in hex or in base64, wherever it was', async t => {
  const files = await bundleFiles(sources(t))
  t.strictSame(files.map(({ name }) => name).sort(), FILES)
  for (const { name, content } of files)
    for (const leak of LEAKS) t.notOk(content.toLowerCase().includes(leak.toLowerCase()), `${leak} in ${name}`)
  const leaky = files.filter(({ content }) => content.includes(REDACTED)).map(({ name }) => name)
  t.strictSame(
    leaky.sort(),
    FILES.filter(
      name => !['README.txt', 'connections.json', 'connections.txt', 'missing.json', 'versions.json'].includes(name),
    ),
    'they were there to be found',
  )
  t.match(
    files.find(({ name }) => name === 'connections.txt'),
    { content: /192\.0\.2\.1/ },
  )
})

t.test('what is JSON stays so', async t => {
  for (const { name, content } of await bundleFiles(sources(t)))
    if (name.endsWith('.json')) t.doesNotThrow(() => JSON.parse(content) as unknown, name)
})

t.test('without a daemon there is what can be had, and why the rest is missing, without secrets too', async t => {
  const down = new WeaveError('DAEMON_DOWN', `no daemon answers: ${LEAKY}`, 'start it')
  const files = await bundleFiles(
    sources(t, {
      client: { call: () => Promise.reject(down) },
      runner: { run: () => Promise.reject(new WeaveError('MISSING_TOOL', LEAKY, 'install it')) },
      diagnoseDown: async error => diagnoseWithoutDaemon({ down: error, taken: undefined }, hostFacts(), NOW),
    }),
  )
  t.strictSame(files.map(({ name }) => name).sort(), [
    ...['README.txt', 'daemon.log', 'doctor.json', 'doctor.txt', 'events.jsonl', 'launch.json', 'missing.json'],
    'versions.json',
  ])
  const events = files.find(({ name }) => name === 'events.jsonl')!.content.split('\n')
  t.equal(events.length, 2, 'those of the last day')
  t.match(JSON.parse(events[0]!), { event: 'asked', text: REDACTED })
  for (const { name, content } of files) for (const leak of LEAKS) t.notOk(content.includes(leak), `${leak} in ${name}`)
  const { missing } = JSON.parse(files.find(({ name }) => name === 'missing.json')!.content) as { missing: object[] }
  t.match(missing, [{ name: 'status.json', why: /no daemon answers/ }])
})

t.test('a secret that cannot be read is named', async t => {
  const { stateDir } = sources(t)
  const gone = join(stateDir, 'gone')
  t.match(knownSecrets(stateDir, { passwordFile: gone }, {}), { secrets: [SEED], unread: [gone] })
})
