import t from 'tap'
import { Ledger } from '../../../lib/ledger/mod.ts'
import { Comparison } from '../../../lib/node/comparison.ts'
import { isDrop, utf8 } from '../../../lib/base/mod.ts'
import { decodeLedgerSync, encodeLedgerSync, type LedgerSync } from '../../../lib/wire/mod.ts'
import { fakeIdentity, fakeSuite } from '../../support/fake-suite.ts'
import { peerNumber } from '../../support/graphs.ts'
import { seededChance } from '../../support/seeded-chance.ts'

const MESH = new Uint8Array(16).fill(5)

function ledger(name: string): Ledger {
  const made = new Ledger({ suite: fakeSuite, identity: fakeIdentity(name), meshId: MESH, chance: seededChance(1) })
  made.put(1, new Uint8Array(0), utf8(name))
  return made
}

/** Gives `to` all that `from` holds of these. */
function give(from: Ledger, to: Ledger, names: readonly string[]): void {
  for (const name of names) {
    const owner = fakeIdentity(name).peerId
    const found = from.recordsFor({ owner, above: 0, upTo: Number.MAX_SAFE_INTEGER, tagAt: 0, held: [] })
    to.merge({ owner, signingPublic: found!.signingPublic, records: found!.records }, 0)
  }
}

/** Asks until no question is open. */
function ask(comparison: Comparison, other: Ledger): void {
  const waiting: LedgerSync[] = [comparison.begin()]
  for (let question = waiting.shift(); question !== undefined; question = waiting.shift()) {
    const sent = decodeLedgerSync(encodeLedgerSync(question))
    if (isDrop(sent)) throw new Error(sent.reason)
    const answer = other.answer(sent)
    const next = answer && comparison.take(answer)
    if (next !== undefined) waiting.push(next)
  }
}

t.test('who holds the same is done at once, however many there are', async t => {
  for (const count of [1, 20, 300]) {
    const names = Array.from({ length: count }, (_, i) => `peer ${i}`)
    const [mine, theirs] = [ledger('me'), ledger('they')]
    for (const name of names) for (const side of [mine, theirs]) give(ledger(name), side, [name])
    give(theirs, mine, ['they'])
    const comparison = new Comparison(mine, peerNumber(1))
    t.equal(comparison.isComplete, true, 'nothing was asked')
    comparison.begin()
    t.equal(comparison.isComplete, false, 'and now it is')
    ask(comparison, theirs)
    t.equal(comparison.isComplete, true, `${count} owners`)
  }
})

t.test('it is complete when all that was lacking has come', async t => {
  for (const count of [3, 300]) {
    const names = Array.from({ length: count }, (_, i) => `peer ${i}`)
    const [mine, theirs] = [ledger('me'), ledger('they')]
    for (const name of names) give(ledger(name), theirs, [name])
    const comparison = new Comparison(mine, peerNumber(1))
    ask(comparison, theirs)
    t.equal(comparison.isComplete, false)
    give(theirs, mine, names)
    t.equal(comparison.isComplete, false, 'all but the one itself')
    give(theirs, mine, ['they'])
    t.equal(comparison.isComplete, true, `${count} owners`)
  }
})

t.test('what was not asked for changes nothing', async t => {
  const comparison = new Comparison(ledger('me'), peerNumber(1))
  comparison.begin()
  const sums = [...'0123456789abcdef'].map(digit => ({ prefix: `0${digit}`, sum: new Uint8Array(16).fill(1) }))
  t.equal(comparison.take({ sums, lists: [], wants: [] }), undefined)
  t.equal(comparison.isComplete, false)
})
