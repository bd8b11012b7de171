import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { toHex } from '../../../lib/base/bytes.ts'
import { isDrop } from '../../../lib/base/drop.ts'
import {
  decodeIpamAnswer,
  decodeIpamRequest,
  encodeIpamAnswer,
  encodeIpamRequest,
  type IpamAnswer,
  type IpamRequest,
} from '../../../lib/wire/ipam-message.ts'

const SUBNET = { address: 0x0a200000, prefix: 12 }

const REQUESTS: [IpamRequest, string][] = [
  [{ kind: 'ipam-request', id: 0x0102030405, subnet: SUBNET }, '0504030201000000' + '0000200a' + '0c' + '00'],
  [
    { kind: 'ipam-request', id: 1, subnet: SUBNET, block: 16383 },
    '0100000000000000' + '0000200a' + '0c' + '01' + 'ff3f0000',
  ],
]

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
  [{ kind: 'ipam-answer', id: 7, outcome: 'denied', free: 61 }, '0700000000000000' + '02' + '3d000000'],
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

t.test('every truncation is dropped', async t => {
  for (const [request] of REQUESTS) {
    const bytes = encodeIpamRequest(request)
    for (let length = 0; length < bytes.length; length++) t.ok(isDrop(decodeIpamRequest(bytes.subarray(0, length))))
  }
  for (const [answer] of ANSWERS) {
    const bytes = encodeIpamAnswer(answer)
    for (let length = 0; length < bytes.length; length++) t.ok(isDrop(decodeIpamAnswer(bytes.subarray(0, length))))
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
  const answer = encodeIpamAnswer(ANSWERS[0]![0])
  t.match(decodeIpamAnswer(answer.with(8, 3)), { reason: 'ipam-answer-kind' })
  t.match(decodeIpamAnswer(answer.with(9, 0)), { reason: 'ipam-answer-ranges' })
  t.match(decodeIpamAnswer(answer.with(9, 17)), { reason: 'ipam-answer-ranges' })
  t.match(decodeIpamAnswer(answer.with(15, 0)), { reason: 'ipam-answer-ranges' }, 'an empty range')
})

t.test('arbitrary and mutated bytes never throw, and what is read can be written again', async t => {
  const samples = [...REQUESTS.map(([one]) => encodeIpamRequest(one)), ...ANSWERS.map(([one]) => encodeIpamAnswer(one))]
  const mutated = fc
    .tuple(fc.constantFrom(...samples), fc.nat(100), fc.nat(255))
    .map(([bytes, at, byte]) => bytes.with(at % bytes.length, byte))
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 64 }), mutated), bytes => {
      const request = decodeIpamRequest(bytes)
      if (!isDrop(request)) assert.deepEqual(decodeIpamRequest(encodeIpamRequest(request)), request)
      const answer = decodeIpamAnswer(bytes)
      if (!isDrop(answer)) assert.deepEqual(decodeIpamAnswer(encodeIpamAnswer(answer)), answer)
    }),
    { numRuns: 2000 },
  )
  t.pass('the law holds')
})
