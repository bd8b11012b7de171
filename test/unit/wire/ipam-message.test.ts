import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { peerIdFromBytes } from '../../../lib/address/peer-id.ts'
import { toHex } from '../../../lib/base/bytes.ts'
import { isDrop } from '../../../lib/base/drop.ts'
import {
  decodeIpamAnswer,
  decodeIpamRequest,
  decodeIpamReturn,
  encodeIpamAnswer,
  encodeIpamRequest,
  encodeIpamReturn,
  type IpamAnswer,
  type IpamRequest,
  type IpamReturn,
} from '../../../lib/wire/ipam-message.ts'

const HOST = peerIdFromBytes(new Uint8Array(16).fill(5))
const SUBNET = { address: 0x0a200000, prefix: 12 }

const REQUESTS: [IpamRequest, string][] = [
  [{ kind: 'ipam-request', id: 0x0102030405, subnet: SUBNET }, '0504030201000000' + '0000200a' + '0c' + '00'],
  [
    { kind: 'ipam-request', id: 1, subnet: SUBNET, address: 0x0a20_0107, isInUse: true },
    '0100000000000000' + '0000200a' + '0c' + '05' + '0701200a',
  ],
  [
    { kind: 'ipam-request', id: 1, subnet: SUBNET, count: 3, isEphemeral: true },
    '0100000000000000' + '0000200a' + '0c' + '0a' + '03',
  ],
  [{ kind: 'ipam-request', id: 2, subnet: SUBNET, isForLater: true }, '0200000000000000' + '0000200a' + '0c' + '10'],
]

const RETURN: IpamReturn = {
  kind: 'ipam-return',
  returned: [
    { address: 0x0a20_0107, loan: 1 },
    { address: 0x0a20_0108, loan: 0xffff_ffff },
  ],
}
const RETURN_HEX = '02' + '0701200a' + '01000000' + '0801200a' + 'ffffffff'

const ANSWERS: [IpamAnswer, string][] = [
  [
    {
      kind: 'ipam-answer',
      id: 7,
      outcome: 'granted',
      granted: [
        { first: 8192, count: 8192 },
        { first: 1, count: 1 },
      ],
    },
    '0700000000000000' + '01' + '02' + '0020000000200000' + '0100000001000000',
  ],
  [{ kind: 'ipam-answer', id: 7, outcome: 'denied', free: 61 }, '0700000000000000' + '02' + '3d000000' + '00'],
  [
    { kind: 'ipam-answer', id: 7, outcome: 'denied', free: 0, held: { host: HOST, container: 'web' } },
    '0700000000000000' + '02' + '00000000' + '01' + '05'.repeat(16) + '0300' + '776562',
  ],
  [
    { kind: 'ipam-answer', id: 7, outcome: 'lent', lent: [{ address: 0x0a20_0107, loan: 0xa1b2c3d4 }] },
    '0700000000000000' + '03' + '01' + '0701200a' + 'd4c3b2a1',
  ],
  [{ kind: 'ipam-answer', id: 7, outcome: 'stale', lastId: 9 }, '0700000000000000' + '04' + '0900000000000000'],
]

t.test('golden requests are written and read', async t => {
  for (const [request, hex] of REQUESTS) {
    t.equal(toHex(encodeIpamRequest(request)), hex)
    t.same(decodeIpamRequest(encodeIpamRequest(request)), request)
  }
})

t.test('golden answers are written and read', async t => {
  for (const [answer, hex] of ANSWERS) {
    t.equal(toHex(encodeIpamAnswer(answer)), hex)
    t.same(decodeIpamAnswer(encodeIpamAnswer(answer)), answer)
  }
})

t.test('a golden return is written and read', async t => {
  t.equal(toHex(encodeIpamReturn(RETURN)), RETURN_HEX)
  t.same(decodeIpamReturn(encodeIpamReturn(RETURN)), RETURN)
})

t.test('every truncation is dropped', async t => {
  const returned = encodeIpamReturn(RETURN)
  for (let length = 0; length < returned.length; length++) t.ok(isDrop(decodeIpamReturn(returned.subarray(0, length))))
  for (const [request] of REQUESTS) {
    const bytes = encodeIpamRequest(request)
    for (let length = 0; length < bytes.length; length++) t.ok(isDrop(decodeIpamRequest(bytes.subarray(0, length))))
  }
  for (const [answer] of ANSWERS) {
    const bytes = encodeIpamAnswer(answer)
    for (let length = 0; length < bytes.length; length++) t.ok(isDrop(decodeIpamAnswer(bytes.subarray(0, length))))
  }
})

t.test('addresses that rest are told when there are any, and an answer without that is whole', async t => {
  for (const held of [undefined, { host: HOST, container: 'web' }]) {
    const bare: IpamAnswer = { kind: 'ipam-answer', id: 7, outcome: 'denied', free: 1, ...(held && { held }) }
    const bytes = encodeIpamAnswer({ ...bare, resting: 9 })
    t.equal(toHex(bytes), toHex(encodeIpamAnswer(bare)) + '09000000')
    t.same(decodeIpamAnswer(bytes), { ...bare, resting: 9 })
    for (let length = bytes.length - 4; length < bytes.length; length++)
      t.same(decodeIpamAnswer(bytes.subarray(0, length)), bare)
  }
})

t.test('bytes that a later version appended are ignored', async t => {
  for (const [request] of REQUESTS) {
    t.same(decodeIpamRequest(new Uint8Array([...encodeIpamRequest(request), 9, 9])), request)
  }
  for (const [answer] of ANSWERS) t.same(decodeIpamAnswer(new Uint8Array([...encodeIpamAnswer(answer), 9])), answer)
})

t.test('what makes no sense is dropped with its reason', async t => {
  const request = encodeIpamRequest(REQUESTS[0]![0])
  t.match(decodeIpamRequest(request.with(12, 33)), { reason: 'ipam-request-subnet' })
  t.match(decodeIpamRequest(request.with(8, 1)), { reason: 'ipam-request-subnet' })
  t.match(decodeIpamRequest(request.with(7, 0xff)), { reason: 'ipam-request-short' })
  const single = encodeIpamRequest(REQUESTS[2]![0])
  t.match(decodeIpamRequest(single.with(14, 0)), { reason: 'ipam-request-count' })
  const answer = encodeIpamAnswer(ANSWERS[0]![0])
  t.match(decodeIpamAnswer(answer.with(8, 5)), { reason: 'ipam-answer-kind' })
  t.match(decodeIpamAnswer(answer.with(9, 0)), { reason: 'ipam-answer-ranges' })
  t.match(decodeIpamAnswer(answer.with(9, 17)), { reason: 'ipam-answer-ranges' })
  t.match(decodeIpamAnswer(answer.with(15, 0)), { reason: 'ipam-answer-ranges' }, 'an empty range')
  const lent = encodeIpamAnswer({ kind: 'ipam-answer', id: 7, outcome: 'lent', lent: RETURN.returned })
  t.match(decodeIpamAnswer(lent.with(9, 0)), { reason: 'ipam-answer-loans' })
  t.match(decodeIpamReturn(encodeIpamReturn(RETURN).with(0, 33)), { reason: 'ipam-return-loans' })
})

t.test('arbitrary and mutated bytes never throw, and what is read can be written again', async t => {
  const samples = [
    ...REQUESTS.map(([one]) => encodeIpamRequest(one)),
    ...ANSWERS.map(([one]) => encodeIpamAnswer(one)),
    encodeIpamReturn(RETURN),
  ]
  const mutated = fc
    .tuple(fc.constantFrom(...samples), fc.nat(100), fc.nat(255))
    .map(([bytes, at, byte]) => bytes.with(at % bytes.length, byte))
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 64 }), mutated), bytes => {
      const request = decodeIpamRequest(bytes)
      if (!isDrop(request)) assert.deepEqual(decodeIpamRequest(encodeIpamRequest(request)), request)
      const answer = decodeIpamAnswer(bytes)
      if (!isDrop(answer)) assert.deepEqual(decodeIpamAnswer(encodeIpamAnswer(answer)), answer)
      const returned = decodeIpamReturn(bytes)
      if (!isDrop(returned)) assert.deepEqual(decodeIpamReturn(encodeIpamReturn(returned)), returned)
    }),
    { numRuns: 2000 },
  )
  t.pass('the law holds')
})
