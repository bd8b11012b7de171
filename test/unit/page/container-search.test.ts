import t from 'tap'
import { containerRows, foundRows } from '../../../lib/page/container-search.ts'
import { madeUpContainers, madeUpRef } from '../../support/page-answers.ts'

const rows = containerRows(madeUpContainers({ hosts: 3, gone: [3], containers: 12 }).containers)
const found = (query: string) => foundRows(rows, query).map(({ names, label }) => names[0] ?? label)

t.test('the search looks in names, addresses, ids and hosts, for every word', async t => {
  t.equal(found('').length, 12)
  t.equal(found('  ').length, 12)
  t.strictSame(found('service7'), ['service7.weave.local.'])
  t.strictSame(found('SERVICE7 host2'), ['service7.weave.local.'])
  t.strictSame(found('service7 host1'), [])
  t.strictSame(found('10.32.0.65'), ['service1.weave.local.'])
  t.strictSame(found('netns:blue4'), ['netns:blue4'])
  t.equal(found('host2').length, 4)
  t.equal(found(madeUpRef(2).id).length, 4, 'the id of a host too')
})

t.test('a row says how it is with the container', async t => {
  t.match(rows[0], { host: 'host1', state: 'attached', label: 'netns:blue0' })
  t.match(rows[2], { host: 'host3', state: 'host not reached' })
  const [own, stopped] = containerRows([
    {
      container: 'weave:expose',
      addresses: ['10.32.0.1'],
      names: [],
      peer: madeUpRef(1),
      isReachable: true,
      isPlugged: true,
    },
    { container: 'pid:1', addresses: [], names: [], peer: madeUpRef(1), isReachable: true, isPlugged: false },
  ])
  t.match(own, { label: 'the host itself' })
  t.match(stopped, { state: 'stopped' })
})
