import t from 'tap'
import fc from 'fast-check'
import { peerIdFromBytes } from '../../../lib/address/mod.ts'
import { isDrop, toHex } from '../../../lib/base/mod.ts'
import {
  decodeElection,
  encodeElection,
  electionSignedBytes,
  type SignedElectionStatement,
} from '../../../lib/wire/mod.ts'

const peer = (fill: number) => peerIdFromBytes(new Uint8Array(16).fill(fill))
const VALUE: SignedElectionStatement = {
  statement: {
    signingPublic: new Uint8Array(32).fill(0x11),
    revision: 7,
    electorate: new Uint8Array(16).fill(0x22),
    size: 5,
    promised: { round: 3, proposer: peer(0x33) },
    accepted: { ballot: { round: 2, proposer: peer(0x44) }, founder: peer(0x55) },
    meshId: new Uint8Array(16).fill(0x66),
    nickname: 'ada',
  },
  signature: new Uint8Array(64).fill(0x77),
}
const GOLDEN_STATEMENT =
  '11'.repeat(32) +
  '0700000000000000' +
  '22'.repeat(16) +
  '0500' +
  ('03000000' + '33'.repeat(16)) +
  ('02000000' + '44'.repeat(16)) +
  '55'.repeat(16) +
  '66'.repeat(16) +
  '0300616461'

t.test('writes the golden bytes and reads them back', t => {
  t.equal(toHex(encodeElection([VALUE])), `01${GOLDEN_STATEMENT}${'77'.repeat(64)}`)
  t.same(decodeElection(encodeElection([VALUE, VALUE])), [VALUE, VALUE])
  const none = { ...VALUE.statement, promised: undefined, accepted: undefined }
  t.same(decodeElection(encodeElection([{ ...VALUE, statement: none }])), [{ ...VALUE, statement: none }])
  t.equal(
    toHex(electionSignedBytes(VALUE.statement)),
    toHex(new TextEncoder().encode('weave-ts founding 1')) + GOLDEN_STATEMENT,
  )
  t.end()
})

t.test('drops every truncation, what follows, none and too many statements', t => {
  const good = encodeElection([VALUE])
  for (let length = 0; length < good.length; length++)
    t.ok(isDrop(decodeElection(good.subarray(0, length))), `${length} bytes`)
  t.ok(isDrop(decodeElection(Uint8Array.of(...good, 0))))
  t.ok(isDrop(decodeElection(Uint8Array.of(0))))
  t.ok(isDrop(decodeElection(encodeElection(Array.from({ length: 65 }, () => VALUE)))))
  t.end()
})

t.test('what arbitrary and mutated bytes are read as is what they were written from', t => {
  const good = encodeElection([VALUE, VALUE])
  const mutated = fc.tuple(fc.nat(good.length - 1), fc.nat(255)).map(([at, byte]) => {
    const bytes = good.slice()
    bytes[at] = byte
    return bytes
  })
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 600 }), mutated), bytes => {
      const all = decodeElection(bytes)
      return isDrop(all) || toHex(encodeElection(all)) === toHex(bytes)
    }),
    { numRuns: 2_000 },
  )
  t.end()
})
