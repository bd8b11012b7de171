import t from 'tap'
import { identityOf, isCanonicalScalar, isWeakExchangeKey, peerIdOf, stablelibSuite } from '../../../lib/crypto/mod.ts'
import { hex } from '../../vectors/load.ts'

const SEED = hex('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60')

t.test('an identity follows from its seed alone', async t => {
  const identity = identityOf(stablelibSuite, SEED)
  t.strictSame(identity.signingPublic, hex('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a'))
  t.strictSame(identity.exchangePublic, stablelibSuite.exchangePublicKey(identity.signingPublic))
  t.equal(identity.peerId, 'pbe2ymcjnaf6d33wf37a2nxac4')
  t.equal(identity.peerId, peerIdOf(stablelibSuite, identity.signingPublic))
})

t.test('an identity signs what its public key verifies, also after the seed was wiped', async t => {
  const seed = SEED.slice()
  const identity = identityOf(stablelibSuite, seed)
  seed.fill(0)
  const message = new Uint8Array([1, 2, 3])
  t.equal(stablelibSuite.verify(identity.signingPublic, message, identity.sign(message)), true)
})

t.test('different seeds make different peers', async t => {
  t.not(identityOf(stablelibSuite, SEED).peerId, identityOf(stablelibSuite, new Uint8Array(32)).peerId)
})

t.test('a seed of another length is our own bug', async t => {
  t.throws(() => identityOf(stablelibSuite, new Uint8Array(31)), { name: 'AssertionError' })
})

t.test('the group order itself is no canonical scalar, one less is', async t => {
  t.equal(isCanonicalScalar(hex('edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010')), false)
  t.equal(isCanonicalScalar(hex('ecd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010')), true)
  t.equal(isCanonicalScalar(new Uint8Array(31)), false)
})

t.test('a usual exchange key is not weak', async t => {
  t.equal(isWeakExchangeKey(hex('de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f')), false)
})
