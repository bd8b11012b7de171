import t from 'tap'
import { utf8 } from '../../../lib/base/mod.ts'
import { fakeIdentity } from '../../support/fake-suite.ts'
import { contents, deliver, ledgerOf, MemoryStore, reconcile, writesOf } from '../../support/ledgers.ts'

const A = fakeIdentity('a').peerId
const HOUR_MS = 3_600_000

t.test('a restart takes up own and foreign records, above all that was ever sent', async t => {
  const [a, b] = [ledgerOf('a'), ledgerOf('b')]
  const store = new MemoryStore()
  a.put(1, utf8('kept'), utf8('1'))
  b.put(1, utf8('foreign'), utf8('2'))
  reconcile(a, b)
  store.save(a)
  a.put(1, utf8('lost'), utf8('3'))
  deliver(writesOf(a, 'a'), b)
  t.ok(b.get(A, 1, utf8('lost')))
  const seq = a.ownSeq
  for (const isTrusted of [true, false]) {
    const again = ledgerOf('a')
    t.equal(again.restore(store.load(), isTrusted, 0), 0)
    t.ok(again.ownSeq > seq)
    t.equal(again.records(1).length, 2)
    again.put(1, utf8('new'), utf8('4'))
    const other = ledgerOf('b')
    reconcile(other, b)
    reconcile(again, other)
    t.same(contents(again), contents(other))
    t.notOk(other.get(A, 1, utf8('lost')), 'what the store never saw is void')
    t.ok(other.get(A, 1, utf8('new')))
  }
})

t.test('restoring an untrusted store leaves out what is not genuine', async t => {
  const [a, b] = [ledgerOf('a'), ledgerOf('b')]
  const store = new MemoryStore()
  b.put(1, utf8('one'), utf8('1'))
  b.put(1, utf8('two'), utf8('2'))
  reconcile(a, b)
  store.save(a)
  for (const [key, value] of store.entries) {
    if (key.endsWith('74776f'))
      store.entries.set(
        key,
        value.map((byte, i) => (i === value.length - 1 ? byte ^ 1 : byte)),
      )
  }
  const again = ledgerOf('a')
  t.equal(again.restore(store.load(), false, 0), 1)
  t.equal(again.records(1).length, 1)
  store.save(again)
  t.notOk(
    [...store.entries.keys()].some(key => key.endsWith('74776f')),
    'and removes it from the store',
  )
  reconcile(again, b)
  t.same(contents(again), contents(b))
})

t.test('a peer that kept its identity but lost its ledger goes above what others hold of it', async t => {
  const [a, b] = [ledgerOf('a'), ledgerOf('b')]
  for (let i = 0; i < 9; i++) a.put(1, Uint8Array.of(i), utf8('old'))
  reconcile(a, b)
  const again = ledgerOf('a')
  again.put(1, Uint8Array.of(0), utf8('new'))
  reconcile(again, b, 1)
  t.ok(again.ownSeq > a.ownSeq)
  reconcile(again, b, 2)
  t.same(contents(b), contents(again))
  t.equal(b.records(1).length, 1)
})

t.test('two peers with one identity do not flood the mesh', async t => {
  const [one, two, b] = [ledgerOf('a'), ledgerOf('a'), ledgerOf('b')]
  one.put(1, utf8('k'), utf8('one'))
  two.put(1, utf8('k'), utf8('two'))
  two.put(1, utf8('l'), utf8('two'))
  const seqs: number[] = []
  for (let now = 0; now < 60_000; now += 100) {
    for (const ledger of [one, two]) {
      ledger.collect(now)
      reconcile(ledger, b, now)
    }
    seqs.push(one.ownSeq)
  }
  t.ok(new Set(seqs).size < 20, `${new Set(seqs).size} recoveries`)
})

t.test('an owner that nobody reaches is suspended, then collected, and not brought back by a straggler', async t => {
  const [a, b, straggler] = [ledgerOf('a'), ledgerOf('b'), ledgerOf('c')]
  a.put(1, utf8('k'), utf8('v'))
  reconcile(a, straggler)
  reconcile(a, b)
  b.setReachable(new Set([A]), 1000)
  t.same(b.setReachable(new Set(), 2000).suspended, [A])
  t.equal(b.records(1)[0]?.isSuspended, true)
  t.same(b.collect(2000 + 24 * HOUR_MS - 1), [])
  t.same(b.collect(2000 + 24 * HOUR_MS), [A])
  t.same(contents(b), [])
  reconcile(b, straggler)
  t.same(contents(b), [])
  const all = straggler.recordsFor({ owner: A, above: 0, upTo: Number.MAX_SAFE_INTEGER, tagAt: 0, held: [] })
  t.same(b.merge({ owner: A, ...all! }, 0).dropped, { collected: 1 })
  t.equal(reconcile(b, straggler).records, 0, 'and no more of it is asked for')

  t.test('until it is reached again: then all of it comes back', async t => {
    a.put(2, utf8('new'), utf8('v'))
    deliver(writesOf(a, 'a'), b)
    t.equal(contents(b).length, 1, 'the new record at once')
    b.setReachable(new Set([A]), 1)
    reconcile(b, a)
    t.same(contents(b), contents(a))
  })
})

t.test('who was collected, and is met with an empty store, is welcome below what it was collected at', async t => {
  const [a, b] = [ledgerOf('a'), ledgerOf('b')]
  a.put(1, utf8('k'), utf8('v'))
  a.put(1, utf8('k'), utf8('v2'))
  reconcile(a, b)
  t.equal(b.forgetOwner(A), true)
  const anew = ledgerOf('a')
  anew.put(1, utf8('k'), utf8('anew'))
  reconcile(anew, b)
  t.same(contents(b), [])
  b.setMet([A])
  reconcile(anew, b)
  t.same(contents(b), contents(anew))
})

t.test('what was collected stays so over a restart', async t => {
  const [a, b] = [ledgerOf('a'), ledgerOf('b')]
  a.put(1, utf8('k'), utf8('v'))
  reconcile(a, b)
  const store = new MemoryStore()
  store.save(b)
  t.equal(b.forgetOwner(A), true)
  t.equal(b.forgetOwner(A), false)
  t.equal(b.forgetOwner(fakeIdentity('b').peerId), false)
  store.save(b)
  t.equal(store.entries.size, 1)
  const again = ledgerOf('b')
  again.restore(store.load(), true, 0)
  reconcile(again, a)
  t.same(contents(again, [1]), [])
})

t.test('no more collected owners are remembered than the limit', async t => {
  const b = ledgerOf('b', { collectedMax: 2 })
  const names = ['p', 'q', 'r']
  const store = new MemoryStore()
  for (const name of names) {
    const ledger = ledgerOf(name)
    ledger.put(1, utf8('k'), utf8('v'))
    deliver(writesOf(ledger, name), b)
    b.forgetOwner(fakeIdentity(name).peerId)
    store.save(b)
  }
  t.same([...store.entries.keys()].sort(), ['q', 'r'].map(name => `o${fakeIdentity(name).peerId}`).sort())
})
