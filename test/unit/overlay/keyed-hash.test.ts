import t from 'tap'
import { HASHES_REMEMBERED } from '../../../lib/overlay/constants.ts'
import { KeyedHash } from '../../../lib/overlay/keyed-hash.ts'

const BUCKETS = 2048

t.test('words whose hashes are alike with one key are not with another', async t => {
  const bucketOf = (low: number, key: number) => new KeyedHash(key, 0x5ca1_ab1e).of(0x0200, low) & (BUCKETS - 1)
  const chosen: number[] = []
  for (let low = 0; chosen.length < 8 && low < 50_000; low++) if (bucketOf(low, 1) === bucketOf(0, 1)) chosen.push(low)
  for (let key = 2; key < 50; key++) {
    const buckets = new Set(chosen.map(low => bucketOf(low, key)))
    t.ok(buckets.size > 4, `${buckets.size} buckets with key ${key}`)
  }
})

t.test('every bit of the words and of the key counts', async t => {
  const base = [0x0a20_0001, 0x0242, 0x1111_1111, 0x2222_2222] as const
  const hash = (low: number, high: number, first: number, second: number) => new KeyedHash(first, second).of(high, low)
  const before = hash(...base)
  for (let word = 0; word < 4; word++) {
    for (let bit = 0; bit < (word === 1 ? 16 : 32); bit++) {
      const changed = base.map((one, i) => (i === word ? one ^ (1 << bit) : one)) as [number, number, number, number]
      const differing = (hash(...changed) ^ before) >>> 0
      const bits = differing.toString(2).replaceAll('0', '').length
      t.ok(bits >= 4 && bits <= 28, `${bits} bits differ`)
    }
  }
})

t.test('spreads addresses that follow each other, whatever the key', async t => {
  for (let key = 0; key < 8; key++) {
    const counts = new Uint8Array(BUCKETS)
    const hash = new KeyedHash(key, 7 * key)
    for (let low = 0; low < 8000; low++) counts[hash.of(0x0242, 0x0a20_0000 + low) & (BUCKETS - 1)]!++
    t.ok(Math.max(...counts) < 20, `${Math.max(...counts)} in one bucket, of 4 on average`)
  }
})

t.test('remembers hashes without mixing them up', async t => {
  const hash = new KeyedHash(3, 4)
  const addresses: [number, number][] = []
  for (let i = 0; i < 4; i++) addresses.push([i, i + HASHES_REMEMBERED], [0, HASHES_REMEMBERED * i], [0xffff, -1 - i])
  const fresh = addresses.map(([high, low]) => new KeyedHash(3, 4).of(high, low))
  for (let turn = 0; turn < 3; turn++) {
    t.same(
      addresses.map(([high, low]) => hash.of(high, low)),
      fresh,
    )
  }
  t.equal(hash.of(1, 0xffff_fffe), hash.of(1, -2), 'the lower half signed or not')
})
