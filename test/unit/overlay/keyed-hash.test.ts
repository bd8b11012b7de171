import t from 'tap'
import { keyedHash } from '../../../lib/overlay/keyed-hash.ts'

const BUCKETS = 2048

t.test('words whose hashes are alike with one key are not with another', async t => {
  const bucketOf = (low: number, key: number) => keyedHash(low, 0x0200, key, 0x5ca1_ab1e) & (BUCKETS - 1)
  const chosen: number[] = []
  for (let low = 0; chosen.length < 8; low++) if (bucketOf(low, 1) === bucketOf(0, 1)) chosen.push(low)
  for (let key = 2; key < 50; key++) {
    const buckets = new Set(chosen.map(low => bucketOf(low, key)))
    t.ok(buckets.size > 4, `${buckets.size} buckets with key ${key}`)
  }
})

t.test('every bit of the words and of the key counts', async t => {
  const base = [0x0a20_0001, 0x0242, 0x1111_1111, 0x2222_2222] as const
  const before = keyedHash(...base)
  for (let word = 0; word < 4; word++) {
    for (let bit = 0; bit < 32; bit++) {
      const changed = base.map((one, i) => (i === word ? one ^ (1 << bit) : one)) as [number, number, number, number]
      const differing = (keyedHash(...changed) ^ before) >>> 0
      const bits = differing.toString(2).replaceAll('0', '').length
      t.ok(bits >= 4 && bits <= 28, `${bits} bits differ`)
    }
  }
})

t.test('spreads addresses that follow each other, whatever the key', async t => {
  for (let key = 0; key < 8; key++) {
    const counts = new Uint8Array(BUCKETS)
    for (let low = 0; low < 8000; low++) counts[keyedHash(0x0a20_0000 + low, 0x0242, key, 7 * key) & (BUCKETS - 1)]!++
    t.ok(Math.max(...counts) < 20, `${Math.max(...counts)} in one bucket, of 4 on average`)
  }
})
