/**
 * Three hosts in a line, as network namespaces on this machine: A and C reach only B. A daemon and a container on each.
 *
 *     [ca]           [cb]           [cc]        containers: 10.32.0.0/12
 *      │              │              │
 *     (a) ══ u2 ════ (b) ══ u100 ══ (c)         hosts: 192.0.2.0/24 and 198.51.100.0/24, b forwards nothing
 *
 * Ends by itself, removes all that it made, and exits with 1 when anything did not hold, with 69 or 77 when it cannot run.
 */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import type { PeerView } from '../lib/api/mod.ts'
import { Capture, occurrences } from '../test/support/testbed-capture.ts'
import { run, waitFor } from '../test/support/testbed-command.ts'
import { iperf } from '../test/support/testbed-iperf.ts'
import { download } from '../test/support/testbed-transfer.ts'
import { Testbed, type Host, type Namespace } from '../test/support/testbed.ts'
import { Stage } from './demo/stage.ts'
import { needRoot } from './need-root.ts'

const EXIT_MISSING = 69
const TOOLS = ['ip', 'ping', 'tcpdump', 'iperf3', 'sysctl', 'ss', 'nsenter'] as const
const MARKER = 'this-is-the-payload-in-clear-text-4711. '
const MARKED_BYTES = 4_000_000
const JOIN_MS = 20_000
const BYTES_SHOWN = 32

interface Cast {
  readonly bed: Testbed
  readonly hosts: readonly Host[]
  readonly containers: readonly Namespace[]
  readonly addresses: string[]
}

const stage = new Stage()

async function main(): Promise<void> {
  refuseWhereItCannotRun()
  console.log('weave-ts demo: three hosts in a line; no host reaches all others, yet all containers talk')
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => console.log(`\ndemo: ${signal}: removing what was made`))
  const bed = new Testbed()
  try {
    const hosts = await bed.hosts('a', 'b', 'c')
    const containers = await bed.containers('ca', 'cb', 'cc')
    const cast: Cast = { bed, hosts, containers, addresses: [] }
    await showUnderlay(cast)
    await launchAll(cast)
    await showPeers(cast)
    await attachAll(cast)
    await pingAll(cast)
    await transfer(cast)
    await captureUnderlay(cast)
    await showStatus(cast)
  } catch (error) {
    stage.check(false, error instanceof Error ? error.message : String(error))
    for (const line of bed.logTails()) console.log(`   ${line}`)
  } finally {
    await bed.close()
  }
  await checkNothingIsLeft(bed)
  const { failures } = stage
  const outcome = failures.length === 0 ? 'everything held' : `${failures.length} did not hold`
  console.log(`\nDemo ended after ${stage.seconds.toFixed(0)} s: ${outcome}`)
  for (const failure of failures) console.log(`   FAIL ${failure}`)
  process.exitCode = failures.length === 0 ? 0 : 1
}

function refuseWhereItCannotRun(): void {
  const refuse = (text: string, status: number) => {
    console.error(`demo: ${text}`)
    process.exit(status)
  }
  needRoot('demo')
  const missing = TOOLS.filter(tool => spawnSync('sh', ['-c', `command -v ${tool}`]).status !== 0)
  if (missing.length > 0) refuse(`missing programs: ${missing.join(' ')}; \`make setup\` installs them`, EXIT_MISSING)
}

async function showUnderlay({ bed, hosts: [a, b, c] }: Cast): Promise<void> {
  stage.step(
    'Three hosts, two cables',
    'Each host is a network namespace. b is cabled to a and to c, and forwards nothing: a and c cannot reach each other.',
  )
  await bed.link(a!, b!, '192.0.2')
  await bed.link(b!, c!, '198.51.100')
  const reach = async (from: Host, to: Host, prefix: string) => from.canPing(to.addresses.get(prefix)!)
  const [ab, cb, ac, ca] = await Promise.all([
    reach(a!, b!, '192.0.2'),
    reach(c!, b!, '198.51.100'),
    reach(a!, c!, '198.51.100'),
    reach(c!, a!, '192.0.2'),
  ])
  stage.check(ab && cb, 'a and c reach b on the underlay')
  stage.check(!ac && !ca, 'a and c do not reach each other there')
}

async function launchAll({ bed, hosts: [a, b, c] }: Cast): Promise<void> {
  stage.step(
    'Launch and connect',
    'a founds the mesh. b joins it, c is told of b alone. All know the same secret; without it no host gets in.',
  )
  const options = { passwordFile: bed.passwordFile }
  const peers: readonly (readonly [Host, string[]])[] = [
    [a!, []],
    [b!, [a!.address]],
    [c!, []],
  ]
  const last = [b!.addresses.get('198.51.100')!]
  for (const [host, targets] of peers) {
    const named = host === c ? last : targets
    await host.daemon.launch(named, options)
    stage.command(host.label, ['weave-ts launch --password-file secret', ...named].join(' '), '')
  }
  await waitFor('all three to see each other', JOIN_MS, async () => {
    for (const host of [a!, b!, c!])
      if ((await host.daemon.status()).peers.filter(peer => peer.isReachable).length !== 3) return false
    return true
  })
  const ids = await Promise.all([a!, b!, c!].map(async host => (await host.daemon.status()).mesh.id))
  stage.check(ids[0] !== null && new Set(ids).size === 1, `all are in one mesh: ${ids[0] ?? 'none'}`)
}

async function showPeers({ hosts }: Cast): Promise<void> {
  const [a, b, c] = hosts
  stage.step(
    'Who sees whom',
    'The mesh tells every host of every other; a learns of c, which it cannot reach itself, from b.',
  )
  stage.command('a', 'weave-ts status peers', await a!.daemon.say('status', 'peers'))
  for (const host of hosts)
    stage.command(host.label, 'weave-ts status connections', await host.daemon.say('status', 'connections'))
  const pathTo = async (from: Host, to: Host): Promise<PeerView['path']> => {
    const { id } = (await to.daemon.status()).peer
    return (await from.daemon.status()).peers.find(peer => peer.id === id)?.path ?? null
  }
  const is = (from: Host, to: Host, kind: string) =>
    waitFor(`a ${kind} path ${from.label}→${to.label}`, JOIN_MS, async () => (await pathTo(from, to))?.kind === kind)
  await Promise.all([is(a!, b!, 'direct'), is(b!, c!, 'direct'), is(a!, c!, 'relayed'), is(c!, a!, 'relayed')])
  const relayed = await pathTo(a!, c!)
  stage.check(
    true,
    `a→b and b→c are direct; a→c is relayed by ${relayed?.via?.nickname ?? '?'}, sealed from end to end`,
  )
  if (relayed?.why) console.log(`        (not direct: ${relayed.why})`)
}

async function attachAll({ hosts, containers, addresses }: Cast): Promise<void> {
  stage.step('A container on each host', 'Each gets an interface in the overlay, and an address that no other has.')
  for (const [i, host] of hosts.entries()) {
    const cidrs = await host.daemon.say('attach', `netns:${containers[i]!.name}`)
    stage.command(host.label, `weave-ts attach netns:c${host.label}`, cidrs)
    addresses.push(cidrs.split('/')[0]!)
  }
  for (const host of hosts) stage.command(host.label, 'weave-ts ps', await host.daemon.say('ps'))
  stage.check(new Set(addresses).size === hosts.length, `three addresses, all different: ${addresses.join(' ')}`)
}

async function pingAll({ hosts, containers, addresses }: Cast): Promise<void> {
  stage.step(
    'Ping',
    'The containers reach each other as on one Ethernet switch. ARP and the frames of a→c pass through b.',
  )
  for (const [from, to] of [
    [0, 1],
    [1, 2],
    [0, 2],
  ] as const) {
    const argv = ['ping', '-n', '-c', '10', '-i', '0.05', '-W', '2', addresses[to]!]
    const result = await containers[from]!.run(argv)
    const average = /= [\d.]+\/([\d.]+)\//.exec(result.stdout)?.[1] ?? '?'
    const isWhole = / 0% packet loss/.test(result.stdout)
    const way = `${hosts[from]!.label}→${hosts[to]!.label}`
    stage.check(result.status === 0 && isWhole, `${way}: 10 of 10 answered, on average after ${average} ms`)
  }
  const large = await containers[0]!.canPing(addresses[2]!, 60_000)
  stage.check(large, 'a→c: one ping of 60,000 bytes, which the kernel cuts into fragments')
}

async function transfer({ containers, addresses }: Cast): Promise<void> {
  stage.step('TCP, as fast as it goes', 'One stream of iperf3 for two seconds, to a neighbour and through the relay.')
  for (const [from, to, way] of [
    [0, 1, 'a→b'],
    [0, 2, 'a→c'],
  ] as const) {
    const { bytes, bitsPerSecond: rate } = await iperf(containers[from]!, containers[to]!, addresses[to]!, 2)
    stage.check(bytes > 0, `${way}: ${(bytes / 1e6).toFixed(0)} MB at ${(rate / 1e9).toFixed(2)} Gb/s`)
  }
}

async function captureUnderlay({ bed, hosts: [, b], containers, addresses }: Cast): Promise<void> {
  stage.step(
    'What the underlay shows',
    `a's container downloads ${MARKED_BYTES / 1e6} MB of one sentence from c's. Both cables are recorded, and c's container for comparison.`,
  )
  const captures = await Promise.all([
    Capture.start(bed, b!, 'u2'),
    Capture.start(bed, b!, 'u100'),
    Capture.start(bed, containers[2]!, 'ethwe'),
  ])
  const result = await download(containers[2]!, containers[0]!, addresses[2]!, MARKED_BYTES, MARKER)
  const isWhole = result.sent === result.received && result.bytes === MARKED_BYTES
  stage.check(isWhole, `${result.bytes} bytes arrived, with the checksum that they left with`)
  const recorded = await Promise.all(captures.map(capture => capture.stop()))
  for (const [i, cable] of ['cable a–b', 'cable b–c'].entries()) {
    const { bytes, packets, missed } = recorded[i]!
    stage.check(
      bytes.length > MARKED_BYTES,
      `${cable}: ${packets} packets recorded, ${bytes.length} bytes, ${missed} missed`,
    )
    stage.check(missed === 0 && occurrences(bytes, MARKER.trim()) === 0, `${cable}: the sentence is nowhere in them`)
    console.log(`        the last bytes of them: ${bytes.subarray(-BYTES_SHOWN).toString('hex')}`)
  }
  const found = occurrences(recorded[2]!.bytes, MARKER.trim())
  stage.check(found > 0, `inside c's container, where it is clear text, the same search finds it ${found} times`)
}

async function showStatus({ hosts }: Cast): Promise<void> {
  stage.step('Status', 'As an operator sees it, here on b.')
  stage.command('b', 'weave-ts status', await hosts[1]!.daemon.say('status'))
  stage.command('b', 'weave-ts status ipam', await hosts[1]!.daemon.say('status', 'ipam'))
  const all = await Promise.all(hosts.map(host => host.daemon.status()))
  stage.check(
    all.every(status => status.isReady),
    'all three are ready',
  )
  stage.check(
    all.every(status => status.warnings.length === 0),
    'and none warns of anything',
  )
}

async function checkNothingIsLeft(bed: Testbed): Promise<void> {
  stage.step('Removed', 'The daemons were stopped; namespaces, interfaces and files of the demo are gone.')
  const { stdout } = await run(['ip', 'netns', 'list'])
  stage.check(!stdout.includes(bed.tag) && !existsSync(bed.directory), 'no namespace and no file is left')
}

await main()
