import t from 'tap'
import { parseMac } from '../../../lib/address/mod.ts'
import { HostNetwork, type CommandRunner } from '../../../lib/host/mod.ts'
import { InterfaceLook } from '../../../lib/host/interface-look.ts'

const MAC = '02:00:00:00:00:01'

/** Answers as a host whose bridge is filtered, and where no firewall has a chain. Notes what it ran. */
function host({ chains = '' } = {}) {
  const ran: string[] = []
  const bridge = { ifindex: 2, ifname: 'weave', flags: ['UP'], mtu: 1_376, address: MAC, addr_info: [] }
  const answers: Record<string, string> = {
    'ip -d -j addr show': JSON.stringify([bridge, { ifindex: 3, ifname: 'weave-tap', flags: ['UP'], master: 'weave' }]),
    'ip -d -j addr show dev weave': JSON.stringify([
      { ...bridge, linkinfo: { info_kind: 'bridge' }, ifalias: 'weave-ts:bridge' },
    ]),
    'nft -j list chains': `{"nftables": [${chains}]}`,
    'iptables-nft -w 5 -S FORWARD': '-P FORWARD ACCEPT',
    'ip6tables-nft -w 5 -S FORWARD': '-P FORWARD ACCEPT',
  }
  const run = async (argv: readonly string[]) => {
    const text = argv.join(' ')
    ran.push(text)
    const files = '/proc/sys/net/bridge/bridge-nf-call-iptables:1\n/proc/sys/net/bridge/bridge-nf-call-ip6tables:1\n'
    const stdout = argv[0] === 'grep' ? files : (answers[text] ?? '[]')
    return { status: 0, stdout, stderr: '' }
  }
  return { runner: { run } as CommandRunner, ran, answers }
}

/** What the services of a daemon ask in their turns. */
async function turns(network: HostNetwork): Promise<void> {
  await network.mend(new Set())
  await network.reconcileFirewall()
  await network.expose([])
  await network.list()
  await network.exposed()
  await network.list()
  await network.list()
}

t.test('a look at a host in order costs three processes, however many services ask', async t => {
  const { runner, ran } = host()
  const network = new HostNetwork({ runner, mac: parseMac(MAC)!, mtu: 1_376 })
  await network.prepareBridge()
  await network.look(() => turns(network))
  ran.length = 0
  for (const time of ['first', 'second']) {
    await network.look(() => turns(network))
    t.strictSame(
      ran.splice(0).map(text => text.split(' -s ')[0]),
      ['ip -d -j addr show', 'grep', 'nft -j list chains'],
      time,
    )
  }
})

t.test('the rules of a chain that nftables has are listed, once for each program', async t => {
  const { runner, ran } = host({ chains: '{"chain": {"family": "ip", "table": "filter", "name": "FORWARD"}}' })
  const network = new HostNetwork({ runner, mac: parseMac(MAC)!, mtu: 1_376 })
  await network.prepareBridge()
  await network.reconcileFirewall()
  ran.length = 0
  await network.reconcileFirewall()
  t.strictSame(
    ran.filter(text => text.includes('tables-')),
    ['iptables-nft -w 5 -S FORWARD'],
  )
})

t.test('where nft cannot say which chains there are, each program is asked', async t => {
  const { runner, ran, answers } = host()
  answers['nft -j list chains'] = 'this is an old one'
  const network = new HostNetwork({ runner, mac: parseMac(MAC)!, mtu: 1_376 })
  await network.prepareBridge()
  ran.length = 0
  await network.reconcileFirewall()
  t.strictSame(
    ran.filter(text => text.includes('tables-')),
    ['iptables-nft -w 5 -S FORWARD', 'ip6tables-nft -w 5 -S FORWARD'],
  )
})

t.test('a change within a look, and a word of the kernel, make it ask again', async t => {
  const { runner, ran } = host()
  const look = new InterfaceLook(runner)
  await look.within(async () => {
    t.equal((await look.named('weave'))?.ifindex, 2)
    await look.all()
    t.equal(ran.length, 1)
    look.noteChange()
    await look.all()
    t.equal(ran.length, 2)
  })
  await look.all()
  await look.all()
  t.equal(ran.length, 4, 'outside of a look nothing is remembered')

  const network = new HostNetwork({ runner, mac: parseMac(MAC)!, mtu: 1_376 })
  await network.prepareBridge()
  await network.look(async () => {
    await network.list()
    const before = ran.length
    await network.list()
    t.equal(ran.length, before)
    await network.unplug('netns:one')
    ran.length = 0
    await network.list()
    t.strictSame(ran, ['ip -d -j addr show'])
    await network.list()
    network.noteChange()
    await network.list()
    t.equal(ran.length, 2)
  })
})

t.test('a look that fails is not remembered', async t => {
  let isBroken = true
  const run = () =>
    isBroken ? Promise.reject(new Error('no')) : Promise.resolve({ status: 0, stdout: '[]', stderr: '' })
  const look = new InterfaceLook({ run })
  await look.within(async () => {
    await t.rejects(look.all())
    isBroken = false
    t.strictSame(await look.all(), [])
  })
})

t.test('a bridge that is gone when something is attached is made again, whatever the look has seen', async t => {
  const { runner, ran, answers } = host()
  const network = new HostNetwork({ runner, mac: parseMac(MAC)!, mtu: 1_376 })
  await network.prepareBridge()
  await network.look(async () => {
    await network.list()
    answers['ip -d -j addr show'] = '[]'
    answers['ip -d -j addr show dev weave'] = '[]'
    ran.length = 0
    const target = { id: 'netns:one', description: 'one', netnsPath: '/run/netns/one', netnsInode: 7 }
    await network.attach(target as never, ['10.32.0.1/24']).catch(() => undefined)
    t.ok(
      ran.some(text => text.startsWith('ip link add name weave')),
      ran.join('\n'),
    )
  })
})
