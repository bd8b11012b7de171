import t from 'tap'
import { AttachmentRecords, type AttachmentRecord } from '../../../lib/daemon/attachment-records.ts'
import { Ipv6Mending, type Ipv6MendingParts } from '../../../lib/daemon/ipv6-mending.ts'
import { KeyedTurns } from '../../../lib/daemon/keyed-turns.ts'
import { ipv6Plan } from '../../support/ipv6-plan.ts'
import { mapStore } from '../../support/map-store.ts'
import { nameList } from '../../support/name-list.ts'

const RECORD: AttachmentRecord = {
  id: 'netns:c',
  description: 'c',
  target: 'netns:c',
  netnsInode: '7',
  cidrs: ['10.32.0.1/12'],
  mac: '02:00:00:00:00:01',
  names: ['web'],
}
const IPV6 = 'fd12:3456:789a:1::a20:1/64'
const OLD = 'fd99:3456:789a:1::a20:1/64'

function world(
  record: Partial<AttachmentRecord>,
  plan = ipv6Plan(),
  options: { isOff?: boolean; inode?: bigint } = {},
) {
  const records = new AttachmentRecords(mapStore(new Map()))
  records.put({ ...RECORD, ...record })
  const asked: unknown[] = []
  const logged: object[] = []
  const { published, book } = nameList()
  const host = {
    resolve: async () => ({ id: 'netns:c', netnsInode: options.inode ?? 7n }),
    detach: async (_target: object, addresses: readonly string[]) => void asked.push(['detach', ...addresses]),
    attach: async (_target: object, cidrs: readonly string[], { ipv6 }: { ipv6: readonly string[] }) => {
      asked.push(['attach', ...cidrs, ...ipv6])
      return { addresses: options.isOff === true ? cidrs : [...cidrs, ...ipv6] }
    },
  }
  const note = (fields: object) => void logged.push(fields)
  const log = { info: note, warn: note }
  const parts = { host, records, turns: new KeyedTurns(), book, ipv6: plan, log } as unknown as Ipv6MendingParts
  const mending = new Ipv6Mending(parts)
  return { mending, records, asked, logged, published, host, mend: () => mending.mend(new Set(['netns:c'])) }
}

t.test('what an earlier version attached gets its IPv6 addresses, once', async t => {
  const w = world({})
  await w.mend()
  await w.mend()
  t.strictSame(w.asked, [['attach', '10.32.0.1/12', IPV6]])
  t.strictSame(w.records.get('netns:c')?.ipv6, [IPV6])
  t.strictSame(w.published.get('netns:c')?.addresses, ['10.32.0.1', 'fd12:3456:789a:1::a20:1'])
})

t.test('with --no-ipv6 they are taken away, and names lead to IPv4 alone', async t => {
  const w = world({ ipv6: [IPV6] }, ipv6Plan(false))
  await w.mend()
  t.strictSame(w.asked, [
    ['detach', IPV6],
    ['attach', '10.32.0.1/12'],
  ])
  t.strictSame(w.records.get('netns:c')?.ipv6, [])
  t.strictSame(w.published.get('netns:c')?.addresses, ['10.32.0.1'])
})

t.test('those of another mesh give way to those of this one', async t => {
  const w = world({ ipv6: [OLD] })
  await w.mend()
  t.strictSame(w.asked, [
    ['detach', OLD],
    ['attach', '10.32.0.1/12', IPV6],
  ])
})

t.test('a target that has IPv6 off is asked once', async t => {
  const w = world({}, ipv6Plan(), { isOff: true })
  await w.mend()
  await w.mend()
  t.equal(w.asked.length, 1)
  t.equal(w.records.get('netns:c')?.isIpv6Off, true)
})

t.test('what is not plugged in, is another namespace, or has what it should is left alone', async t => {
  const gone = world({})
  await gone.mending.mend(new Set())
  const other = world({}, ipv6Plan(), { inode: 8n })
  await other.mend()
  const right = world({ ipv6: [IPV6] })
  await right.mend()
  t.strictSame([...gone.asked, ...other.asked, ...right.asked], [])
})

t.test('one that fails is told of once, and tried again', async t => {
  const w = world({})
  const { attach } = w.host
  w.host.attach = () => Promise.reject(new Error('no room'))
  await w.mend()
  await w.mend()
  t.match(w.logged, [{ event: 'ipv6', id: 'netns:c', error: /no room/ }])
  t.equal(w.logged.length, 1)
  w.host.attach = attach
  await w.mend()
  t.strictSame(w.records.get('netns:c')?.ipv6, [IPV6])
})
