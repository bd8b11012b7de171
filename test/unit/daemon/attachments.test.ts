import t from 'tap'
import { parseCidr, type Cidr } from '../../../lib/address/mod.ts'
import { Attachments } from '../../../lib/daemon/attachments.ts'

type Seams = ConstructorParameters<typeof Attachments>[0]

const CIDR = parseCidr('10.32.0.1/12')!
const OPTIONS = { multicastRoute: true, signal: new AbortController().signal }

/** Doubles of the host, the node and the store: what is plugged in, what is leased, what is recorded. */
function world() {
  const plugged = new Set<string>()
  const leases = new Map<string, Cidr>()
  /** Containers of these names hold their leases for the network driver. */
  const others = new Set<string>()
  const records = new Map<string, Uint8Array>()
  const hooks = { beforePlug: () => {}, afterList: async () => {} }
  const node = {
    leases: (holder: string) =>
      [...leases.keys()]
        .map(container => ({ container, holder: others.has(container) ? 'docker' : 'attachment' }))
        .filter(lease => lease.holder === holder),
    leasesOf: (id: string) => [...leases].filter(([container]) => container === id).map(([, cidr]) => cidr),
    freeAddresses: (id: string) => leases.delete(id),
  }
  const host = {
    resolve: async (text: string) => ({ id: text, description: text, netnsInode: 1n }),
    list: async () => {
      const ends = [...plugged].map(targetId => ({ targetId }))
      await hooks.afterList()
      return ends
    },
    attach: async (target: { id: string }) => {
      hooks.beforePlug()
      plugged.add(target.id)
      return { mac: '02:00:00:00:00:01' }
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
  const store = {
    range: () => [...records],
    get: (key: string) => records.get(key),
    write(puts: readonly (readonly [string, Uint8Array])[], deletes: readonly string[] = []) {
      for (const [key, value] of puts) records.set(key, value)
      for (const key of deletes) records.delete(key)
    },
  }
  const make = () => new Attachments({ host, runner, store } as unknown as Seams)
  return { plugged, leases, others, records, hooks, make, attachments: make() }
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
