import t from 'tap'
import { parseCidr, type Cidr } from '../../../lib/address/mod.ts'
import { AttachmentRecords } from '../../../lib/daemon/attachment-records.ts'
import { Attachments } from '../../../lib/daemon/attachments.ts'
import { ipv6Plan } from '../../support/ipv6-plan.ts'
import { mapStore } from '../../support/map-store.ts'
import { nameList } from '../../support/name-list.ts'

type Seams = ConstructorParameters<typeof Attachments>[0]

const CIDR = parseCidr('10.32.0.1/12')!
const OPTIONS = { multicastRoute: true, signal: new AbortController().signal }

/** Doubles of the host, the node and the store: what is plugged in, what is leased, what is recorded. */
function world(isIpv6 = false) {
  const plugged = new Set<string>()
  const leases = new Map<string, Cidr>()
  /** Containers of these names hold their leases for the network driver. */
  const others = new Set<string>()
  const records = new Map<string, Uint8Array>()
  /** Names that targets bring along. */
  const brought: string[] = []
  /** And those that their labels ask for. */
  const asked: string[] = []
  const hooks = { beforePlug: () => {}, afterList: async () => {}, isIpv6Off: false }
  /** The namespace that targets are in, and whose pairs were removed: all of a target, or all but those of a namespace. */
  const netns = { inode: 1n }
  const unplugged: string[] = []
  const node = {
    leases: (holder: string) =>
      [...leases.keys()]
        .map(container => ({ container, holder: others.has(container) ? 'docker' : 'attachment' }))
        .filter(lease => lease.holder === holder),
    leasesOf: (id: string) => [...leases].filter(([container]) => container === id).map(([, cidr]) => cidr),
    freeAddresses: (id: string) => leases.delete(id),
  }
  const host = {
    resolve: async (text: string) => ({
      id: text,
      description: text,
      netnsInode: netns.inode,
      names: brought,
      askedNames: asked,
    }),
    list: async () => {
      const ends = [...plugged].map(targetId => ({ targetId }))
      await hooks.afterList()
      return ends
    },
    detach: async (target: { id: string }) => plugged.delete(target.id),
    unplug: async (id: string, but?: { netnsInode: bigint }) => {
      unplugged.push(but === undefined ? id : `${id} but ${but.netnsInode}`)
    },
    attach: async (target: { id: string }, cidrs: readonly string[], { ipv6 }: { ipv6: readonly string[] }) => {
      hooks.beforePlug()
      plugged.add(target.id)
      return { mac: '02:00:00:00:00:01', addresses: hooks.isIpv6Off ? cidrs : [...cidrs, ...ipv6] }
    },
  }
  const runner = {
    node,
    input: (give: (it: typeof node, now: number) => unknown) => give(node, 0),
    requestAddress: async (id: string) => {
      leases.set(id, CIDR)
      return [CIDR]
    },
  }
  const store = mapStore(records)
  const { published, book } = nameList()
  const make = () =>
    new Attachments({
      host,
      runner,
      records: new AttachmentRecords(store),
      book,
      resolvConfs: { remove: () => {} },
      ipv6: ipv6Plan(isIpv6),
      disconnects: (id: string) => (id === 'web' ? ['docker network disconnect net web'] : []),
      range: parseCidr('10.32.0.0/12')!,
    } as unknown as Seams)
  return {
    netns,
    unplugged,
    published,
    brought,
    asked,
    plugged,
    leases,
    others,
    records,
    hooks,
    make,
    attachments: make(),
  }
}

t.test('an attachment that was made while the host was being looked at is not taken for gone', async t => {
  const w = world()
  w.hooks.afterList = async () => {
    w.hooks.afterList = async () => {}
    await w.attachments.attach('netns:c', ['net:default'], OPTIONS)
  }
  t.same(await w.attachments.reconcile(), [])
  t.equal(w.leases.size, 1)
  t.equal(w.records.size, 1)
})

t.test('an attachment is recorded before the container has its address', async t => {
  const w = world()
  w.hooks.beforePlug = () => t.equal(w.records.size, 1)
  await w.attachments.attach('netns:c', ['net:default'], OPTIONS)
  // The daemon ended between the interface and what it would have recorded next.
  t.same(await w.make().reconcile(), [])
  t.equal(w.leases.size, 1, 'the address is not given to another')
})

t.test('nothing is left of an attachment that the host refused', async t => {
  const w = world()
  w.hooks.beforePlug = () => {
    throw new Error('no such namespace')
  }
  await t.rejects(w.attachments.attach('netns:c', ['net:default'], OPTIONS), /no such namespace/)
  t.equal(w.records.size, 0)
  t.equal(w.leases.size, 0)
})

t.test('an attachment whose interface is gone gives its address back', async t => {
  const w = world()
  await w.attachments.attach('netns:c', ['net:default'], OPTIONS)
  w.plugged.clear()
  t.same(await w.attachments.reconcile(), ['netns:c'])
  t.equal(w.leases.size, 0)
})

t.test('a lease that nothing attached has ends, but not what another service holds', async t => {
  const w = world()
  w.leases.set('netns:orphan', CIDR)
  w.leases.set('endpoint', CIDR)
  w.others.add('endpoint')
  t.same(await w.attachments.reconcile(), [])
  t.same([...w.leases.keys()], ['endpoint'])
})

t.test('an attachment has the names that are given, and those that the target brings and may have', async t => {
  const w = world()
  w.brought.push('Web', 'blog.weave.local', 'www.example.com', 'bad name')
  await w.attachments.attach('c', ['net:default'], { ...OPTIONS, names: ['api', 'api.weave.local.'] })
  t.same(w.published.get('c'), { addresses: ['10.32.0.1'], names: ['api', 'web', 'blog'] })
  await w.attachments.attach('d', ['net:default'], { ...OPTIONS, names: ['api'], defaultNames: false })
  t.same(w.published.get('d')?.names, ['api'])
  t.same(await w.attachments.rename('d', known => [...known, 'more']), ['api', 'more'])
  t.same(w.published.get('d')?.names, ['api', 'more'])
  w.published.clear()
  await w.make().reconcile()
  t.same([...w.published.keys()], ['c', 'd'], 'they are published again after a restart')
  w.plugged.delete('c')
  await w.attachments.reconcile()
  t.same([...w.published.keys()], ['d'], 'and end with the container')
  await w.attachments.detach('d', [])
  t.equal(w.published.size, 0)
  await t.rejects(
    w.attachments.rename('d', known => [...known]),
    { code: 'NOT_ATTACHED' },
  )
})

t.test('a namespace that has lost its name to another is cut off, for it has the same address', async t => {
  const w = world()
  await w.attachments.attach('c', ['net:default'], OPTIONS)
  await w.attachments.attach('c', ['net:default'], OPTIONS)
  t.same(w.unplugged, [], 'attached once more')
  w.netns.inode = 2n
  await w.attachments.attach('c', ['net:default'], OPTIONS)
  t.same(w.unplugged, ['c but 2'])
  await w.attachments.detach('c', [])
  t.same(w.unplugged, ['c but 2', 'c'])
})

t.test('one that is on a network of Docker only is told so', async t => {
  const { attachments } = world()
  const refusal = { code: 'NOT_ATTACHED', message: /network of Docker/, remedy: /docker network disconnect net web/ }
  await t.rejects(attachments.detach('web', []), refusal)
  await t.rejects(
    attachments.rename('web', known => [...known]),
    refusal,
  )
})

t.test('names that labels ask for come before those that a target brings; what cannot be is noted', async t => {
  const w = world()
  const many = Array.from({ length: 40 }, (_, i) => `n${i}`)
  w.asked.push('shop', 'a b', 'www.example.com', 'b.weave.local')
  w.brought.push('web', ...many)
  await w.attachments.attach('c', ['net:default'], { ...OPTIONS, names: ['api'] })
  t.same(w.published.get('c')?.names, ['api', 'shop', 'b', 'web', ...many.slice(0, 28)])
  t.same(w.attachments.records.get('c')?.refusedNames, ['a b', 'www.example.com'])
  await w.attachments.attach('d', ['net:default'], { ...OPTIONS, defaultNames: false })
  t.same([w.published.get('d'), w.attachments.records.get('d')?.refusedNames], [undefined, []], 'none when not wanted')
  w.asked.splice(0, 4, ...many, 'x'.repeat(500))
  await w.attachments.attach('e', ['net:default'], OPTIONS)
  t.same(w.published.get('e')?.names, many.slice(0, 32))
  t.same(w.attachments.records.get('e')?.refusedNames, [...many.slice(32), 'x'.repeat(80)], 'beyond 32')
})

t.test('a bad name is refused before anything is done, and a refused attachment leaves no name', async t => {
  const w = world()
  for (const name of ['a b', '-a', '', 'x'.repeat(64), 'web.example.com', 'a..b.weave.local', 'weave.local'])
    await t.rejects(w.attachments.attach('c', [], { ...OPTIONS, names: [name] }), { code: 'BAD_NAME' }, name)
  const many = Array.from({ length: 33 }, (_, i) => `n${i}`)
  await t.rejects(w.attachments.attach('c', [], { ...OPTIONS, names: many }), { code: 'BAD_NAME' })
  t.equal(w.leases.size, 0)
  w.hooks.beforePlug = () => {
    throw new Error('no such namespace')
  }
  await t.rejects(w.attachments.attach('c', ['net:default'], { ...OPTIONS, names: ['web'] }))
  t.equal(w.published.size, 0)
})

t.test('an attachment has both families, and its names lead to both', async t => {
  const w = world(true)
  const outcome = await w.attachments.attach('netns:c', [], { ...OPTIONS, names: ['web'] })
  t.strictSame(outcome, { cidrs: ['10.32.0.1/12'], ipv6: ['fd12:3456:789a:1::a20:1/64'], isIpv6Off: false })
  t.match(w.published.get('netns:c'), { addresses: ['10.32.0.1', 'fd12:3456:789a:1::a20:1'] })
  t.match(await w.attachments.list(), [{ ipv6: ['fd12:3456:789a:1::a20:1/64'], isIpv6Off: false }])
  t.strictSame(await w.attachments.detach('netns:c', []), {
    cidrs: ['10.32.0.1/12'],
    ipv6: ['fd12:3456:789a:1::a20:1/64'],
  })
})

t.test('where IPv6 is off inside there is IPv4 alone, by name too', async t => {
  const w = world(true)
  w.hooks.isIpv6Off = true
  const outcome = await w.attachments.attach('netns:c', [], { ...OPTIONS, names: ['web'] })
  t.strictSame(outcome, { cidrs: ['10.32.0.1/12'], ipv6: [], isIpv6Off: true })
  t.strictSame(w.published.get('netns:c')?.addresses, ['10.32.0.1'])
  t.match(await w.attachments.list(), [{ ipv6: [], isIpv6Off: true }])
})
