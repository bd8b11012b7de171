import t from 'tap'
import { toHex } from '../../../lib/base/mod.ts'
import { identityOf, stablelibSuite as suite } from '../../../lib/crypto/mod.ts'
import { ORIGIN_KEYS_PER_TURN } from '../../../lib/node/constants.ts'
import type { NodeContext } from '../../../lib/node/context.ts'
import { OriginKeys } from '../../../lib/node/origin-keys.ts'
import type { NodeOutput } from '../../../lib/node/outputs.ts'
import type { PeerId } from '../../../lib/address/mod.ts'

const identities = Array.from({ length: 2 + ORIGIN_KEYS_PER_TURN }, (_, at) =>
  identityOf(suite, new Uint8Array(32).fill(at + 1)),
)
const start = (byte: number) => new Uint8Array(8).fill(byte)

/** One of the peers, which knows all others by their places. */
function host(self: number) {
  const given: string[][] = []
  const context = {
    config: { suite, identity: identities[self], incarnation: start(self) },
    neighbours: { neighbour: () => undefined },
    ledger: { signingPublicOf: (peer: PeerId) => identities.find(({ peerId }) => peerId === peer)?.signingPublic },
    view: {
      indexOf: (peer: PeerId) => {
        const index = identities.findIndex(({ peerId }) => peerId === peer)
        return index < 0 ? undefined : index
      },
    },
    emit(output: NodeOutput) {
      if (output.type !== 'engine' || output.op.op !== 'set-origin-keys') return t.fail(output.type)
      given.push([String(output.op.peerIndex), toHex(output.op.to), toHex(output.op.from)])
    },
  } as unknown as NodeContext
  return { keys: new OriginKeys(context), given }
}

const [ONE, TWO] = identities.map(({ peerId }) => peerId)

t.test('two peers come to the same keys, one for each direction, and to others after a restart of either', async t => {
  const [one, two] = [host(0), host(1)]
  t.equal(one.keys.pollTimeout(), undefined)
  one.keys.handleStart(TWO!, start(1), 5)
  t.match(one.keys.pollTimeout(), { at: 5 })
  t.equal(one.keys.keyedAt(TWO!), undefined)
  one.keys.handleTimeout(5)
  two.keys.handleStart(ONE!, start(0), 6)
  two.keys.handleTimeout(6)
  const [, to, from] = one.given[0]!
  t.same(two.given, [['0', from, to]])
  t.not(to, from)
  t.equal(one.keys.keyedAt(TWO!), 5)
  one.keys.handleStart(TWO!, start(1), 7)
  t.equal(one.keys.pollTimeout(), undefined, 'the same number is no news')
  one.keys.handleStart(TWO!, start(9), 8)
  t.equal(one.keys.keyedAt(TWO!), undefined)
  one.keys.handleTimeout(8)
  t.equal(one.given.length, 2)
  t.not(one.given[1]![1], to)
  t.equal(one.keys.keyedAt(TWO!), 8)
})

t.test('of many only a few are made in one turn, and of who is forgotten none', async t => {
  const { keys, given } = host(0)
  for (const { peerId } of identities.slice(1)) keys.handleStart(peerId, start(3), 0)
  keys.handleTimeout(0)
  t.equal(given.length, ORIGIN_KEYS_PER_TURN)
  t.match(keys.pollTimeout(), { at: 1 })
  keys.forget(identities.at(-1)!.peerId)
  keys.handleTimeout(1)
  t.equal(given.length, ORIGIN_KEYS_PER_TURN)
  t.equal(keys.pollTimeout(), undefined)
})
