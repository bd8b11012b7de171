/**
 * The daemon of h2 is replaced while its container talks to that of another host.
 *
 *     [c1]                 [c2]
 *      │                    │
 *     (h1) ═════ u2 ═════ (h2)      192.0.2.0/24
 */
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { waitFor } from '../support/testbed-command.ts'
import { launchedPair } from '../support/testbed-line.ts'
import { Testbed, skipSystem, type Namespace } from '../support/testbed.ts'

t.setTimeout(120_000)
const TALK_MS = 30_000
/** On a quiet machine it is a third of a second; what is asserted is that nothing waits for a timer. */
const GAP_MS_MAX = 5_000
const PING_EVERY_MS = 20
const BIN = new URL('../../../bin/weave-ts', import.meta.url).pathname
const NO_DOCKER = { ...process.env, DOCKER_HOST: 'unix:///nonexistent/docker.sock' }
const TAKE_PORT = "require('net').createServer().listen(7001, () => console.log('listening'))"

/** Pings until it is stopped; gives the longest time without an answer. */
function pinging(bed: Testbed, from: Namespace, address: string) {
  const [program, ...rest] = from.argv('ping', '-n', '-i', String(PING_EVERY_MS / 1000), address)
  const child = spawn(program!, rest, { stdio: ['ignore', 'pipe', 'ignore'] })
  bed.onRemove(() => void child.kill('SIGKILL'))
  let answeredAt = performance.now()
  let gapMs = 0
  let answers = 0
  child.stdout.on('data', () => {
    gapMs = Math.max(gapMs, performance.now() - answeredAt)
    answeredAt = performance.now()
    answers++
  })
  return {
    answered: (more: number) => {
      const until = answers + more
      return waitFor(`${more} answers`, TALK_MS, () => answers >= until)
    },
    end: () => {
      child.kill('SIGINT')
      return gapMs
    },
  }
}

t.test('a daemon is replaced by another', { skip: skipSystem, timeout: 110_000 }, async t => {
  const bed = new Testbed(t)
  const {
    hosts: [, h2],
    containers: [c1, c2],
    ips: [, ip2],
  } = await launchedPair(bed)
  await waitFor('an answer', TALK_MS, () => c1.canPing(ip2))
  const within = (...argv: string[]) =>
    h2.run([process.execPath, BIN, ...argv, '--state-dir', h2.daemon.stateDir], { env: NO_DOCKER })

  await t.test('restart: another process, the same options, and a short gap', async t => {
    const before = await h2.daemon.status()
    const ping = pinging(bed, c1, ip2)
    await ping.answered(5)
    const { status, stderr } = await within('restart')
    t.equal(status, 0, stderr)
    await ping.answered(20)
    const gapMs = ping.end()
    t.ok(gapMs < GAP_MS_MAX, `${gapMs} ms without an answer`)
    const after = await h2.daemon.status()
    t.not(after.pid, before.pid)
    t.equal(after.peer.id, before.peer.id)
    t.strictSame(after.launchOptions, before.launchOptions)
    t.match(await h2.daemon.ps(), [{ id: `netns:${c2.name}`, isPresent: true }])
  })

  await t.test('what cannot come up leaves the old one as it is', async t => {
    const { pid } = await h2.daemon.status()
    await h2.ip('link add foreign type bridge')
    const wrongFile = join(bed.directory, 'wrong')
    writeFileSync(wrongFile, 'another secret', { mode: 0o600 })
    for (const [args, code] of [
      [['--mtu', '1'], 'CONFIG_INVALID'],
      [['--bridge', 'foreign'], 'BRIDGE_FOREIGN'],
      [['--password-file', '/nonexistent'], 'CONFIG_INVALID'],
      [['--forget-options'], 'SECRET_REQUIRED'],
      [['--password-file', wrongFile], 'SECRET_CHANGED'],
    ] as const) {
      const refused = await within('launch', '--replace', ...args)
      t.match(refused.stderr, `[${code}]`)
      t.equal((await h2.daemon.status()).pid, pid, code)
    }
    t.ok(await c1.canPing(ip2))
  })

  await t.test('what fails after it has taken over is followed by one as before', async t => {
    const other = spawn('nsenter', h2.argv(process.execPath, '-e', TAKE_PORT).slice(1), {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    bed.onRemove(() => void other.kill('SIGKILL'))
    await new Promise(resolve => other.stdout.once('data', resolve))
    const failed = await within('launch', '--replace', '--port', '7001')
    t.match(failed.stderr, /7001.* one was launched as before\n.*\[PORT_IN_USE\]/)
    t.equal((await h2.daemon.status()).port, 6_783)
    await waitFor('an answer', TALK_MS, () => c1.canPing(ip2))
  })

  await t.test('other options count, also where none ran', async t => {
    t.equal((await within('launch', '--replace', '--port', '7002')).status, 0)
    t.equal((await h2.daemon.status()).port, 7_002)
    await h2.daemon.say('stop')
    t.equal((await within('restart')).status, 0)
    t.equal((await h2.daemon.status()).port, 7_002)
  })
})
