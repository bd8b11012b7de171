/** A host on which others have made a bridge `weave`, or a device, before weave-ts came. */
import t from 'tap'
import { run } from '../support/testbed-command.ts'
import { Testbed, skipSystem, type Host } from '../support/testbed.ts'

t.setTimeout(180_000)
const options = { skip: skipSystem, timeout: 90_000 }

async function view(host: Host, name: string) {
  const { stdout } = await host.run(['ip', '-d', '-j', 'addr', 'show', 'dev', name])
  const [row] = JSON.parse(stdout === '' ? '[]' : stdout) as {
    readonly mtu: number
    readonly address: string
    readonly ifalias?: string
    readonly addr_info: readonly { readonly local: string; readonly family: string }[]
  }[]
  if (row === undefined) return undefined
  const { mtu, address, ifalias, addr_info } = row
  const held = addr_info.filter(one => one.family === 'inet').map(one => one.local)
  return { mtu, address, ifalias, held }
}

t.test(
  'a bridge that Weave Net left behind is refused, or taken over when told to, and given back',
  options,
  async t => {
    const bed = new Testbed(t)
    const h1 = await bed.host('h1')
    await h1.ip('link add weave address 02:00:00:00:00:99 type bridge')
    await h1.ip('link add vethwe-bridge type veth peer name vethwe-datapath')
    await h1.ip('link set vethwe-bridge master weave up')
    await h1.ip('link set weave mtu 1376')
    await h1.ip('addr add 10.32.0.1/12 dev weave')
    await h1.ip('link set weave up')
    const before = await view(h1, 'weave')
    const refused = await h1.daemon.tryLaunch([], { passwordFile: bed.passwordFile })
    t.equal(refused.status, 78)
    t.match(refused.stderr, /weave-ts did not make the bridge weave: it looks like Weave Net/)
    t.match(refused.stderr, /vethwe-bridge plugged in[^]*`weave reset`[^]*--adopt-bridge/)
    t.strictSame(await view(h1, 'weave'), before, 'it is as it was')

    await h1.daemon.launch([], { passwordFile: bed.passwordFile, args: ['--adopt-bridge'] })
    t.match(await view(h1, 'weave'), { ifalias: /^weave-ts:adopted 1376 02:00:00:00:00:99 / })
    t.match((await h1.daemon.status()).warnings, [/the bridge holds 10\.32\.0\.1\/12/])
    const c1 = await bed.container('c1')
    const [cidr] = await h1.daemon.attach(c1, '10.40.1.7/24')
    t.equal(cidr, '10.40.1.7/24')
    await h1.daemon.ipv4('expose', '10.40.1.1/24')
    t.ok(await h1.canPing('10.40.1.7'))
    await h1.daemon.say('stop')
    await h1.daemon.launch([], { passwordFile: bed.passwordFile })
    t.ok(await h1.canPing('10.40.1.7'), 'the next launch knows that it was taken over')

    const reset = await h1.daemon.cli('reset', '--yes')
    t.equal(reset.status, 0)
    t.match(reset.stderr, /the bridge weave stays: somebody else made it/)
    t.strictSame(await view(h1, 'weave'), before, 'as it was, its address and all')
    t.strictSame(await h1.links(), ['lo', 'vethwe-bridge', 'vethwe-datapath', 'weave'])
  },
)

t.test('a device of that name that lasts is refused, and stays', options, async t => {
  const bed = new Testbed(t)
  const h1 = await bed.host('h1')
  await h1.ip('tuntap add dev weave-tap mode tap')
  const refused = await h1.daemon.tryLaunch([], { passwordFile: bed.passwordFile })
  t.equal(refused.status, 1)
  t.match(refused.stderr, /weave-tap[^]*did not make[^]*--device[^]*INTERFACE_EXISTS/)
  t.strictSame(await h1.links(), ['lo', 'weave-tap'])
})

t.test('reset says what it cuts, asks on a terminal, and not elsewhere', options, async t => {
  const bed = new Testbed(t)
  const h1 = await bed.host('h1')
  await h1.daemon.launch([], { passwordFile: bed.passwordFile })
  const c1 = await bed.container('c1')
  await h1.daemon.attach(c1)
  await h1.daemon.ipv4('expose', '10.40.1.1/24')
  t.equal((await view(h1, 'weave'))?.ifalias, 'weave-ts:bridge')
  await h1.ip('link add vethwe01234567 type veth peer name other')
  await h1.ip('link set vethwe01234567 master weave')

  const command = `${process.execPath} bin/weave-ts reset --state-dir ${h1.daemon.stateDir}`
  const onTerminal = (answer: string) =>
    run(['sh', '-c', 'printf "%s\\n" "$1" | script -qec "$2" /dev/null', 'sh', answer, command])
  const no = await onTerminal('n')
  t.match(no.stdout, new RegExp(`network namespace ${c1.name} is cut off the overlay`))
  t.match(no.stdout, /this host loses 10\.40\.1\.1\/24/)
  t.match(no.stdout, /the bridge weave is removed/)
  t.match(no.stdout, /go on\? \[y\/N\][^]*nothing was removed/)
  t.ok((await h1.daemon.status()).isReady, 'all is as it was')
  t.equal((await h1.daemon.ps()).length, 2)

  const yes = await onTerminal('y')
  t.equal(yes.status, 0, yes.stdout)
  t.strictSame(await h1.links(), ['lo', 'other', 'vethwe01234567'], 'what is not marked is not ours')
})
