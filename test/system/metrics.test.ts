/**
 * What two daemons tell Prometheus while their containers talk; Prometheus runs on h1, where Debian has it.
 *
 *     [c1]                 [c2]
 *      │                    │
 *     (h1) ═════ u2 ═════ (h2)      192.0.2.0/24
 */
import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { projectRoot } from '../../scripts/check-docs.ts'
import { exposedSamples, type ExposedSample } from '../support/exposition.ts'
import { run, waitFor } from '../support/testbed-command.ts'
import { Testbed, meshed, skipSystem, type Host, type Namespace, type TestScope } from '../support/testbed.ts'

t.setTimeout(300_000)
const options = { skip: skipSystem, timeout: 200_000 }
const TALK_MS = 30_000
const PINGS = 200
const PING_BYTES = 1_000
const BIN = new URL('../../../bin/weave-ts', import.meta.url).pathname
const NO_DOCKER = { ...process.env, DOCKER_HOST: 'unix:///nonexistent/docker.sock' }
const GET = `
  const [url, accept] = process.argv.slice(1)
  require('node:http').get(url, { headers: { accept } }, response => {
    process.stdout.write(response.statusCode + ' ' + response.headers['content-type'] + '\\n')
    response.pipe(process.stdout)
  }).on('error', error => { process.stdout.write('0 ' + error.code + '\\n') })`
const TAKE_PORT = "require('net').createServer().listen(9999, '127.0.0.1', () => console.log('listening'))"

const has = async (program: string) => (await run([program, '--version'])).status === 0
const needs = async (program: string) =>
  skipSystem === false && !(await has(program)) ? `${program} is not here: apt install prometheus` : skipSystem

/** A request from within a namespace. */
async function get(from: Namespace, url: string, accept = '*/*') {
  const { stdout } = await from.run([process.execPath, '-e', GET, url, accept])
  const [, status = '', contentType = '', body = ''] = /^(\d+) ([^\n]*)\n([\s\S]*)$/.exec(stdout) ?? []
  return { status: Number(status), contentType, body }
}

function valueOf(
  samples: readonly ExposedSample[],
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number {
  const fit = samples.filter(
    sample => sample.name === name && Object.entries(labels).every(([key, text]) => sample.labels[key] === text),
  )
  if (fit.length !== 1) throw new Error(`${fit.length} samples of ${name} ${JSON.stringify(labels)}`)
  return fit[0]!.value
}

async function scraped(from: Namespace, url = 'http://127.0.0.1:6782/metrics'): Promise<ExposedSample[]> {
  const { status, body } = await get(from, url)
  if (status !== 200) throw new Error(`${url}: ${status} ${body}`)
  return exposedSamples(body)
}

async function twoHosts(t: TestScope) {
  const bed = new Testbed(t)
  const [h1, h2] = (await bed.hosts('h1', 'h2')) as [Host, Host]
  await bed.link(h1, h2, '192.0.2')
  const { passwordFile } = bed
  const launched = await h1.daemon.tryLaunch([], { passwordFile, args: ['--metrics', '127.0.0.1'] })
  const open = await h2.daemon.tryLaunch([h1.address], { passwordFile, args: ['--metrics', '0.0.0.0:9100'] })
  const [c1, c2] = (await bed.containers('c1', 'c2')) as [Namespace, Namespace]
  await h1.daemon.attach(c1)
  const ip2 = (await h2.daemon.attach(c2))[0]!.split('/')[0]!
  await meshed([h1, h2])
  await waitFor('an answer', TALK_MS, () => c1.canPing(ip2))
  const within = (...argv: string[]) =>
    h1.run([process.execPath, BIN, ...argv, '--state-dir', h1.daemon.stateDir], { env: NO_DOCKER })
  return { bed, h1, h2, c1, c2, ip2, launched, open, within }
}

t.test('what is told moves with traffic, and is what report says', options, async t => {
  const { h1, h2, c1, ip2, launched, open } = await twoHosts(t)
  t.notMatch(launched.stderr, 'metrics')
  t.match(open.stderr, /weave-ts: metrics are told to anybody who reaches 0\.0\.0\.0:9100/, 'it says who can read them')
  t.equal((await get(h1, `http://${h2.address}:9100/metrics`)).status, 200)
  t.equal((await get(h2, `http://${h1.address}:6782/metrics`)).status, 0, 'h1 tells nobody else')

  const peer = { nickname: 'h2', peer: (await h2.daemon.status()).peer.id }
  const before = await scraped(h1)
  const { stdout } = await c1.run(['ping', '-n', '-q', '-f', '-s', String(PING_BYTES), '-c', String(PINGS), ip2])
  t.match(stdout, new RegExp(`${PINGS} received`))
  const told = await h1.daemon.report()
  const after = await scraped(h1)
  const later = await h1.daemon.report()
  const moved = (name: string, labels: Readonly<Record<string, string>> = {}) =>
    valueOf(after, name, labels) - valueOf(before, name, labels)
  t.ok(moved('weave_ts_frames_total', { direction: 'from-containers' }) >= PINGS)
  t.ok(moved('weave_ts_frames_total', { direction: 'to-containers' }) >= PINGS)
  for (const direction of ['sent', 'received']) {
    t.ok(moved('weave_ts_peer_datagrams_total', { ...peer, direction }) >= PINGS, direction)
    t.ok(moved('weave_ts_peer_bytes_total', { ...peer, direction }) >= PINGS * PING_BYTES, direction)
    t.ok(moved('weave_ts_datagram_bytes_total', { direction }) >= PINGS * PING_BYTES, direction)
  }
  for (const step of ['tap-read', 'tap-write', 'udp-read', 'udp-write']) {
    const batches = moved('weave_ts_lane_batches_total', { step })
    t.ok(batches > 0, `${step}: ${batches} batches`)
  }
  for (const [name, labels, counter] of [
    ['weave_ts_frames_total', { direction: 'from-containers' }, 'tap-rx-frames'],
    ['weave_ts_datagrams_total', { direction: 'sent' }, 'tx-datagrams'],
    ['weave_ts_drops_total', { where: 'engine', reason: 'auth' }, 'drop:auth'],
  ] as const) {
    const value = valueOf(after, name, labels)
    const [least, most] = [told.engine.counters[counter]!, later.engine.counters[counter]!]
    t.ok(least <= value && value <= most, `${name}: ${least} ≤ ${value} ≤ ${most}`)
  }
  t.equal(valueOf(after, 'weave_ts_ready'), 1)
  t.equal(valueOf(after, 'weave_ts_attachments'), 1)
  t.equal(valueOf(after, 'weave_ts_ipam_leased_addresses'), 1)
  t.equal(valueOf(after, 'weave_ts_paths', { kind: 'direct' }), 1)
  t.equal(valueOf(after, 'weave_ts_peer_reachable', peer), 1)
  t.ok(valueOf(after, 'weave_ts_peer_rtt_seconds', peer) < 1)
  t.equal(valueOf(after, 'weave_connections', { state: 'established', type: 'direct', encryption: 'yes' }), 1)
  t.ok(valueOf(after, 'weave_ts_gossip_bytes_total', { direction: 'received' }) > 0)
  t.ok(valueOf(after, 'weave_ts_link_bytes_total', { direction: 'sent' }) > 0)
  t.ok(valueOf(after, 'weave_ts_event_loop_lag_seconds_count') > 0)

  const printed = exposedSamples(await h1.daemon.say('metrics'))
  t.strictSame(
    [...new Set(printed.map(({ family }) => family))],
    [...new Set(after.map(({ family }) => family))],
    'the command has the same',
  )
  t.notMatch(
    (await get(h1, 'http://127.0.0.1:6782/metrics')).body,
    /192\.0\.2\.|10\.32\.|netns/,
    'no address, no container',
  )

  await h2.daemon.stopIfRunning()
  await waitFor(
    'the peer is told as gone',
    TALK_MS,
    async () => valueOf(await scraped(h1), 'weave_ts_peer_reachable', peer) === 0,
  )
  t.ok(valueOf(await scraped(h1), 'weave_ts_links_ended_total') >= 1)
})

t.test('the option stays through restarts, and a port in use is said', options, async t => {
  const { bed, h1, within } = await twoHosts(t)
  t.equal((await get(h1, 'http://127.0.0.1:6782/readyz')).body, 'ready\n')
  t.equal((await get(h1, 'http://127.0.0.1:6782/healthz')).body, 'ok\n')
  const before = (await h1.daemon.status()).pid
  const again = await within('restart')
  t.equal(again.status, 0, again.stderr)
  t.not((await h1.daemon.status()).pid, before)
  t.ok(valueOf(await scraped(h1), 'process_start_time_seconds') > 0, 'the new one tells there')
  t.match((await h1.daemon.status()).launchOptions.join(' '), '--metrics 127.0.0.1')

  const other = await within('launch', '--metrics', '127.0.0.1:9999')
  t.equal(other.status, 1)
  t.match(other.stderr, /it has --metrics 127\.0\.0\.1, and asked for was --metrics 127\.0\.0\.1:9999/)
  const wrong = await within('launch', '--replace', '--metrics', 'localhost')
  t.equal(wrong.status, 78)
  t.match(wrong.stderr, /--metrics localhost is not an address/)

  const [program, ...rest] = h1.argv(process.execPath, '-e', TAKE_PORT)
  const taker = spawn(program!, rest, { stdio: ['ignore', 'pipe', 'inherit'] })
  bed.onRemove(() => void taker.kill('SIGKILL'))
  await new Promise(resolve => taker.stdout.once('data', resolve))
  const taken = await within('launch', '--replace', '--metrics', '127.0.0.1:9999')
  t.not(taken.status, 0)
  t.match(taken.stderr, /--metrics 127\.0\.0\.1:9999: TCP port 9999 is in use by another program/)
  await waitFor('the daemon is there as before', TALK_MS, async () => (await scraped(h1)).length > 0)

  const off = await within('launch', '--replace', '--forget-option', 'metrics')
  t.equal(off.status, 0, off.stderr)
  t.equal((await get(h1, 'http://127.0.0.1:6782/metrics')).status, 0, 'nobody listens')
  t.match(await h1.daemon.say('metrics'), /^weave_ts_ready 1$/m, 'the command goes on')
})

t.test(
  'promtool takes the text, and has nothing against our names',
  { ...options, skip: await needs('promtool') },
  async t => {
    const { h1 } = await twoHosts(t)
    const { body } = await get(h1, 'http://127.0.0.1:6782/metrics')
    const { status, stderr } = await run(['promtool', 'check', 'metrics'], { input: body })
    // A name that is Weave's is as it is.
    t.strictSame(
      stderr
        .trim()
        .split('\n')
        .filter(line => !line.startsWith('weave_ipam_unreachable_count ')),
      [],
    )
    t.ok(status === 0 || status === 3, `status ${status}: 1 is for what cannot be read`)
    t.equal(
      (await run(['promtool', 'check', 'rules', join(projectRoot(), 'monitoring/prometheus-alerts.yml')])).status,
      0,
    )
  },
)

t.test(
  'Prometheus scrapes it, and takes the rules and the dashboard',
  { ...options, skip: await needs('prometheus') },
  async t => {
    const { bed, h1, h2, c1, ip2 } = await twoHosts(t)
    const directory = join(bed.directory, 'prometheus')
    mkdirSync(directory)
    const config = join(directory, 'prometheus.yml')
    const rules = join(projectRoot(), 'monitoring/prometheus-alerts.yml')
    writeFileSync(
      config,
      `global: { scrape_interval: 1s, evaluation_interval: 1s }
rule_files: [${rules}]
scrape_configs:
  - job_name: weave-ts
    static_configs: [{ targets: ['127.0.0.1:6782', '${h2.address}:9100'] }]
`,
    )
    const [program, ...rest] = h1.argv(
      ...['prometheus', `--config.file=${config}`, `--storage.tsdb.path=${join(directory, 'data')}`],
      '--web.listen-address=127.0.0.1:9090',
    )
    const child = spawn(program!, rest, { stdio: ['ignore', 'ignore', 'pipe'] })
    bed.onRemove(() => void child.kill('SIGKILL'))
    let log = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => (log += text))
    const api = async (path: string) => {
      const { status, body } = await get(h1, `http://127.0.0.1:9090/api/v1/${path}`)
      if (status !== 200) throw new Error(`${path}: ${status} ${body} ${log.slice(-300)}`)
      return (JSON.parse(body) as { data: unknown }).data
    }
    const query = async (expr: string) =>
      (
        (await api(`query?query=${encodeURIComponent(expr)}`)) as {
          result: readonly { value: readonly [number, string] }[]
        }
      ).result
    const flood = spawn(c1.argv('ping')[0]!, c1.argv('ping', '-n', '-q', '-i', '0.02', ip2).slice(1), {
      stdio: 'ignore',
    })
    bed.onRemove(() => void flood.kill('SIGKILL'))

    await waitFor('25 scrapes of both daemons', 90_000, async () => {
      const counts = await query('count_over_time(up{job="weave-ts"}[5m])')
      return counts.length === 2 && counts.every(({ value }) => Number(value[1]) >= 25)
    })
    t.same(
      (await query('min_over_time(up{job="weave-ts"}[5m])')).map(({ value }) => value[1]),
      ['1', '1'],
      'all were read',
    )
    t.ok((await query('min_over_time(scrape_samples_scraped[5m]) > 100')).length === 2)
    const targets = (await api('targets')) as { activeTargets: readonly { lastError: string }[] }
    t.same(
      targets.activeTargets.map(({ lastError }) => lastError),
      ['', ''],
    )

    const { groups } = (await api('rules')) as {
      groups: readonly { rules: readonly { name: string; health: string; state: string; lastError?: string }[] }[]
    }
    const alerts = groups.flatMap(group => group.rules)
    t.ok(alerts.length > 15)
    for (const { name, health, lastError = '' } of alerts) t.equal(health, 'ok', `${name} ${lastError}`)
    t.same(
      alerts.filter(({ state }) => state === 'firing').map(({ name }) => name),
      [],
      'a mesh in order alarms nobody',
    )

    const { panels } = JSON.parse(readFileSync(join(projectRoot(), 'monitoring/grafana-dashboard.json'), 'utf8')) as {
      panels: readonly { title: string; targets?: readonly { expr: string }[] }[]
    }
    const empty: string[] = []
    for (const { title, targets: shown = [] } of panels)
      for (const { expr } of shown) {
        const asked = expr.replaceAll('$__rate_interval', '1m').replaceAll('$instance', '.*')
        // These show what is above 0, and on a cable nothing need be lost.
        const isBare = / > 0$/.test(expr)
        if ((await query(asked)).length === 0 && !isBare) empty.push(title)
      }
    t.same(empty, [], 'every panel has something to show')
  },
)
