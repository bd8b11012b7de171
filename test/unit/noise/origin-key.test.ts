import t from 'tap'
import { peerIdFromBytes } from '../../../lib/address/mod.ts'
import { toHex } from '../../../lib/base/mod.ts'
import { stablelibSuite } from '../../../lib/crypto/mod.ts'
import { nodeSuite } from '../../../lib/io/node-suite.ts'
import { originKey } from '../../../lib/noise/mod.ts'
import { hex, loadVectors } from '../../vectors/load.ts'

const { key } = loadVectors<{ key: Record<string, string> }>('broadcast.json')
const source = { peer: peerIdFromBytes(hex(key['source']!)), start: hex(key['sourceStart']!) }
const receiver = { peer: peerIdFromBytes(hex(key['receiver']!)), start: hex(key['receiverStart']!) }
const shared = hex(key['shared']!)

for (const [name, suite] of [
  ['stablelib', stablelibSuite],
  ['node', nodeSuite()],
] as const) {
  t.test(`the key of source and receiver has its golden bytes (${name})`, async t => {
    t.equal(toHex(originKey(suite, shared, source, receiver)), key['key'])
    t.equal(toHex(originKey(suite, shared, receiver, source)), key['keyBack'], 'and another one the other way round')
  })
}

t.test('whatever is another makes another key', async t => {
  const start = Uint8Array.of(9, 9, 9, 9, 9, 9, 9, 9)
  const peer = peerIdFromBytes(new Uint8Array(16).fill(7))
  const keys = [
    originKey(stablelibSuite, shared, source, receiver),
    originKey(stablelibSuite, shared.with(0, 1), source, receiver),
    originKey(stablelibSuite, shared, { ...source, start }, receiver),
    originKey(stablelibSuite, shared, { ...source, peer }, receiver),
    originKey(stablelibSuite, shared, source, { ...receiver, start }),
    originKey(stablelibSuite, shared, source, { ...receiver, peer }),
  ].map(toHex)
  t.equal(new Set(keys).size, keys.length)
})
