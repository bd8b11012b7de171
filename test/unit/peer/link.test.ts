import t from 'tap'
import fc from 'fast-check'
import { concatBytes, utf8 } from '../../../lib/base/mod.ts'
import {
  EARLY_PINGS,
  EARLY_PING_INTERVAL_MS,
  HANDSHAKE_DEADLINE_MS,
  HANDSHAKE_FRAME_BYTES_MAX,
  PING_BURST,
  LINK_SILENCE_MS,
  PING_INTERVAL_MS,
  PING_SPARED_MS,
  ROUND_TRIPS_KEPT,
} from '../../../lib/peer/mod.ts'
import type { CryptoSuite } from '../../../lib/crypto/mod.ts'
import { FirstMessages } from '../../../lib/noise/mod.ts'
import {
  LINK_MESSAGE_BYTES_MAX,
  encodeGoodbye,
  encodeLedger,
  encodePing,
  encodePreamble,
} from '../../../lib/wire/mod.ts'
import { seededEntropy } from '../../support/sim-randomness.ts'
import { LinkSide, exchange, helloOf, identity, linkConfig, linkPair, secretOf, suite } from './link-pair.ts'

t.test('two links that share a secret come up, each knowing the other', t => {
  const pair = linkPair()
  exchange(pair)
  t.equal(pair.dialler.said1('up')?.peerId, identity('bob').peerId)
  t.equal(pair.listener.said1('up')?.peerId, identity('ada').peerId)
  t.equal(pair.dialler.said1('up')?.hello.nickname, 'bob')
  t.equal(pair.listener.said1('up')?.hello.nickname, 'ada')
  t.ok(pair.dialler.link.isUp && pair.listener.link.isUp)
  t.end()
})

t.test('comes up whatever pieces the stream falls into', t => {
  const one = linkPair()
  exchange(one, 0, bytes => Array.from(bytes, byte => Uint8Array.of(byte)))
  t.ok(one.dialler.link.isUp && one.listener.link.isUp, 'byte by byte')
  for (let at = 1; at < 400; at += 7) {
    const pair = linkPair()
    exchange(pair, 0, bytes => [bytes.subarray(0, at), bytes.subarray(at)].filter(piece => piece.length > 0))
    t.ok(pair.dialler.link.isUp && pair.listener.link.isUp, `cut at ${at}`)
  }
  t.end()
})

t.test('carries messages both ways, in order, and nothing of them in clear', t => {
  const pair = linkPair()
  exchange(pair)
  const bodies = [utf8('first secret body'), new Uint8Array(LINK_MESSAGE_BYTES_MAX - 1).fill(5)]
  for (const body of bodies) pair.dialler.link.send(encodeLedger('ledger-delta', body))
  pair.dialler.drain()
  t.notOk(pair.dialler.written.some(bytes => Buffer.from(bytes).includes('first secret body')))
  exchange(pair)
  const got = pair.listener.said.flatMap(output => (output.type === 'message' ? [output.message] : []))
  t.same(
    got,
    bodies.map(body => ({ type: 'ledger-delta', body })),
  )
  pair.listener.link.send(encodeGoodbye(1, 'bye'))
  pair.listener.drain()
  exchange(pair)
  t.same(pair.dialler.said1('message')?.message, { type: 'goodbye', code: 1, text: 'bye' })
  t.end()
})

t.test('with another secret both sides go down and say that it is the secret', t => {
  const other = linkPair({ secrets: [secretOf(9)] })
  exchange(other)
  t.equal(other.listener.downReason, 'secret-mismatch')
  t.equal(other.dialler.downReason, 'refused-secret')
  const sameHint = linkPair({ secrets: [{ ...secretOf(7), psk: new Uint8Array(32).fill(9) }] })
  exchange(sameHint)
  t.equal(sameHint.listener.downReason, 'secret-mismatch', 'an equal hint proves nothing')
  t.equal(sameHint.dialler.downReason, 'refused-secret')
  t.end()
})

t.test('accepts each of two live secrets', t => {
  const pair = linkPair({ secrets: [secretOf(9)] }, { secrets: [secretOf(7), secretOf(9)] })
  exchange(pair)
  t.ok(pair.dialler.link.isUp && pair.listener.link.isUp)
  t.end()
})

t.test('refuses a dialler of other protocol versions with a word that it understands', t => {
  const listener = new LinkSide(linkConfig('responder'))
  listener.receive(encodePreamble({ versionMin: 200, versionMax: 201, secretHint: secretOf(7).hint }))
  t.equal(listener.downReason, 'version-mismatch')
  const dialler = new LinkSide(linkConfig('initiator'))
  dialler.receive(listener.take())
  t.equal(dialler.downReason, 'refused-version')
  t.end()
})

t.test('turns a foreign protocol away with its first bytes', t => {
  const listener = new LinkSide(linkConfig('responder'))
  listener.receive(utf8('GET'))
  t.equal(listener.downReason, 'not-weave')
  t.equal(listener.take().length, 0, 'and says nothing to it')
  t.end()
})

t.test('whoever claims the signing key of another goes down', t => {
  const pair = linkPair({ hello: helloOf(identity('mallory'), 'ada') })
  exchange(pair)
  t.equal(pair.listener.downReason, 'identity-mismatch')
  t.notOk(pair.listener.said1('up'))
  t.end()
})

t.test('a half-open connection is dropped at the deadline, wherever it stopped', t => {
  const full = linkPair()
  const first = full.dialler.take()
  for (const length of [0, 5, 16, 17, first.length]) {
    const listener = new LinkSide(linkConfig('responder'))
    if (length > 0) listener.receive(first.subarray(0, length), 3_000)
    t.equal(listener.link.pollTimeout()?.at, HANDSHAKE_DEADLINE_MS, 'bytes do not move the deadline')
    listener.link.handleTimeout(HANDSHAKE_DEADLINE_MS - 1)
    t.equal(listener.drain().downReason, undefined)
    listener.link.handleTimeout(HANDSHAKE_DEADLINE_MS)
    t.equal(listener.drain().downReason, 'handshake-deadline', `after ${length} bytes`)
    t.equal(listener.link.pollTimeout(), undefined)
  }
  t.end()
})

t.test('a frame of a length that may not be ends the link before its bytes are awaited', t => {
  const preamble = encodePreamble({ versionMin: 1, versionMax: 1, secretHint: secretOf(7).hint })
  const lengthOf = (value: number) => Uint8Array.of(value & 255, value >> 8)
  for (const length of [0, HANDSHAKE_FRAME_BYTES_MAX + 1, 0xffff]) {
    const listener = new LinkSide(linkConfig('responder'))
    listener.receive(concatBytes(preamble, lengthOf(length)))
    t.equal(listener.downReason, 'framing', `handshake frame of ${length}`)
  }
  const pair = linkPair()
  exchange(pair)
  pair.listener.receive(lengthOf(LINK_MESSAGE_BYTES_MAX + 17))
  t.equal(pair.listener.downReason, 'framing')
  t.end()
})

t.test('a replayed or altered message ends the link, and is not handed on', t => {
  for (const kind of ['replay', 'flip', 'drop'] as const) {
    const pair = linkPair()
    exchange(pair)
    const send = (text: string) => {
      pair.dialler.link.send(encodeLedger('ledger-delta', utf8(text)))
      return pair.dialler.drain().take()
    }
    const one = send('one')
    const two = send('two')
    if (kind !== 'drop') pair.listener.receive(one)
    const handed = pair.listener.said.filter(output => output.type === 'message').length
    if (kind === 'replay') pair.listener.receive(one)
    else if (kind === 'flip') pair.listener.receive(two.map((byte, at) => (at === 4 ? byte ^ 1 : byte)))
    else pair.listener.receive(two)
    t.equal(pair.listener.downReason, 'framing', kind)
    t.equal(pair.listener.said.filter(output => output.type === 'message').length, handed, kind)
  }
  t.end()
})

t.test('a recorded handshake brings nobody in', t => {
  const pair = linkPair()
  const first = pair.dialler.take()
  pair.listener.receive(first)
  const answer = pair.listener.take()
  pair.dialler.receive(answer)
  const third = pair.dialler.take()
  const victim = new LinkSide(linkConfig('responder', { entropy: linkConfig('initiator').entropy }))
  victim.receive(first)
  victim.receive(third)
  t.equal(victim.downReason, 'handshake-failed')
  t.notOk(victim.said1('up'))
  t.end()
})

t.test('pings, measures the round trip, and goes down when nothing was heard for too long', t => {
  const pair = linkPair()
  exchange(pair)
  t.equal(pair.dialler.said1('rtt')?.rttMs, 0)
  const lastPingAt = ROUND_TRIPS_KEPT * PING_INTERVAL_MS
  for (let sentAt = PING_INTERVAL_MS; sentAt <= lastPingAt; sentAt += PING_INTERVAL_MS) {
    pair.dialler.link.handleTimeout(sentAt)
    const ping = pair.dialler.drain().take()
    t.ok(ping.length > 0)
    pair.listener.receive(ping, sentAt + 20)
    pair.dialler.receive(pair.listener.take(), sentAt + 40)
  }
  t.same(
    pair.dialler.said.flatMap(output => (output.type === 'rtt' ? [output.rttMs] : [])),
    [...Array<number>(ROUND_TRIPS_KEPT).fill(0), 40],
    'the least of those that are kept',
  )
  const silentAt = lastPingAt + 40 + LINK_SILENCE_MS
  pair.dialler.link.handleTimeout(silentAt - 1)
  t.equal(pair.dialler.drain().downReason, undefined)
  pair.dialler.link.handleTimeout(silentAt)
  t.equal(pair.dialler.drain().downReason, 'silence')
  t.end()
})

t.test('the pings of one side are enough, and tell the other side what they measure', t => {
  const pair = linkPair()
  exchange(pair)
  const { dialler, listener } = pair
  const pings = { dialler: 0, listener: 0 }
  const untilMs = 20 * PING_INTERVAL_MS
  const wakeAt = () => Math.min(dialler.link.pollTimeout()!.at, listener.link.pollTimeout()!.at)
  for (let now = wakeAt(); now < untilMs; now = wakeAt()) {
    for (const [name, side, other] of [
      ['dialler', dialler, listener],
      ['listener', listener, dialler],
    ] as const) {
      if (now < side.link.pollTimeout()!.at) continue
      side.link.handleTimeout(now)
      const ping = side.drain().take()
      if (ping.length > 0 && now > EARLY_PINGS * EARLY_PING_INTERVAL_MS) pings[name]++
      other.receive(ping, now + 15)
      side.receive(other.take(), now + 30)
    }
  }
  t.ok(Math.min(pings.dialler, pings.listener) <= 1, JSON.stringify(pings))
  t.ok(Math.max(pings.dialler, pings.listener) >= 18, JSON.stringify(pings))
  for (const side of [dialler, listener])
    t.equal(side.said.flatMap(output => (output.type === 'rtt' ? [output.rttMs] : [])).at(-1), 30)
  for (const { link } of [dialler, listener]) t.ok(link.pollTimeout()!.at <= untilMs + PING_SPARED_MS)
  t.end()
})

t.test('a flood of pings is answered at a rate, and costs the link nothing', t => {
  const pair = linkPair()
  exchange(pair)
  const { dialler, listener } = pair
  const now = EARLY_PINGS * EARLY_PING_INTERVAL_MS
  for (let token = 0; token < 1_000; token++) dialler.link.send(encodePing(token))
  listener.take()
  listener.receive(dialler.drain().take(), now)
  const answered = listener.written.length
  t.ok(answered <= PING_BURST && answered > PING_BURST - EARLY_PINGS - 2, `${answered} answers`)
  t.ok(listener.said.some(output => output.type === 'drop' && output.reason === 'link-ping-rate'))
  t.ok(listener.link.isUp)
  t.end()
})

t.test('says down once and is inert afterwards', t => {
  const pair = linkPair()
  exchange(pair)
  pair.dialler.link.close()
  pair.dialler.link.handleClosed()
  pair.dialler.link.send(encodeGoodbye(1, ''))
  pair.dialler.link.handleTimeout(10 ** 9)
  pair.dialler.receive(utf8('anything'))
  t.equal(pair.dialler.said.filter(output => output.type === 'down').length, 1)
  t.equal(pair.dialler.take().length, 0)
  t.equal(pair.dialler.link.pollTimeout(), undefined)
  t.end()
})

t.test('never throws, whatever arrives at whatever stage, and what it holds back stays small', t => {
  const stages: ((pair: ReturnType<typeof linkPair>) => void)[] = [
    () => undefined,
    pair => void pair.listener.receive(pair.dialler.take()),
    pair => exchange(pair),
  ]
  fc.assert(
    fc.property(
      fc.nat(2),
      fc.array(fc.uint8Array({ minLength: 1, maxLength: 200 }), { maxLength: 8 }),
      (stage, pieces) => {
        const pair = linkPair()
        stages[stage]!(pair)
        for (const piece of pieces) {
          pair.listener.receive(piece)
          pair.dialler.receive(piece)
        }
        for (const side of [pair.listener, pair.dialler])
          t.ok(side.said.filter(output => output.type === 'down').length <= 1)
      },
    ),
    { numRuns: 60 },
  )
  t.end()
})

t.test('one changed byte anywhere in the handshake never lets a link come up on both sides unlike', t => {
  const clean = linkPair()
  const first = clean.dialler.take()
  clean.listener.receive(first)
  const second = clean.listener.take()
  clean.dialler.receive(second)
  const third = clean.dialler.take()
  const handshakes = [first, second, third.subarray(0, 2 + (third[0]! | (third[1]! << 8)))]
  for (const [flight, bytes] of handshakes.entries())
    for (let at = 0; at < bytes.length; at += 5) {
      const pair = linkPair()
      const spoil = (whole: Uint8Array, now: number) =>
        now === flight ? whole.map((byte, i) => (i === at ? byte ^ 0x40 : byte)) : whole
      pair.listener.receive(spoil(pair.dialler.take(), 0))
      pair.dialler.receive(spoil(pair.listener.take(), 1))
      pair.listener.receive(spoil(pair.dialler.take(), 2))
      t.notOk(pair.listener.link.isUp, `flight ${flight + 1}, byte ${at}`)
    }
  t.end()
})

/** The suite, counting exchanges of keys. */
function countingSuite(): { suite: CryptoSuite; exchanges: () => number } {
  let exchanges = 0
  const counted: CryptoSuite = {
    ...suite,
    exchangeKey(secret) {
      const key = suite.exchangeKey(secret)
      exchanges++
      const exchange = (publicKey: Uint8Array) => {
        exchanges++
        return key.exchange(publicKey)
      }
      return { publicKey: key.publicKey, exchange }
    },
  }
  return { suite: counted, exchanges: () => exchanges }
}

t.test('a first message that was heard before ends its link without an exchange of keys', t => {
  const { suite: counted, exchanges } = countingSuite()
  const firstMessages = new FirstMessages()
  const staticKey = counted.exchangeKey(new Uint8Array(32).fill(3))
  const before = exchanges()
  const listen = () => new LinkSide(linkConfig('responder', { suite: counted, staticKey, firstMessages }))
  const recorded = new LinkSide(linkConfig('initiator')).take()
  const honest = listen().receive(recorded)
  t.equal(honest.downReason, undefined)
  t.ok(honest.take().length > 0, 'the first time it is answered')
  t.equal(exchanges() - before, 3, 'one key is made, and two exchanges')
  for (let i = 0; i < 3; i++) {
    const repeat = listen().receive(recorded)
    t.equal(repeat.downReason, 'handshake-repeat')
    t.equal(repeat.take().length, 0, 'nothing is said to it')
  }
  t.equal(exchanges() - before, 3)
  const other = new LinkSide(linkConfig('initiator', { entropy: seededEntropy('another link') })).take()
  t.equal(listen().receive(other).downReason, undefined, 'another one is answered')
  t.end()
})

t.test('what does not prove the secret is not remembered, and costs no exchange of keys', t => {
  const { suite: counted, exchanges } = countingSuite()
  const firstMessages = new FirstMessages()
  const listener = new LinkSide(linkConfig('responder', { suite: counted, firstMessages }))
  const stranger = new LinkSide(linkConfig('initiator', { secrets: [{ ...secretOf(7), psk: secretOf(9).psk }] }))
  t.equal(listener.receive(stranger.take()).downReason, 'secret-mismatch')
  t.equal(firstMessages.size, 0)
  t.equal(exchanges(), 0)
  t.end()
})
