import t from 'tap'
import { formatCidr, parseCidr, type Cidr } from '../../../lib/address/mod.ts'
import type { AttachmentRecord } from '../../../lib/daemon/attachment-records.ts'
import { Strays } from '../../../lib/daemon/strays.ts'
import type { Lease } from '../../../lib/ipam/mod.ts'

type Parts = ConstructorParameters<typeof Strays>[0]

/** What is plugged in, by host end: its target, the addresses inside, or why that cannot be told. */
function world(ends: Record<string, { id: string; cidrs?: readonly string[]; master?: string }>) {
  const records: AttachmentRecord[] = []
  const events: string[] = []
  const w = {
    records,
    events,
    known: new Set<string>(),
    busy: new Set<string>(),
    bridge: [] as string[],
    exposed: [] as string[],
    taken: new Set<number>(),
    told: undefined as { leases: readonly Lease[]; strays: readonly string[]; ofBridge: readonly string[] } | undefined,
  }
  const node = {
    leases: () => w.exposed.map(text => parseCidr(text)!),
    handlePlugged: (leases: readonly Lease[], strays: readonly string[], _now: number, ofBridge: readonly Cidr[]) => {
      w.told = { leases, strays, ofBridge: ofBridge.map(formatCidr) }
      return leases.filter(({ address }) => w.taken.has(address))
    },
  }
  const log = (fields: { event: string }) => void events.push(fields.event)
  const strays = new Strays({
    host: {
      bridge: 'weave',
      list: async () =>
        Object.entries(ends).map(([hostInterface, { id, master }]) => ({
          targetId: id,
          hostInterface,
          master,
        })),
      resolve: async (id: string) => {
        if (Object.values(ends).find(end => end.id === id)?.cidrs === undefined) throw new Error('not there')
        return { id, description: `target ${id}`, netnsInode: 5n }
      },
      inspect: async ({ id }: { id: string }) => {
        const [hostInterface, end] = Object.entries(ends).find(([, one]) => one.id === id)!
        return { hostInterface: id === 'anew' ? 'another' : hostInterface, mac: '02:00', addresses: end.cidrs }
      },
      exposed: async () => w.bridge,
    },
    runner: { node, input: (give: (of: typeof node, now: number) => unknown) => give(node, 0) },
    targetIds: () => w.known,
    isBusy: (id: string) => w.busy.has(id),
    put: (record: AttachmentRecord) => void records.push(record),
    dockerAddresses: async () => new Map([['docker:known', '10.32.0.40']]),
    range: parseCidr('10.32.0.0/12')!,
    log: { info: log, warn: log },
  } as unknown as Parts)
  return { ...w, world: w, strays }
}

t.test('what is plugged in and not recorded is taken up with the addresses that it has', async t => {
  const { world: w, strays } = world({ veth1: { id: 'netns:a', cidrs: ['10.32.0.7/12', '192.168.0.1/24'] } })
  await strays.reconcile()
  t.match(w.records, [{ id: 'netns:a', description: 'target netns:a', netnsInode: '5', mac: '02:00' }])
  t.strictSame(w.records[0]?.cidrs, ['10.32.0.7/12', '192.168.0.1/24'])
  t.strictSame(w.told?.strays, [])
  t.match(
    w.told?.leases.map(lease => [lease.container, lease.holder, formatCidr(lease)]),
    [['netns:a', 'attachment', '10.32.0.7/12']],
  )
  t.strictSame(w.events, ['stray-taken-up'])
})

t.test('what is recorded, just being plugged in, or has nothing of the range is left alone', async t => {
  const { world: w, strays } = world({
    veth1: { id: 'known', cidrs: ['10.32.0.1/12'] },
    veth2: { id: 'busy', cidrs: ['10.32.0.2/12'] },
    veth3: { id: 'outside', cidrs: ['192.168.0.1/24'] },
  })
  w.known.add('known')
  w.busy.add('busy')
  w.bridge.push('10.32.0.3/12', '192.168.0.1/24')
  w.exposed.push('10.32.0.3/12')
  await strays.reconcile()
  t.strictSame(w.records, [])
  t.strictSame(w.told, { leases: [], strays: [], ofBridge: [] })
})

t.test('what cannot be found out is told to the node each time, and logged once', async t => {
  const { world: w, strays } = world({
    veth1: { id: 'docker:abc' },
    veth2: { id: 'anew', cidrs: ['10.32.0.2/12'] },
  })
  w.bridge.push('10.32.0.9/12')
  const all = ['docker:abc (veth1)', 'anew (veth2)']
  for (let look = 0; look < 2; look++) {
    await strays.reconcile()
    t.strictSame(w.told?.strays, all)
    t.strictSame(w.told?.ofBridge, ['10.32.0.9/12'])
  }
  t.strictSame(w.events, ['stray', 'stray', 'stray'])
})

t.test('an address that was given to another one already is warned of', async t => {
  const { world: w, strays } = world({ veth1: { id: 'netns:a', cidrs: ['10.32.0.7/12'] } })
  w.taken.add(parseCidr('10.32.0.7/12')!.address)
  await strays.reconcile()
  t.strictSame(w.events, ['stray-taken-up', 'stray-refused'])
})

t.test('Docker says what its endpoints have; that is said once', async t => {
  const { world: w, strays } = world({ veth1: { id: 'docker:known', master: 'weave' } })
  for (let look = 0; look < 2; look++) await strays.reconcile()
  t.strictSame(w.records, [], 'the driver keeps records of its own')
  t.match(w.told, { strays: [], leases: [{ container: 'docker:known', holder: 'docker' }] })
  t.strictSame(w.events, ['stray-taken-up'])
})

t.test("what is on another daemon's bridge is not ours", async t => {
  const { world: w, strays } = world({ veth1: { id: 'netns:a', cidrs: ['10.32.0.7/12'], master: 'other' } })
  await strays.reconcile()
  t.strictSame(w.told, { leases: [], strays: [], ofBridge: [] })
})
