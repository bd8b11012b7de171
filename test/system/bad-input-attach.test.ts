/**
 * Two hosts that are linked; what cannot be attached is asked for on the first.
 *
 *     [c1] [c3]            [c2]
 *       └─┬─┘               │
 *       (h1) ═══ u2 ═══ (h2)      192.0.2.0/24
 */
import t from 'tap'
import { waitFor } from '../support/testbed-command.ts'
import { Testbed, meshed, skipSystem, type Host, type Namespace } from '../support/testbed.ts'

t.setTimeout(180_000)
const TOLD_MS = 5_000

t.test('attach and detach refuse what cannot be', { skip: skipSystem, timeout: 150_000 }, async t => {
  const bed = new Testbed(t)
  const [h1, h2] = (await bed.hosts('h1', 'h2')) as [Host, Host]
  await bed.link(h1, h2, '192.0.2')
  const { passwordFile } = bed
  await h1.daemon.launch([], { passwordFile })
  await h2.daemon.launch([h1.address], { passwordFile })
  const [c1, c2, c3] = (await bed.containers('c1', 'c2', 'c3')) as [Namespace, Namespace, Namespace]
  const cidr = (await h1.daemon.attach(c1))[0]!
  const there = (await h2.daemon.attach(c2))[0]!
  const outside = '192.168.7.1/24'
  await h2.daemon.say('attach', outside, `netns:${c2.name}`)
  const heldOnH2 = new RegExp(`is held by netns:${c2.name} on \\S+\\(h2\\)`)
  await meshed([h1, h2])
  const isTold = async () => (await h1.daemon.cli('whois', outside.split('/')[0]!)).status === 0
  await waitFor('h1 knows what h2 has', TOLD_MS, isTold)
  const before = { ps: await h1.daemon.ps(), ipam: (await h1.daemon.status()).ipam, links: await h1.links() }
  const c3Target = `netns:${c3.name}`

  for (const [what, words, status, code, says] of [
    ['a namespace that is not there', ['netns:nowhere'], 4, 'TARGET_NOT_FOUND', /nowhere/],
    ['a process that is not there', ['pid:4194305'], 4, 'TARGET_NOT_FOUND', /4194305/],
    ['a container while no Docker is there', ['web'], 69, 'DOCKER_UNREACHABLE', /docker/i],
    ['a namespace name that is a path', ['netns:../net'], 2, 'BAD_TARGET', /\.\.\/net/],
    ['a process id that is no number', ['pid:12x'], 2, 'BAD_TARGET', /12x/],
    ['an empty name', ['netns:'], 2, 'BAD_TARGET', /netns:/],
    ['an address that is none', ['10.32.0.300/12', c3Target], 2, 'BAD_ADDRESS', /10\.32\.0\.300\/12/],
    ['an address without a prefix length', ['10.32.0.9', c3Target], 2, 'BAD_ADDRESS', /10\.32\.0\.9/],
    [
      'a subnet outside the range',
      ['net:10.99.0.0/24', c3Target],
      1,
      'ADDRESS_OUTSIDE_RANGE',
      /10\.99\.0\.0\/24[^]*10\.32\.0\.0\/12/,
    ],
    ['the address of the subnet itself', ['10.33.0.0/24', c3Target], 1, 'ADDRESS_RESERVED', /10\.33\.0\.0/],
    ['the broadcast address', ['10.33.0.255/24', c3Target], 1, 'ADDRESS_RESERVED', /10\.33\.0\.255/],
    ['an address that another container has', [cidr, c3Target], 1, 'ADDRESS_TAKEN', new RegExp(c1.name)],
    ['an address that another host has', [there, c3Target], 1, 'ADDRESS_TAKEN', heldOnH2],
    ['one outside the range that another host has', [outside, c3Target], 1, 'ADDRESS_TAKEN', heldOnH2],
  ] as const)
    await t.test(what, async t => {
      const result = await h1.daemon.cli('attach', ...words)
      t.equal(result.status, status, result.stderr)
      t.match(result.stderr, `[${code}]`)
      t.match(result.stderr, says)
      t.match(result.stderr.split('\n')[1], /\S/, 'and a remedy')
      t.equal(result.stdout, '')
      t.strictSame(await h1.daemon.ps(), before.ps, 'nothing is attached')
      t.equal((await h1.daemon.status()).ipam.activeAddresses, before.ipam.activeAddresses, 'no address is used')
      t.strictSame(await h1.links(), before.links, 'no interface is made')
      t.strictSame(await c3.links(), ['lo'])
    })

  await t.test('twice is the same as once', async t => {
    t.equal(await h1.daemon.ipv4('attach', `netns:${c1.name}`), cidr)
    t.equal(await h1.daemon.ipv4('attach', cidr, `netns:${c1.name}`), cidr)
    t.strictSame(await h1.daemon.ps(), before.ps)
    t.strictSame(await h1.links(), before.links)
  })

  await t.test('twice at once too', async t => {
    const [first, second] = await Promise.all([h1.daemon.attach(c3), h1.daemon.attach(c3)])
    t.strictSame(first, second)
    t.equal((await h1.daemon.status()).ipam.activeAddresses, before.ipam.activeAddresses + 1)
    await h1.daemon.detach(c3Target)
    t.strictSame(await h1.links(), before.links)
  })

  for (const [what, words, status, code] of [
    ['detach of what is not attached', [c3Target], 4, 'NOT_ATTACHED'],
    ['detach of a namespace that is not there', ['netns:nowhere'], 4, 'TARGET_NOT_FOUND'],
    ['detach of an address that it does not have', ['10.32.7.7/12', `netns:${c1.name}`], 4, 'NOT_ATTACHED'],
    ['detach of words that are no address', ['nonsense', `netns:${c1.name}`], 2, 'BAD_ADDRESS'],
  ] as const)
    await t.test(what, async t => {
      const result = await h1.daemon.cli('detach', ...words)
      t.equal(result.status, status, result.stderr)
      t.match(result.stderr, `[${code}]`)
      t.strictSame(await h1.daemon.ps(), before.ps)
    })

  await t.test('connect and forget refuse words that are no host', async t => {
    for (const words of ['no host', '192.0.2.2:0', '[::1', 'a:b:c']) {
      const result = await h1.daemon.cli('connect', words)
      t.equal(result.status, 2, words)
      t.match(result.stderr, /BAD_PEER/, words)
    }
    t.strictSame((await h1.daemon.status()).targets, [])
  })
})
