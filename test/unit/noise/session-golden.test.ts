import { hkdfSync } from 'node:crypto'
import t from 'tap'
import { concatBytes, toHex, utf8 } from '../../../lib/base/mod.ts'
import { peerIdBytes } from '../../../lib/address/mod.ts'
import { identityOf, stablelibSuite as suite } from '../../../lib/crypto/mod.ts'
import { PeerSession, type SessionKeys } from '../../../lib/noise/mod.ts'
import { hex, loadVectors } from '../../vectors/load.ts'
import { referenceHandshake } from './noise-reference.ts'

interface Golden {
  cases: { cipher: string; initiation: string; response: string; initiatorSendKey: string; responderSendKey: string }[]
}

const MESH_ID = hex('0f0e0d0c0b0a09080706050403020100')
const INITIATOR = { seed: hex('a1'.repeat(32)), ephemeral: hex('b1'.repeat(32)), incarnation: hex('c1c2c3c4c5c6c7c8') }
const RESPONDER = { seed: hex('a2'.repeat(32)), ephemeral: hex('b2'.repeat(32)), incarnation: hex('d1d2d3d4d5d6d7d8') }

function sessionOf(own: typeof INITIATOR, other: typeof INITIATOR, index: number, hasAes: boolean): PeerSession {
  const remote = identityOf(suite, other.seed)
  return new PeerSession({
    self: identityOf(suite, own.seed),
    remote,
    suite,
    entropy: { bytes: () => own.ephemeral.slice() },
    chance: () => 0,
    meshId: MESH_ID,
    incarnation: own.incarnation,
    hasAes,
    allocateIndex: () => index,
  })
}

function outputsOf(session: PeerSession): { bytes: Uint8Array; keys: SessionKeys | undefined } {
  let bytes = new Uint8Array(0) as Uint8Array
  let keys: SessionKeys | undefined
  for (let output = session.pollOutput(); output !== undefined; output = session.pollOutput()) {
    if (output.type === 'message') bytes = output.bytes
    if (output.type === 'add-session') keys = output.session
  }
  return { bytes, keys }
}

for (const { cipher, ...golden } of loadVectors<Golden>('session.json').cases) {
  t.test(`a session with ${cipher} has the golden bytes and keys, and they are those of the specification`, async t => {
    const hasAes = cipher === 'aes-256-gcm'
    const a = sessionOf(INITIATOR, RESPONDER, 0x0a0b0c0d, true)
    const b = sessionOf(RESPONDER, INITIATOR, 0x01020304, hasAes)
    a.handshakeNow(0)
    const initiation = outputsOf(a).bytes
    t.equal(b.handleMessage(initiation, 0), undefined)
    const { bytes: response, keys: responder } = outputsOf(b)
    t.equal(a.handleMessage(response, 0), undefined)
    const { keys: initiator } = outputsOf(a)
    t.equal(initiator!.cipher, cipher)

    t.strictSame(
      {
        initiation: toHex(initiation),
        response: toHex(response),
        initiatorSendKey: toHex(initiator!.sendKey),
        responderSendKey: toHex(responder!.sendKey),
      },
      golden,
    )

    const ids = [INITIATOR, RESPONDER].map(end => identityOf(suite, end.seed))
    const bit = hasAes ? '02' : '01'
    const expected = referenceHandshake({
      name: 'Noise_IK_25519_ChaChaPoly_BLAKE2b',
      prologue: concatBytes(utf8('weave-ts session 1'), MESH_ID, ...ids.map(id => peerIdBytes(id.peerId))),
      initStatic: suite.exchangeSecret(INITIATOR.seed),
      initEphemeral: INITIATOR.ephemeral,
      respStatic: suite.exchangeSecret(RESPONDER.seed),
      respEphemeral: RESPONDER.ephemeral,
      payloads: [hex('0d0c0b0a030000000100000000000000c1c2c3c4c5c6c7c8'), hex(`04030201${bit}000000d1d2d3d4d5d6d7d8`)],
    })
    t.strictSame(initiation, concatBytes(hex('010000000d0c0b0a'), expected.messages[0]!))
    t.strictSame(response, concatBytes(hex('020000000d0c0b0a'), expected.messages[1]!))
    const info = `weave-ts session key ${cipher}`
    const bound = (key: Uint8Array): Uint8Array =>
      new Uint8Array(hkdfSync('sha256', key, expected.handshakeHash, info, 32))
    t.strictSame(initiator!.sendKey, bound(expected.initiatorKey))
    t.strictSame(initiator!.receiveKey, bound(expected.responderKey))
  })
}
