/**
 * Names asked for with `dig`, from containers and from hosts.
 *
 *     [c1]                         [c2]          10.32.0.0/12; the hosts are exposed
 *       │                           │
 *     weave ─ (h1) ═══ u2 ═══ (h2) ─ weave       192.0.2.0/24
 *               │
 *           upstream servers at 127.0.0.5, 127.0.0.6
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { waitFor } from '../support/testbed-command.ts'
import { Testbed, meshed, skipSystem, type Host, type Namespace, type TestScope } from '../support/testbed.ts'

t.setTimeout(240_000)
const options = { skip: skipSystem, timeout: 120_000 }
const QUERIES = 20_000
const SERVFAIL_MS = 5_000
const supportFile = (name: string) => fileURLToPath(new URL(`../support/${name}.js`, import.meta.url))

interface Dug {
  readonly status: string
  readonly flags: readonly string[]
  /** Data of the answers. */
  readonly answers: readonly string[]
  readonly text: string
}

async function dig(from: Namespace, ...args: string[]): Promise<Dug> {
  const { stdout } = await from.run(['dig', '+tries=1', '+timeout=6', ...args])
  const section = /;; ANSWER SECTION:\n([\s\S]*?)\n\n/.exec(stdout)?.[1] ?? ''
  return {
    status: /status: (\w+)/.exec(stdout)?.[1] ?? 'none',
    flags: /;; flags: ([a-z ]+);/.exec(stdout)?.[1]?.split(' ') ?? [],
    answers: section === '' ? [] : section.split('\n').map(line => line.split(/\s+/).slice(4).join(' ')),
    text: stdout,
  }
}

/** A process of the test in a namespace, which says that it is ready. */
async function start(bed: Testbed, where: Namespace, ...argv: string[]): Promise<{ stop(): Promise<void> }> {
  const [command, ...args] = where.argv(process.execPath, ...argv)
  const child = spawn(command!, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  bed.onClose(stop)
  await once(child.stdout, 'data')
  return { stop }
}

async function twoExposed(t: TestScope, args: readonly string[] = []) {
  const bed = new Testbed(t)
  const [h1, h2] = (await bed.hosts('h1', 'h2')) as [Host, Host]
  await bed.link(h1, h2, '192.0.2')
  const resolvConf = join(bed.directory, 'resolv.conf')
  writeFileSync(resolvConf, '')
  const launch = { passwordFile: bed.passwordFile, args: ['--resolv-conf', resolvConf, ...args] }
  await h1.daemon.launch([], launch)
  await h2.daemon.launch([h1.address], launch)
  const [c1, c2] = (await bed.containers('c1', 'c2')) as [Namespace, Namespace]
  const ip1 = (await h1.daemon.ipv4('attach', '-h', 'web', `netns:${c1.name}`)).split('/')[0]!
  const ip2 = (await h2.daemon.ipv4('attach', '-h', 'web', '-h', 'two.deep.weave.local', `netns:${c2.name}`)).split(
    '/',
  )[0]!
  await meshed([h1, h2])
  const server = (await h1.daemon.ipv4('expose')).split('/')[0]!
  return { bed, h1, h2, c1, c2, ip1, ip2, server, resolvConf }
}

t.test('a container asks its host, which knows all names', options, async t => {
  const { h1, h2, c1, c2, ip1, ip2, server } = await twoExposed(t)
  const ask = (...args: string[]) => dig(c1, `@${server}`, ...args)
  await waitFor('both addresses', 2_000, async () => (await ask('web.weave.local')).answers.length === 2)

  const both = await ask('WeB.wEAVE.lOCAL')
  t.same([...both.answers].sort(), [ip1, ip2].sort())
  t.match(both.text, /^WeB\.wEAVE\.lOCAL\.\s+1\s+IN\s+A\s/m, 'the case of the question, and a TTL of 1 s')
  t.ok(both.flags.includes('aa'))
  t.same((await ask('+tcp', 'two.deep.weave.local')).answers, [ip2])
  const named = [...(await h1.daemon.ps()), ...(await h2.daemon.ps())].filter(one =>
    one.names.includes('web.weave.local.'),
  )
  const ipv6 = named.flatMap(one => one.ipv6.map(cidr => cidr.split('/')[0]!))
  t.equal(ipv6.length, 2)
  t.strictSame([...(await ask('AAAA', 'web.weave.local')).answers].sort(), ipv6.sort())
  await h1.daemon.say('dns-add', '192.0.2.201', 'old')
  t.match(await ask('AAAA', 'old.weave.local'), { status: 'NOERROR', answers: [], text: /AUTHORITY[^]*SOA/ })
  t.match(await ask('MX', 'web.weave.local'), { status: 'NOERROR', answers: [] })
  t.match(await ask('deep.weave.local'), { status: 'NOERROR', answers: [] })
  t.match(await ask('nobody.weave.local'), { status: 'NXDOMAIN', text: /AUTHORITY[^]*SOA/ })
  t.match(await ask('-x', ip2), { answers: ['two.deep.weave.local.', 'web.weave.local.'] })
  t.match(await ask('SOA', 'weave.local'), { answers: [/^weave\.local\. hostmaster\.weave\.local\. 1 /] })
  t.match(await ask('NS', 'weave.local'), { answers: ['weave.local.'] })
  t.match(await ask('www.example.com'), { status: 'REFUSED' }, 'there is no upstream')
  t.match(await h1.daemon.say('status'), `Answering: ${server}:53`)

  // An address that another container gets has that one's name at once.
  await h2.daemon.detach(`netns:${c2.name}`)
  await waitFor('the end of its names', 1_000, async () => (await ask('-x', ip2)).status === 'NXDOMAIN')
  t.same((await ask('web.weave.local')).answers, [ip1])

  const many = Array.from({ length: 30 }, (_, i) => `many${i}`)
  for (const half of [many.slice(0, 15), many.slice(15)]) await h1.daemon.say('dns-add', '192.0.2.200', ...half)
  const names = await ask('+ignore', '+noedns', '-x', '192.0.2.200')
  t.ok(names.flags.includes('tc') && names.answers.length < 30, `${names.answers.length} of 30 in 512 bytes`)
  t.equal((await ask('-x', '192.0.2.200')).answers.length, 30, 'over TCP all of them')

  const large = Array.from({ length: 100 }, (_, i) => `192.0.2.${i + 100}`)
  for (const target of large) await h1.daemon.api.call('dns-add', { target, names: ['large'] })
  for (const [bytes, least] of [
    [512, 25],
    [1_232, 70],
  ] as const) {
    const cut = await ask('+ignore', `+bufsize=${bytes}`, 'large.weave.local')
    t.ok(cut.flags.includes('tc') && cut.answers.length >= least, `${cut.answers.length} of 100 in ${bytes} bytes`)
    t.ok(Number(/MSG SIZE {2}rcvd: (\d+)/.exec(cut.text)?.[1]) <= bytes)
  }
  t.same([...(await ask('large.weave.local')).answers].sort(), [...large].sort(), 'over TCP all of them')

  await h1.daemon.ipv4('hide')
  await waitFor('no answer there', 2_000, async () => (await h1.daemon.status()).dns.listening.length === 0)
  const again = (await h1.daemon.ipv4('expose')).split('/')[0]!
  t.same((await dig(c1, `@${again}`, 'web.weave.local')).answers, [ip1], 'it answers where the host is exposed')

  const { stdout } = await c1.run([
    process.execPath,
    supportFile('query-load'),
    again,
    'web.weave.local',
    String(QUERIES),
    '32',
  ])
  const load = JSON.parse(stdout) as { answered: number; lost: number; wrong: number; medianMs: number; lateMs: number }
  t.comment(`${QUERIES} queries, 32 at a time: ${stdout.trim()}`)
  t.match(load, { answered: QUERIES, lost: 0, wrong: 0 })
  const single = await c1.run([process.execPath, supportFile('query-load'), again, 'web.weave.local', '1000', '1'])
  t.comment(`one at a time: ${single.stdout.trim()}`)
  t.ok((JSON.parse(single.stdout) as typeof load).medianMs < 1, 'the median is below a millisecond')
})

t.test(
  'all other names are asked for upstream, and a dead server costs less than a client’s patience',
  options,
  async t => {
    const { bed, h1, c1, server, resolvConf } = await twoExposed(t, ['--dns-ttl', '30'])
    const ask = (...args: string[]) => dig(c1, `@${server}`, ...args)
    const first = await start(bed, h1, supportFile('name-server'), '127.0.0.5', '203.0.113.5')
    const second = await start(bed, h1, supportFile('name-server'), '127.0.0.6', '203.0.113.6')
    writeFileSync(resolvConf, `nameserver ${server}\nnameserver 127.0.0.5\nnameserver 127.0.0.6\n`)
    await waitFor(
      'resolv.conf to be read again',
      3_000,
      async () => (await ask('www.example.com')).status === 'NOERROR',
    )
    t.same((await h1.daemon.status()).dns.upstream, ['127.0.0.5', '127.0.0.6'], 'never itself')

    t.match(await ask('www.example.com'), { answers: ['203.0.113.5'] })
    t.match(await ask('+tcp', 'www.example.com'), { answers: ['203.0.113.5'] })
    t.match(await ask('missing.example.com'), { status: 'NXDOMAIN' })
    t.match(await ask('forged.example.com'), { answers: ['203.0.113.5'] }, 'answers to other questions are not taken')
    t.equal((await ask('large.example.com')).answers.length, 120, 'by TCP, as the client asks then')
    t.match(await ask('+norecurse', 'www.example.com'), { status: 'REFUSED' })
    t.match(await ask('-x', '198.51.100.7'), { status: 'NOERROR' }, 'addresses elsewhere are somebody else’s')
    t.match(await ask('broken.example.com'), { status: 'SERVFAIL' })

    await first.stop()
    t.match(await ask('www.example.com'), { answers: ['203.0.113.6'] }, 'the next one is asked')
    let begunAt = performance.now()
    t.match(await ask('silent.example.com'), { status: 'SERVFAIL' })
    t.ok(performance.now() - begunAt < SERVFAIL_MS, `SERVFAIL after ${Math.round(performance.now() - begunAt)} ms`)
    await second.stop()
    begunAt = performance.now()
    t.match(await ask('www.example.com'), { status: 'SERVFAIL' })
    t.ok(performance.now() - begunAt < SERVFAIL_MS, `SERVFAIL after ${Math.round(performance.now() - begunAt)} ms`)
    t.match((await ask('web.weave.local')).text, /^web\.weave\.local\.\s+30\s+IN\s+A/m, '--dns-ttl')
  },
)

t.test('a port in use is a warning, and the server can be left out or put elsewhere', options, async t => {
  const bed = new Testbed(t)
  const [h1] = (await bed.hosts('h1')) as [Host]
  const taken = await start(bed, h1, supportFile('name-server'), '127.0.0.9', '203.0.113.9')
  const resolvConf = join(bed.directory, 'none')
  await h1.daemon.launch([], {
    passwordFile: bed.passwordFile,
    args: [
      '--dns-listen-address',
      '127.0.0.9',
      '--dns-listen-address',
      '127.0.0.8:5353',
      '--dns-domain',
      'corp.test',
      '--resolv-conf',
      resolvConf,
    ],
  })
  const { warnings, dns } = await h1.daemon.status()
  t.match(warnings.join('\n'), /another program listens on 127\.0\.0\.9:53/)
  t.match(dns, { listening: ['127.0.0.8:5353'], upstream: [] })
  await h1.daemon.say('dns-add', '192.0.2.7', 'printer')
  t.match(await dig(h1, '@127.0.0.8', '-p', '5353', 'printer.corp.test'), { answers: ['192.0.2.7'] })
  await taken.stop()
  await h1.daemon.api.call('stop')
  await waitFor('the end of the daemon', 10_000, async () => (await h1.daemon.cli('status')).status === 7)
  await h1.daemon.launch([], { passwordFile: bed.passwordFile, args: ['--no-dns', '--dns-domain', 'corp.test'] })
  t.match((await h1.daemon.status()).dns, { isOn: false, listening: [] })
  t.equal(await h1.daemon.say('dns-lookup', 'printer'), '192.0.2.7')
  t.match(await h1.daemon.tryLaunch([], { args: ['--dns-listen-address', '0.0.0.0'] }), {
    status: 78,
    stderr: /dns-listen-address/,
  })
})
