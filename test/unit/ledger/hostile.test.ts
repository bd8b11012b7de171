import t from 'tap'
import type { PeerId } from '../../../lib/address/mod.ts'
import { isDrop, utf8 } from '../../../lib/base/mod.ts'
import type { Ledger } from '../../../lib/ledger/mod.ts'
import {
  decodeLedgerDelta,
  decodeLedgerSync,
  encodeLedgerDelta,
  encodeLedgerSync,
  LEDGER_MESSAGE_BYTES_MAX,
  ownerDigits,
  packDeltas,
  SYNC_SUMS_MAX,
  WANT_IDS_MAX,
  WANT_OPEN,
  type LedgerRecord,
  type LedgerSync,
} from '../../../lib/wire/mod.ts'
import { fakeIdentity } from '../../support/fake-suite.ts'
import { contents, ledgerOf, partOf, reconcile, signedRecord, syncOverWire } from '../../support/ledgers.ts'
import { pick, seededChance } from '../../support/seeded-chance.ts'

const A = fakeIdentity('a')
const UNLIMITED = { ownerBurstBytes: 1e9, ownerBytesPerSecond: 1e9 }

function isInAgreement(...ledgers: Ledger[]): boolean {
  return new Set(ledgers.map(ledger => contents(ledger).join())).size === 1
}

t.test('a delta with only the last record of an owner hides nothing for longer than a round', async t => {
  const all = Array.from({ length: 66 }, (_, i) => signedRecord(A, i + 1))
  const [whole, victim] = [ledgerOf('whole'), ledgerOf('victim')]
  whole.merge(partOf(A, all), 0)
  victim.merge(partOf(A, all.slice(-1)), 0)
  t.equal(contents(victim).length, 1)
  t.equal(reconcile(victim, whole).records, 65, 'and only what is missing goes over')
  t.same(contents(victim), contents(whole))
})

t.test('any part of an owner’s records, at two peers each another, becomes whole at both', async t => {
  const chance = seededChance(5)
  for (let i = 0; i < 60; i++) {
    const all = Array.from({ length: 1 + Math.floor(chance() * 30) }, (_, at) => signedRecord(A, at + 1))
    const [b, c] = [ledgerOf('b'), ledgerOf('c')]
    for (const ledger of [b, c]) {
      const some = all.filter(() => chance() < 0.5)
      if (some.length > 0) ledger.merge(partOf(A, some), 0)
    }
    const union = new Set([...contents(b), ...contents(c)]).size
    for (let round = 0; round < 3; round++) reconcile(b, c)
    t.ok(isInAgreement(b, c))
    t.equal(contents(b).length, union)
  }
})

t.test('two records with one seq, shown to two halves, heal', async t => {
  const one = signedRecord(A, 5, { key: utf8('k'), value: utf8('one') })
  const other = signedRecord(A, 5, { key: utf8('k'), value: utf8('other') })
  const elsewhere = signedRecord(A, 5, { key: utf8('l') })
  for (const [left, right] of [
    [[one], [other]],
    [[one], [elsewhere]],
    [[one, elsewhere], [other]],
  ] as [LedgerRecord[], LedgerRecord[]][]) {
    const [b, c] = [ledgerOf('b'), ledgerOf('c')]
    b.merge(partOf(A, left), 0)
    c.merge(partOf(A, right), 0)
    for (let round = 0; round < 2; round++) reconcile(b, c)
    t.ok(isInAgreement(b, c))
  }
})

t.test('two records that share a tag are told apart by another', async t => {
  // Of many records of one seq two agree in four bytes of the signature: the owner has looked for them.
  const [b, c] = [ledgerOf('b', {}, undefined, seededChance(3)), ledgerOf('c', {}, undefined, seededChance(4))]
  const one = signedRecord(A, 5, { key: utf8('k') })
  const twin = signedRecord(A, 5, { key: utf8('l') })
  const b5 = b.merge(partOf(A, [one]), 0)
  c.merge(partOf(A, [twin]), 0)
  t.equal(b5.changed.length, 1)
  for (let tagAt = 0; tagAt < 16; tagAt++) {
    const tag = new DataView(one.signature.buffer, one.signature.byteOffset).getUint32(4 * tagAt, true)
    const want = { owner: A.peerId, above: 0, upTo: WANT_OPEN, tagAt, held: [{ seq: 5, tag }] }
    t.equal(b.recordsFor(want), undefined, 'held')
    t.equal(b.recordsFor({ ...want, tagAt: (tagAt + 1) % 16 })?.records.length, 1, 'by another tag not')
  }
  for (let round = 0; round < 2; round++) reconcile(b, c)
  t.ok(isInAgreement(b, c))
})

t.test('a hole anywhere in an owner of many records is found, with wants in windows', async t => {
  const all = Array.from({ length: 4000 }, (_, i) => signedRecord(A, 1 + Math.floor(i / 2)))
  const keyed = all.map((record, i) => signedRecord(A, record.seq, { key: utf8(String(i)) }))
  const [whole, b] = [ledgerOf('whole', UNLIMITED), ledgerOf('b', UNLIMITED)]
  whole.merge(partOf(A, keyed), 0)
  b.merge(
    partOf(
      A,
      keyed.filter((_, i) => i !== 100 && i !== 2500 && i !== 3900),
    ),
    0,
  )
  let records = 0
  for (let round = 0; round < 8 && !isInAgreement(b, whole); round++) records += reconcile(b, whole).records
  t.ok(isInAgreement(b, whole))
  t.equal(records, 3, 'nothing else went over')
})

t.test('an owner with more records of one seq than a want can name is made whole all the same', async t => {
  const all = Array.from({ length: 2 * WANT_IDS_MAX }, (_, i) => signedRecord(A, 7, { key: utf8(String(i)) }))
  const [whole, b] = [ledgerOf('whole', UNLIMITED), ledgerOf('b', UNLIMITED)]
  whole.merge(partOf(A, all), 0)
  b.merge(
    partOf(
      A,
      all.filter((_, i) => i % 97 !== 0),
    ),
    0,
  )
  for (let round = 0; round < 3; round++) reconcile(b, whole)
  t.ok(isInAgreement(b, whole))
})

function manyOwners(name: string, count: number): Ledger {
  const ledger = ledgerOf(name, UNLIMITED)
  for (let i = 0; i < count; i++) {
    const identity = fakeIdentity(`owner ${i}`)
    ledger.merge(partOf(identity, [signedRecord(identity, 1), signedRecord(identity, 2)]), 0)
  }
  return ledger
}

t.test('syncs that differ everywhere get an answer of at most one message', async t => {
  const ledger = manyOwners('b', 3000)
  const sum = new Uint8Array(16).fill(1)
  const owners = ledger
    .owners()
    .map(({ owner }) => owner)
    .sort((a, b) => (ownerDigits(a) < ownerDigits(b) ? -1 : 1))
  const prefixes = Array.from({ length: SYNC_SUMS_MAX }, (_, i) => i.toString(16).padStart(3, '0'))
  const syncs: LedgerSync[] = [
    { sums: prefixes.map(prefix => ({ prefix, sum })), lists: [], wants: [] },
    { sums: [], lists: [{ prefix: '', isPartial: false, isAnswer: false, owners: [] }], wants: [] },
    {
      sums: [],
      wants: [],
      lists: [
        {
          prefix: '',
          isPartial: false,
          isAnswer: false,
          owners: owners.slice(0, 800).map((owner, i) => ({ owner, lastSeq: i % 4, sum })),
        },
      ],
    },
    {
      sums: [],
      lists: prefixes.map(prefix => ({ prefix, isPartial: false, isAnswer: false, owners: [] })),
      wants: [],
    },
  ]
  for (const sync of syncs) {
    const start = performance.now()
    const answer = ledger.answer(syncOverWire(sync))
    const took = performance.now() - start
    t.ok(answer !== undefined)
    t.ok(encodeLedgerSync(answer!).length <= LEDGER_MESSAGE_BYTES_MAX)
    t.notOk(isDrop(decodeLedgerSync(encodeLedgerSync(answer!))))
    t.ok(took < 1000, `${took} ms`)
  }
})

t.test('an answer to an answer asks, and tells nothing more', async t => {
  const ledger = manyOwners('b', 40)
  const owners = [{ owner: A.peerId, lastSeq: 9, sum: new Uint8Array(16) }]
  const answer = ledger.answer({
    sums: [],
    lists: [{ prefix: '', isPartial: true, isAnswer: true, owners }],
    wants: [],
  })
  t.same([answer?.sums, answer?.lists], [[], []])
  t.match(answer?.wants, [{ owner: A.peerId, above: 0 }])
})

/** A member: it signs whatever it likes, and sends what it likes. */
class Member {
  readonly chance
  readonly identities = Array.from({ length: 12 }, (_, i) => fakeIdentity(`member ${i}`))

  constructor(seed: number) {
    this.chance = seededChance(seed)
  }

  #below(count: number): number {
    return Math.floor(this.chance() * count)
  }

  #seq(): number {
    if (this.chance() < 0.01) return Number.MAX_SAFE_INTEGER - this.#below(2)
    return pick([1, 2, 3, 1 + this.#below(50)], this.chance)
  }

  delta(honest: readonly LedgerRecord[]): Uint8Array {
    const parts = Array.from({ length: 1 + this.#below(4) }, () => {
      const identity = pick(this.identities, this.chance)
      const made = Array.from({ length: 1 + this.#below(12) }, () =>
        signedRecord(identity, this.#seq(), {
          kind: this.chance() < 0.01 ? 0 : pick([1, 2, 3, 5, 200], this.chance),
          key: new Uint8Array(this.#below(3)).fill(this.#below(40)),
          value: new Uint8Array(this.chance() < 0.05 ? 16_384 : this.#below(60)),
        }),
      )
      const records = made
        .map(record => (this.chance() < 0.1 ? { ...record, signature: new Uint8Array(64) } : record))
        .sort((a, b) => a.seq - b.seq)
      const stolen = this.chance() < 0.2 ? [pick(honest, this.chance)] : []
      return {
        owner: stolen[0]?.owner ?? identity.peerId,
        signingPublic: this.chance() < 0.8 ? identity.signingPublic : undefined,
        records: stolen.length > 0 ? stolen : records,
      }
    })
    const [delta] = packDeltas(parts, this.chance() < 0.5, LEDGER_MESSAGE_BYTES_MAX)
    return encodeLedgerDelta(delta!)
  }

  sync(victim: Ledger): Uint8Array {
    const owners = victim.owners().map(({ owner }) => owner)
    const answer = victim.answer({
      sums: [{ prefix: pick(['', '0', 'ab', '12345678'], this.chance), sum: new Uint8Array(16).fill(this.#below(9)) }],
      lists: [
        {
          prefix: '',
          isPartial: this.chance() < 0.5,
          isAnswer: this.chance() < 0.5,
          owners: [{ owner: pick(owners, this.chance), lastSeq: this.#seq(), sum: new Uint8Array(16) }],
        },
      ],
      wants: [],
    })
    return encodeLedgerSync({
      sums: answer?.sums ?? [],
      lists: answer?.lists ?? [],
      wants: [
        {
          owner: pick(owners, this.chance),
          above: this.#below(5),
          upTo: pick([5, 100, WANT_OPEN], this.chance),
          tagAt: this.#below(16),
          held: [{ seq: this.#seq(), tag: this.#below(99) }],
        },
      ],
    })
  }

  mutated(bytes: Uint8Array): Uint8Array {
    const copy = bytes.slice(0, this.chance() < 0.2 ? this.#below(bytes.length + 1) : bytes.length)
    if (copy.length > 0) for (let i = this.#below(4); i > 0; i--) copy[this.#below(copy.length)] = this.#below(256)
    return copy
  }
}

t.test('10,000 inputs of a member: nothing throws, grows without bound, or touches what others wrote', async t => {
  const member = new Member(77)
  const limits = {
    ownersMax: 20,
    ownerShareBytes: 4000,
    surplusBytesMax: 50_000,
    ownerBurstBytes: 9000,
    ownerBytesPerSecond: 1000,
  }
  const victim = ledgerOf('victim', limits)
  const friend = fakeIdentity('friend')
  const honest = Array.from({ length: 5 }, (_, i) => signedRecord(friend, 1 + i))
  victim.setMet([friend.peerId])
  victim.merge(partOf(friend, honest), 0)
  victim.put(1, utf8('own'), utf8('value'))
  const before = contents(victim).filter(line => line.startsWith(friend.peerId) || line.includes(utf8('own').join()))
  let bytes = 0
  for (let i = 0; i < 10_000; i++) {
    const made = i % 2 === 0 ? member.delta(honest) : member.sync(victim)
    const input = member.chance() < 0.4 ? member.mutated(made) : made
    const delta = decodeLedgerDelta(input)
    if (!isDrop(delta)) for (const part of delta.parts) victim.merge(part, i)
    const sync = decodeLedgerSync(input)
    if (isDrop(sync)) continue
    const answer = victim.answer(sync)
    if (answer !== undefined) bytes = Math.max(bytes, encodeLedgerSync(answer).length)
    for (const want of sync.wants) victim.recordsFor(want)
  }
  const after = contents(victim).filter(line => line.startsWith(friend.peerId) || line.includes(utf8('own').join()))
  t.same(after, before)
  const { owners, costBytes, drops } = victim.report()
  t.ok(owners <= limits.ownersMax)
  t.ok(costBytes <= limits.ownersMax * limits.ownerShareBytes + limits.surplusBytesMax, `${costBytes} bytes`)
  t.ok(bytes > 0 && bytes <= LEDGER_MESSAGE_BYTES_MAX)
  t.ok(drops['bad-signature']! > 100 && drops['owner-rate']! > 100 && drops['ledger-full']! > 0, JSON.stringify(drops))
  t.equal(new Set<PeerId>(victim.takeChanges().records.map(({ owner }) => owner)).has(friend.peerId), true)

  const other = ledgerOf('other')
  other.setMet([friend.peerId])
  for (let round = 0; round < 4; round++) reconcile(other, victim, 1e6 * round)
  t.ok(isInAgreement(other, victim), 'and two honest ledgers agree in the end')
})
