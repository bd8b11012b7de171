/**
 * What strangers and members can make the main thread do: `node build/scripts/bench-handshake.js` prints the processor
 * time of each kind of first message at a responder, and of signatures.
 */
import { randomBytes } from 'node:crypto'
import { Beat } from '../lib/base/mod.ts'
import { identityOf } from '../lib/crypto/mod.ts'
import { nodeSuite } from '../lib/io/node-suite.ts'
import { FirstMessages } from '../lib/noise/mod.ts'
import { Link, type LinkConfig } from '../lib/peer/mod.ts'
import type { Hello } from '../lib/wire/mod.ts'

const ROUNDS = 400
const WARM_UP_ROUNDS = 50

const suite = nodeSuite()
const entropy = { bytes: (count: number) => new Uint8Array(randomBytes(count)) }
const psk = entropy.bytes(32)
const hint = entropy.bytes(4)
const [ada, bob] = [identityOf(suite, entropy.bytes(32)), identityOf(suite, entropy.bytes(32))]

const beat = new Beat(Math.random)

function configOf(role: LinkConfig['role'], firstMessages: FirstMessages, secret = psk): LinkConfig {
  const who = role === 'initiator' ? ada : bob
  const hello: Hello = {
    signingPublic: who.signingPublic,
    incarnation: entropy.bytes(8),
    meshId: new Uint8Array(16),
    isPristine: false,
    isUnused: false,
    version: 1,
    port: 6783,
    capabilities: 0,
    peersKnown: 1,
    nickname: role,
    software: 'bench',
  }
  const secrets = [{ psk: secret, hint }]
  return { role, suite, entropy, beat, staticKey: who.exchangeKey, firstMessages, secrets, hello }
}

function firstBytes(secret = psk): Uint8Array {
  const link = new Link(configOf('initiator', new FirstMessages(), secret), 0)
  return Buffer.concat(written(link))
}

function written(link: Link): Uint8Array[] {
  const bytes: Uint8Array[] = []
  for (let output = link.pollOutput(); output !== undefined; output = link.pollOutput())
    if (output.type === 'write') bytes.push(output.bytes)
  return bytes
}

/** Microseconds of processor time, of this thread and the runtime's helpers. */
function measure(what: string, step: (round: number) => void): void {
  for (let round = 0; round < WARM_UP_ROUNDS; round++) step(round)
  const before = process.cpuUsage()
  for (let round = 0; round < ROUNDS; round++) step(WARM_UP_ROUNDS + round)
  const { user, system } = process.cpuUsage(before)
  console.log(`${((user + system) / ROUNDS).toFixed(1).padStart(8)} µs  ${what}`)
}

const memory = new FirstMessages()
const honest = Array.from({ length: ROUNDS + WARM_UP_ROUNDS }, () => firstBytes())
const repeated = firstBytes()
new Link(configOf('responder', memory), 0).handleBytes(repeated, 0)
const foreign = firstBytes(entropy.bytes(32))
const answer = (bytes: Uint8Array) => {
  const link = new Link(configOf('responder', memory), 0)
  link.handleBytes(bytes, 0)
  return link
}

measure('first message, honest: read and answered', round => void answer(honest[round]!))
measure('first message, repeated', () => {
  if (!answer(repeated).isDown) throw new Error('a repeat was answered')
})
measure('first message, without the secret', () => {
  if (!answer(foreign).isDown) throw new Error('a stranger was answered')
})
measure('link begun by this side', () => void firstBytes())

const message = entropy.bytes(200)
const signature = ada.sign(message)
const signers = Array.from({ length: ROUNDS + WARM_UP_ROUNDS }, () => identityOf(suite, entropy.bytes(32)))
const signatures = signers.map(signer => signer.sign(message))
measure('signature', () => void ada.sign(message))
measure('verification, signer known', () => suite.verify(ada.signingPublic, message, signature))
measure('verification, signer new', round => suite.verify(signers[round]!.signingPublic, message, signatures[round]!))
