import t from 'tap'
import fc from 'fast-check'
import { isDrop, utf8 } from '../../../lib/base/mod.ts'
import { readStore } from '../../../lib/ledger/mod.ts'
import { contents, ledgerOf, MemoryStore, reconcile } from '../../support/ledgers.ts'

t.test('what is stored step by step reads back as the ledger', async t => {
  const [a, b] = [ledgerOf('a'), ledgerOf('b')]
  const store = new MemoryStore()
  for (let i = 0; i < 30; i++) {
    b.put(1, Uint8Array.of(i % 7), utf8(String(i)))
    if (i % 3 === 0) b.remove(1, Uint8Array.of(i % 5))
    reconcile(a, b)
    if (i % 4 === 0) store.save(a)
  }
  store.save(a)
  const again = ledgerOf('a')
  t.equal(again.restore(store.load(), true, 0), 0)
  t.same(contents(again, [1]), contents(a, [1]))
  t.same(b.deltasFor(again.digest(true)[0]!, 1e6), [], 'and needs nothing from others')
})

t.test('a damaged store is refused', async t => {
  const [a, b] = [ledgerOf('a'), ledgerOf('b')]
  const store = new MemoryStore()
  b.put(1, utf8('k'), utf8('v'))
  reconcile(a, b)
  store.save(a)
  const entries = [...store.entries].map(([key, value]) => ({ key, value }))
  t.notOk(isDrop(readStore(entries)))
  t.match(readStore([...entries, { key: 'x', value: utf8('') }]), { reason: 'store-key' })
  t.match(readStore(entries.map(({ key, value }) => ({ key, value: value.subarray(1) }))), { reason: /./ })
  t.match(readStore(entries.filter(({ key }) => !key.startsWith('o'))), { reason: 'store-owner-missing' })
})

t.test('reading a store never throws', async t => {
  const key = fc.oneof(
    fc.string(),
    fc.constantFrom('o', 'r').map(letter => `${letter}${'a'.repeat(26)}0100`),
  )
  fc.assert(
    fc.property(fc.array(fc.record({ key, value: fc.uint8Array({ maxLength: 200 }) })), entries => {
      readStore(entries)
    }),
  )
  t.pass('for all that was tried')
})
