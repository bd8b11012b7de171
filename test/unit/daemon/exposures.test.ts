import t from 'tap'
import { formatCidr, parseCidr, type Cidr } from '../../../lib/address/mod.ts'
import { WeaveError } from '../../../lib/base/mod.ts'
import { Exposures } from '../../../lib/daemon/exposures.ts'
import type { AddressForm } from '../../../lib/ipam/mod.ts'
import { ipv6Plan } from '../../support/ipv6-plan.ts'
import { mapStore } from '../../support/map-store.ts'
import { nameList } from '../../support/name-list.ts'

type Seams = ConstructorParameters<typeof Exposures>[0]
const OPTIONS = { isMasqueraded: true, signal: new AbortController().signal }

/** Doubles of the host, the node and the store: what the bridge holds, what is leased, what is recorded. */
function world(isIpv6 = false) {
  const bridge = new Set<string>()
  const leases = new Map<string, Cidr>()
  const records = new Map<string, Uint8Array>()
  const masqueraded: string[] = []
  const hooks = { beforeExpose: () => {}, beforeWrite: () => {}, isIpv6Off: false }
  const node = {
    leasesOf: (id: string, holder: string) =>
      id === 'weave:expose' && holder === 'exposure' ? [...leases.values()] : [],
    freeAddresses(_id: string, address: number, _now: number, holder: string) {
      for (const [text, cidr] of leases) if (cidr.address === address && holder === 'exposure') leases.delete(text)
    },
  }
  const store = mapStore(records)
  const { published, book } = nameList()
  const parts = {
    range: parseCidr('10.32.0.0/12')!,
    host: {
      async expose(exposed: readonly { cidr: string; isMasqueraded: boolean; ipv6?: string }[]) {
        hooks.beforeExpose()
        masqueraded.splice(0, Infinity, ...exposed.filter(one => one.isMasqueraded).map(one => one.cidr))
        const { isIpv6Off } = hooks
        const given = exposed.flatMap(({ cidr, ipv6 }) => (ipv6 === undefined || isIpv6Off ? [cidr] : [cidr, ipv6]))
        const added = given.filter(cidr => !bridge.has(cidr))
        for (const cidr of added) bridge.add(cidr)
        return { added, foreign: [...bridge].filter(cidr => !given.includes(cidr)), isIpv6Off }
      },
      hide: async (cidrs: readonly string[]) => void cidrs.forEach(cidr => bridge.delete(cidr)),
      exposed: async () => [...bridge],
    },
    runner: {
      node,
      input: (give: (it: typeof node, now: number) => unknown) => give(node, 0),
      async requestAddress(_id: string, form: AddressForm) {
        const cidr = form.type === 'claim' ? form.cidr : parseCidr('10.32.0.1/12')!
        leases.set(formatCidr(cidr), cidr)
        return [cidr]
      },
    },
    book,
    store: {
      ...store,
      write: (...args: Parameters<typeof store.write>) => {
        hooks.beforeWrite()
        store.write(...args)
      },
    },
  }
  const make = (isWanted = isIpv6) => new Exposures({ ...parts, ipv6: ipv6Plan(isWanted) } as unknown as Seams)
  return { published, bridge, leases, records, masqueraded, hooks, make, exposures: make() }
}

const state = (w: ReturnType<typeof world>) => [
  [...w.bridge],
  [...w.leases.keys()],
  w.exposures.all.map(one => one.cidr),
]

t.test('the host gets addresses, keeps them when asked again, and gives back just what is named', async t => {
  const w = world()
  t.same((await w.exposures.expose([], OPTIONS)).cidrs, ['10.32.0.1/12'])
  t.same((await w.exposures.expose(['net:default', '10.40.1.1/24'], OPTIONS)).cidrs, ['10.32.0.1/12', '10.40.1.1/24'])
  const both = ['10.32.0.1/12', '10.40.1.1/24']
  t.same(state(w), [both, both, both])
  t.same((await w.exposures.hide(['ip:10.40.1.1/24'])).cidrs, ['10.40.1.1/24'])
  t.same(state(w), [['10.32.0.1/12'], ['10.32.0.1/12'], ['10.32.0.1/12']])
  await t.rejects(w.exposures.hide(['10.40.1.1/24']), {
    code: 'NOT_EXPOSED',
    message: /10\.40\.1\.1\/24.*10\.32\.0\.1/,
  })
  await t.rejects(async () => w.exposures.hide(['net:default']), { code: 'BAD_ADDRESS' })
  t.same((await w.exposures.hide([])).cidrs, ['10.32.0.1/12'])
  t.same((await w.exposures.hide([])).cidrs, [], 'hidden already')
  t.same(state(w), [[], [], []])
})

t.test('the masquerade is kept with the address, and turned by exposing it again', async t => {
  const w = world()
  await w.exposures.expose(['10.40.1.1/24'], OPTIONS)
  await w.exposures.expose(['10.40.2.1/24'], { ...OPTIONS, isMasqueraded: false })
  t.same(w.masqueraded, ['10.40.1.1/24'])
  await w.exposures.expose(['10.40.1.1/24'], { ...OPTIONS, isMasqueraded: false })
  await w.exposures.expose(['10.40.2.1/24'], OPTIONS)
  t.same(w.masqueraded, ['10.40.2.1/24'])
  w.masqueraded.length = 0
  await w.make().reconcile()
  t.same(w.masqueraded, ['10.40.2.1/24'], 'also after a restart')
})

t.test('an address is recorded before the bridge has it', async t => {
  const w = world()
  w.hooks.beforeExpose = () => t.equal(w.records.size, 1)
  await w.exposures.expose([], OPTIONS)
})

t.test('nothing is left of what the bridge refused, and what was there before stays', async t => {
  const w = world()
  await w.exposures.expose([], OPTIONS)
  w.hooks.beforeExpose = () => {
    throw new WeaveError('COMMAND_FAILED', 'no', 'try again')
  }
  await t.rejects(w.exposures.expose(['net:default', '10.40.1.1/24'], OPTIONS), { code: 'COMMAND_FAILED' })
  t.same(state(w), [['10.32.0.1/12'], ['10.32.0.1/12'], ['10.32.0.1/12']])
})

t.test('a disk that takes nothing does not keep the address from being given back', async t => {
  const w = world()
  w.hooks.beforeWrite = () => {
    throw new WeaveError('STATE_IO', 'full', 'make room')
  }
  await t.rejects(w.exposures.expose([], OPTIONS), { code: 'STATE_IO' })
  t.same(state(w), [[], [], []])
})

t.test('more addresses than the limit are refused, and given back', async t => {
  const w = world()
  for (let i = 1; i <= 64; i++) await w.exposures.expose([`10.40.1.${i}/24`], OPTIONS)
  await t.rejects(w.exposures.expose(['10.40.1.65/24'], OPTIONS), { code: 'BAD_ADDRESS', message: /65 .*limit is 64/ })
  t.equal(w.leases.size, 64)
})

t.test('after a start the bridge has what is recorded; a lease that is not recorded ends', async t => {
  const w = world()
  await w.exposures.expose([], OPTIONS)
  w.bridge.clear()
  w.leases.set('10.32.0.9/12', parseCidr('10.32.0.9/12')!)
  const again = w.make()
  t.same(await again.reconcile(), ['10.32.0.1/12'])
  t.same(state(w), [['10.32.0.1/12'], ['10.32.0.1/12'], ['10.32.0.1/12']])
  t.same(await again.reconcile(), [], 'all is well')
})

t.test('who listens hears of each change once', async t => {
  const w = world()
  const heard: string[] = []
  const end = w.exposures.watch(cidrs => heard.push(cidrs.join(' ')))
  await w.exposures.expose([], OPTIONS)
  await w.exposures.expose([], OPTIONS)
  await w.exposures.reconcile()
  await w.exposures.hide([])
  t.same(heard, ['10.32.0.1/12', ''])
  end()
  await w.exposures.expose([], OPTIONS)
  t.equal(heard.length, 2)
  const later: string[] = []
  const again = w.make()
  again.watch(cidrs => later.push(cidrs.join(' ')))
  await again.reconcile()
  t.same(later, ['10.32.0.1/12'], 'at the start too')
})

t.test('an address of the range that somebody else gave the bridge is told, and left alone', async t => {
  const w = world()
  for (const cidr of ['10.32.0.7/12', '192.0.2.1/24', 'fd00::1/64']) w.bridge.add(cidr)
  await w.exposures.reconcile()
  t.same(w.exposures.foreign, ['10.32.0.7/12'])
  await w.exposures.expose(['10.32.0.7/12'], OPTIONS)
  await w.exposures.reconcile()
  t.same(w.exposures.foreign, [], 'claimed')
  await w.exposures.hide([])
  t.same([...w.bridge], ['192.0.2.1/24', 'fd00::1/64'])
})

t.test('the host has names while it has an address, over restarts, and all of them at each address', async t => {
  const w = world()
  const names = () => w.published.get('weave:expose')
  await w.exposures.expose([], { ...OPTIONS, names: ['Gate', 'api.weave.local'] })
  t.same(names(), { addresses: ['10.32.0.1'], names: ['gate', 'api'] })
  await w.exposures.expose(['10.40.1.1/24'], { ...OPTIONS, names: ['gate', 'more'] })
  t.same(names(), { addresses: ['10.32.0.1', '10.40.1.1'], names: ['gate', 'api', 'more'] })
  t.same(w.exposures.names.full, ['gate.weave.local.', 'api.weave.local.', 'more.weave.local.'])
  t.same(await w.exposures.rename(known => known.filter(name => name !== 'api')), ['gate', 'more'])
  w.published.clear()
  await w.make().reconcile()
  t.same(names(), { addresses: ['10.32.0.1', '10.40.1.1'], names: ['gate', 'more'] })
  await w.exposures.hide(['10.32.0.1/12'])
  t.same(names(), { addresses: ['10.40.1.1'], names: ['gate', 'more'] })
  await w.exposures.hide([])
  t.same([names(), w.exposures.names.all, w.records.size], [undefined, [], 0])
  await t.rejects(
    w.exposures.rename(() => ['x']),
    { code: 'NOT_EXPOSED' },
  )
})

t.test(
  'a name that cannot be is refused before anything is done; one that comes with a failure is taken back',
  async t => {
    const w = world()
    await t.rejects(async () => w.exposures.expose([], { ...OPTIONS, names: ['a b'] }), { code: 'BAD_NAME' })
    t.same(state(w), [[], [], []])
    await w.exposures.expose([], { ...OPTIONS, names: ['gate'] })
    w.hooks.beforeExpose = () => {
      throw new Error('no nft')
    }
    await t.rejects(w.exposures.expose(['10.40.1.1/24'], { ...OPTIONS, names: ['other'] }), /no nft/)
    t.same(w.published.get('weave:expose'), { addresses: ['10.32.0.1'], names: ['gate'] })
    t.same(w.exposures.names.all, ['gate'])
  },
)

t.test('the host gets both families, and loses both', async t => {
  const w = world(true)
  const given = await w.exposures.expose(['10.32.0.1/12', '10.40.1.1/24'], { ...OPTIONS, names: ['gate'] })
  t.same(given, {
    cidrs: ['10.32.0.1/12', '10.40.1.1/24'],
    ipv6: ['fd12:3456:789a:1::a20:1/64', 'fd12:3456:789a:1801::a28:101/64'],
  })
  t.same([...w.bridge].sort(), [...given.cidrs, ...given.ipv6].sort())
  t.match(w.published.get('weave:expose'), {
    addresses: ['10.32.0.1', '10.40.1.1', 'fd12:3456:789a:1::a20:1', 'fd12:3456:789a:1801::a28:101'],
  })
  t.same(await w.exposures.hide(['10.40.1.1/24']), {
    cidrs: ['10.40.1.1/24'],
    ipv6: ['fd12:3456:789a:1801::a28:101/64'],
  })
  t.same(w.exposures.ipv6, ['fd12:3456:789a:1::a20:1/64'])
  await w.exposures.hide([])
  t.equal(w.bridge.size, 0)
})

t.test('a host that has IPv6 off is exposed by IPv4 alone, and says so', async t => {
  const w = world(true)
  w.hooks.isIpv6Off = true
  t.same(await w.exposures.expose([], OPTIONS), { cidrs: ['10.32.0.1/12'], ipv6: [] })
  t.ok(w.exposures.isIpv6Off)
  w.hooks.isIpv6Off = false
  t.same(await w.exposures.reconcile(), ['fd12:3456:789a:1::a20:1/64'], 'as soon as it is on')
  t.notOk(w.exposures.isIpv6Off)
})

t.test('what an earlier run gave of IPv6 is taken away when it is no longer wanted', async t => {
  const w = world(true)
  await w.exposures.expose([], OPTIONS)
  w.bridge.add('2001:db8::1/64')
  await w.make(false).reconcile()
  t.same([...w.bridge], ['10.32.0.1/12', '2001:db8::1/64'])
})
