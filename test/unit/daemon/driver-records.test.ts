import t from 'tap'
import { DriverRecords, type EndpointRecord } from '../../../lib/daemon/driver-records.ts'
import { mapStore } from '../../support/map-store.ts'

function endpoint(id: string, more: Partial<EndpointRecord> = {}): EndpointRecord {
  const place = { network: 'n', cidrs: ['10.32.0.1/12'], mac: '02:00:00:00:00:01', sandbox: '', container: '' }
  return { id, ...place, description: 'a container', ...more }
}

t.test('all endpoints are read from the store once, and anew after each write of one', async t => {
  let reads = 0
  const store = mapStore(new Map())
  const counting = {
    ...store,
    range: (prefix: string) => {
      reads++
      return store.range(prefix)
    },
  }
  const records = new DriverRecords(counting)
  records.putEndpoint(endpoint('a'))
  for (let count = 0; count < 1_000; count++) t.equal(records.endpoints().length, 1)
  t.equal(reads, 1)
  records.putEndpoint(endpoint('b'))
  t.same(
    records.endpoints().map(({ id }) => id),
    ['a', 'b'],
  )
  records.putEndpoint(endpoint('a', { sandbox: 's' }))
  t.equal(records.endpoints()[0]?.sandbox, 's')
  records.deleteEndpoint('b')
  t.same(
    records.endpoints().map(({ id }) => id),
    ['a'],
  )
  t.equal(reads, 4)
  t.same(records.networks(), [])
  const again = new DriverRecords(store)
  t.same(again.endpoints(), records.endpoints(), 'as a daemon that starts anew reads them')
})

t.test('after a write that failed the store is asked what it holds', async t => {
  const store = mapStore(new Map())
  let fails = false
  const write: typeof store.write = (puts, deletes) => {
    store.write(puts, deletes)
    if (fails) throw new Error('it is not known whether that was written')
  }
  const records = new DriverRecords({ ...store, write })
  records.putEndpoint(endpoint('a'))
  t.equal(records.endpoints().length, 1)
  fails = true
  t.throws(() => records.putEndpoint(endpoint('b')), /not known/)
  t.equal(records.endpoints().length, 2)
})
