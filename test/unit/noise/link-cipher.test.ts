import t from 'tap'
import { isDrop } from '../../../lib/base/mod.ts'
import { stablelibSuite as suite } from '../../../lib/crypto/mod.ts'
import { LINK_MESSAGES_MAX, LinkCipher, counterNonce } from '../../../lib/noise/mod.ts'
import { hex } from '../../vectors/load.ts'

const A = new Uint8Array(32).fill(1)
const B = new Uint8Array(32).fill(2)

function pair(first = 0): [LinkCipher, LinkCipher] {
  return [
    new LinkCipher({ suite, sendKey: A, receiveKey: B, firstSendCounter: first }),
    new LinkCipher({ suite, sendKey: B, receiveKey: A, firstReceiveCounter: first }),
  ]
}

t.test('messages open in order, in both directions', async t => {
  const [a, b] = pair()
  for (const text of ['00', '0102', '']) {
    t.strictSame(b.open(a.seal(hex(text))), hex(text))
    t.strictSame(a.open(b.seal(hex(text))), hex(text))
  }
})

t.test('a repeated, skipped, altered or short message is dropped and the counter stays', async t => {
  const [a, b] = pair()
  const [first, second] = [a.seal(hex('01')), a.seal(hex('02'))]
  t.match(b.open(second), { reason: 'link-auth' })
  t.strictSame(b.open(first), hex('01'))
  t.match(b.open(first), { reason: 'link-auth' })
  t.match(b.open(new Uint8Array(15)), { reason: 'link-short' })
  const altered = second.slice()
  altered[0]! ^= 1
  t.match(b.open(altered), { reason: 'link-auth' })
  t.strictSame(b.open(second), hex('02'))
})

t.test('equal plaintexts never seal alike', async t => {
  const [a] = pair()
  t.notSame(a.seal(hex('00')), a.seal(hex('00')))
})

t.test('the nonce carries all 64 bits of the counter', async t => {
  t.strictSame(counterNonce(1), hex('000000000100000000000000'))
  t.strictSame(counterNonce(2 ** 32), hex('000000000000000001000000'))
  t.strictSame(counterNonce(2 ** 47 + 5), hex('000000000500000000800000'))
})

t.test('counters go on past 32 bits, where the handshake library would repeat itself', async t => {
  const [a, b] = pair(2 ** 32 - 1)
  const before = a.seal(hex('aa'))
  const after = a.seal(hex('aa'))
  t.strictSame(b.open(before), hex('aa'))
  t.strictSame(b.open(after), hex('aa'))
  t.notSame(after, new LinkCipher({ suite, sendKey: A, receiveKey: B }).seal(hex('aa')))
})

t.test('it stops for good at the limit', async t => {
  const [a, b] = pair(LINK_MESSAGES_MAX - 1)
  t.equal(a.isExhausted, false)
  t.strictSame(b.open(a.seal(hex('01'))), hex('01'))
  t.equal(a.isExhausted, true)
  t.equal(b.isExhausted, true)
  t.equal(a.seal(hex('01')).length, 0)
  t.match(b.open(new Uint8Array(40)), { reason: 'link-exhausted' })
  t.equal(isDrop(b.open(a.seal(hex('01')))), true)
})

t.test('a first counter above the limit is a bug of ours', async t => {
  t.throws(() => pair(LINK_MESSAGES_MAX + 1), { name: 'AssertionError' })
})
