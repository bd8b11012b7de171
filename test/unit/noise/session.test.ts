import fc from 'fast-check'
import t from 'tap'
import { nodeSuite } from '../../../lib/io/node-suite.ts'
import { identityOf } from '../../../lib/crypto/mod.ts'
import { AWAIT_FIRST_MS, HANDSHAKE_RETRY_MS, PeerSession, type SessionOutput } from '../../../lib/noise/mod.ts'
import { seededChance } from '../../support/seeded-chance.ts'
import { chanceEntropy } from '../../support/sim-randomness.ts'

const suite = nodeSuite()
const entropy = chanceEntropy(seededChance(11))
const [SMALLER, LARGER, STRANGER] = [0, 1, 2]
  .map(() => identityOf(suite, entropy.bytes(32)))
  .sort((a, b) => (a.peerId < b.peerId ? -1 : 1)) as [
  ReturnType<typeof identityOf>,
  ReturnType<typeof identityOf>,
  ReturnType<typeof identityOf>,
]

let nextIndex = 1

interface Options {
  self?: ReturnType<typeof identityOf>
  remote?: ReturnType<typeof identityOf>
  hasAes?: boolean
  meshId?: Uint8Array
  incarnation?: Uint8Array
}

function sessionOf(options: Options): PeerSession {
  return new PeerSession({
    self: options.self ?? SMALLER,
    remote: options.remote ?? LARGER,
    suite,
    entropy,
    chance: () => 0,
    meshId: options.meshId ?? new Uint8Array(16),
    incarnation: options.incarnation ?? entropy.bytes(8),
    hasAes: options.hasAes ?? true,
    allocateIndex: () => nextIndex++,
  })
}

const larger = (options: Options = {}): PeerSession => sessionOf({ self: LARGER, remote: SMALLER, ...options })

function drain(session: PeerSession): SessionOutput[] {
  const outputs: SessionOutput[] = []
  for (let output = session.pollOutput(); output !== undefined; output = session.pollOutput()) outputs.push(output)
  return outputs
}

function messageOf(outputs: readonly SessionOutput[]): Uint8Array {
  const message = outputs.find(output => output.type === 'message')
  if (message === undefined) throw new Error(`no message in ${outputs.map(output => output.type).join(' ')}`)
  return message.bytes
}

const typesOf = (outputs: readonly SessionOutput[]): string => outputs.map(output => output.type).join(' ')

/** Lets `a` initiate and brings both to a session that `b` has confirmed. */
function establish(a: PeerSession, b: PeerSession, now: number): { aIndex: number; bIndex: number } {
  a.handshakeNow(now)
  t.equal(b.handleMessage(messageOf(drain(a)), now), undefined)
  const answered = drain(b)
  t.equal(a.handleMessage(messageOf(answered), now), undefined)
  const added = answered.find(output => output.type === 'add-session')
  const { receiverIndex: bIndex, remoteIndex: aIndex } = added!.session
  b.handleConfirmed(bIndex, now)
  drain(a)
  drain(b)
  return { aIndex, bIndex }
}

t.test('the outputs of a handshake come in the order to be carried out', async t => {
  const [a, b] = [sessionOf({}), larger()]
  a.start(0)
  b.start(0)
  t.match(b.pollTimeout(), { at: AWAIT_FIRST_MS, reason: 'session: awaiting initiation' })
  const first = drain(a)
  t.equal(typesOf(first), 'message')
  b.handleMessage(messageOf(first), 10)
  const second = drain(b)
  t.equal(typesOf(second), 'add-session message')
  a.handleMessage(messageOf(second), 20)
  const third = drain(a)
  t.equal(typesOf(third), 'add-session seal-with established confirm')
  t.equal(b.report(20).isEstablished, false)
  const [added] = second as [Extract<SessionOutput, { type: 'add-session' }>]
  b.handleConfirmed(added.session.receiverIndex, 30)
  t.equal(typesOf(drain(b)), 'seal-with established')
  b.handleConfirmed(added.session.receiverIndex, 31)
  t.equal(typesOf(drain(b)), '')
  t.match(b.report(130), { isEstablished: true, epochAgeMs: 120, rekeys: 0, lastFailure: undefined })
  const mine = (third[0] as Extract<SessionOutput, { type: 'add-session' }>).session
  t.strictSame(mine.sendKey, added.session.receiveKey)
  t.strictSame(mine.receiveKey, added.session.sendKey)
})

for (const [ours, theirs, cipher] of [
  [true, true, 'aes-256-gcm'],
  [true, false, 'chacha20-poly1305'],
  [false, true, 'chacha20-poly1305'],
  [false, false, 'chacha20-poly1305'],
] as const) {
  t.test(`AES ${ours ? 'here' : 'not here'} and ${theirs ? 'there' : 'not there'} gives ${cipher}`, async t => {
    const [a, b] = [sessionOf({ hasAes: ours }), larger({ hasAes: theirs })]
    establish(a, b, 0)
    t.equal(a.report(0).cipher, cipher)
    t.equal(b.report(0).cipher, cipher)
  })
}

t.test('the larger end initiates by itself when nothing came in time, soon again and then ever later', async t => {
  const b = larger()
  b.start(0)
  b.handleTimeout(AWAIT_FIRST_MS - 1)
  t.equal(typesOf(drain(b)), '')
  const gaps: number[] = []
  for (let last = 0; gaps.length < 8;) {
    const { at } = b.pollTimeout()!
    b.handleTimeout(at)
    t.equal(typesOf(drain(b)), 'message')
    t.match(b.pollTimeout(), { reason: 'session: handshake retry' })
    gaps.push(at - last)
    last = at
  }
  t.same(gaps, [AWAIT_FIRST_MS, 300, 600, 1_200, 2_400, 4_800, HANDSHAKE_RETRY_MS, HANDSHAKE_RETRY_MS])
})

t.test('the smaller end drops the others initiation while its own is under way', async t => {
  const [a, b] = [sessionOf({}), larger()]
  a.handshakeNow(0)
  b.handshakeNow(0)
  t.match(a.handleMessage(messageOf(drain(b)), 1), { reason: 'session-yield' })
  t.equal(b.handleMessage(messageOf(drain(a)), 1), undefined)
  t.equal(b.report(1).isHandshaking, false)
})

t.test('a replayed initiation is dropped, and so is one overtaken by a later', async t => {
  const [a, b] = [sessionOf({}), larger()]
  a.handshakeNow(0)
  const older = messageOf(drain(a))
  a.handleTimeout(5_000)
  const newer = messageOf(drain(a))
  t.equal(b.handleMessage(newer, 5_001), undefined)
  drain(b)
  t.match(b.handleMessage(newer, 5_002), { reason: 'session-replay' })
  t.match(b.handleMessage(older, 5_002), { reason: 'session-replay' })
  t.equal(typesOf(drain(b)), '')
})

t.test('an initiation of an earlier life does not push out what the present life is to confirm', async t => {
  const b = larger()
  const before = sessionOf({})
  before.handshakeNow(0)
  const recorded = messageOf(drain(before))
  const a = sessionOf({})
  establish(a, b, 100)
  const live = b.report(100).remoteIncarnation
  a.handshakeNow(120_100)
  b.handleMessage(messageOf(drain(a)), 120_100)
  const answered = drain(b)
  t.match(b.handleMessage(recorded, 120_101), { reason: 'session-busy' })
  a.handleMessage(messageOf(answered), 120_102)
  const added = answered.find(output => output.type === 'add-session')!
  b.handleConfirmed(added.session.receiverIndex, 120_103)
  t.equal(typesOf(drain(b)), 'seal-with established')
  // Later the replay is answered, but changes neither the sealing keys nor what is known of the remote.
  t.equal(b.handleMessage(recorded, 130_000), undefined)
  t.equal(typesOf(drain(b)), 'add-session message')
  t.equal(b.report(130_000).remoteIncarnation, live)
  t.equal(b.report(130_000).epochAgeMs, 9_900)
})

t.test('forged, foreign and late responses are dropped, and the true one still counts', async t => {
  const [a, b] = [sessionOf({}), larger()]
  a.handshakeNow(0)
  b.handleMessage(messageOf(drain(a)), 0)
  const response = messageOf(drain(b))
  const forged = response.slice()
  forged[forged.length - 1]! ^= 1
  t.match(a.handleMessage(forged, 1), { reason: 'handshake-auth' })
  const misdirected = response.slice()
  misdirected[4]! ^= 0x80
  t.match(a.handleMessage(misdirected, 1), { reason: 'session-unexpected' })
  t.equal(a.handleMessage(response, 2), undefined)
  t.match(a.handleMessage(response, 3), { reason: 'session-unexpected' })
})

t.test('nobody else can take the remotes place, nor the same peer from another mesh', async t => {
  const b = larger()
  const stranger = sessionOf({ self: STRANGER, remote: LARGER })
  stranger.handshakeNow(0)
  t.match(b.handleMessage(messageOf(drain(stranger)), 0), { reason: 'handshake-auth' })
  const posing = sessionOf({ self: { ...STRANGER, peerId: SMALLER.peerId }, remote: LARGER })
  posing.handshakeNow(0)
  t.match(b.handleMessage(messageOf(drain(posing)), 0), { reason: 'session-impostor' })
  const elsewhere = sessionOf({ meshId: new Uint8Array(16).fill(1) })
  elsewhere.handshakeNow(0)
  t.match(b.handleMessage(messageOf(drain(elsewhere)), 0), { reason: 'handshake-auth' })
  t.equal(typesOf(drain(b)), '')
  t.equal(b.pollTimeout(), undefined)
})

t.test('a restart of the remote forgets all keys but those of its new life', async t => {
  const [a, b] = [sessionOf({}), larger()]
  const { bIndex } = establish(a, b, 0)
  b.restart(1_000)
  t.strictSame(drain(b), [
    { type: 'seal-with', receiverIndex: 0 },
    { type: 'remove-session', receiverIndex: bIndex },
  ])
  t.match(b.pollTimeout(), { reason: 'session: awaiting initiation' })

  const incarnation = entropy.bytes(8)
  const again = sessionOf({ incarnation })
  establish(again, b, 2_000)
  b.restart(3_000, incarnation)
  t.equal(typesOf(drain(b)), '')
  t.equal(b.report(3_000).isEstablished, true)
  b.restart(4_000, entropy.bytes(8))
  t.equal(typesOf(drain(b)), 'seal-with remove-session')
})

t.test('after stop it is silent until it is started', async t => {
  const [a, b] = [sessionOf({}), larger()]
  const { aIndex } = establish(a, b, 0)
  a.stop()
  t.strictSame(drain(a), [
    { type: 'seal-with', receiverIndex: 0 },
    { type: 'remove-session', receiverIndex: aIndex },
  ])
  t.equal(a.pollTimeout(), undefined)
  b.handshakeNow(2)
  t.match(a.handleMessage(messageOf(drain(b)), 2), { reason: 'session-stopped' })
  a.start(3)
  t.equal(typesOf(drain(a)), 'message')
})

t.test('the responder renews the keys at 165 s when the initiator did not', async t => {
  const [a, b] = [sessionOf({}), larger()]
  establish(b, a, 0)
  a.handleTimeout(164_999)
  t.equal(typesOf(drain(a)), '')
  a.handleTimeout(165_000)
  t.equal(typesOf(drain(a)), 'message')
})

t.test('an attempt given up for the others is made again when nothing came of that', async t => {
  const [a, b] = [sessionOf({}), larger()]
  establish(b, a, 0)
  b.handleTimeout(120_000)
  drain(b)
  a.handshakeNow(120_000)
  b.handleMessage(messageOf(drain(a)), 120_001)
  drain(b)
  b.handleTimeout(165_000)
  t.equal(typesOf(drain(b)), 'message')
})

t.test('no bytes make a session throw, nor act', async t => {
  const [a, b] = [sessionOf({}), larger()]
  a.handshakeNow(0)
  const initiation = messageOf(drain(a))
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), bytes => {
      t.ok(b.handleMessage(bytes, 0) !== undefined)
      t.ok(a.handleMessage(bytes, 0) !== undefined)
    }),
    { numRuns: 100 },
  )
  fc.assert(
    fc.property(fc.nat(initiation.length - 9), fc.integer({ min: 1, max: 255 }), (at, by) => {
      const mutated = initiation.slice()
      mutated[8 + at]! ^= by
      t.ok(b.handleMessage(mutated, 0) !== undefined)
    }),
    { numRuns: 60 },
  )
  t.equal(typesOf(drain(a)) + typesOf(drain(b)), '')
})
