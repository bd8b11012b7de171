import t from 'tap'
import { stablelibSuite } from '../../lib/crypto/stablelib-suite.ts'
import { systemEntropy } from '../../lib/io/entropy.ts'
import { nodeSuite } from '../../lib/io/node-suite.ts'
import { cryptoSuiteCompliance, cryptoSuitesAgree } from './crypto-suite.ts'

t.test('the suite in TypeScript', async t => {
  cryptoSuiteCompliance(t, stablelibSuite)
})

t.test('the suite of the runtime', async t => {
  cryptoSuiteCompliance(t, nodeSuite())

  t.test('still verifies after more signers than it keeps keys of', async t => {
    const suite = nodeSuite()
    const message = new Uint8Array(8)
    const seedOf = (n: number): Uint8Array => new Uint8Array(32).fill(n & 0xff).fill(n >> 8, 0, 1)
    for (let n = 0; n < 600; n++) {
      const seed = seedOf(n)
      if (!suite.verify(suite.signingPublicKey(seed), message, suite.sign(seed, message))) t.fail(`signer ${n}`)
    }
    t.equal(suite.verify(suite.signingPublicKey(seedOf(0)), message, suite.sign(seedOf(0), message)), true)
  })
})

t.test('both suites', async t => {
  cryptoSuitesAgree(t, stablelibSuite, nodeSuite())
})

t.test('the entropy of the system gives as many bytes as asked for, and never the same', async t => {
  t.equal(systemEntropy.bytes(0).length, 0)
  t.equal(systemEntropy.bytes(33).length, 33)
  t.notSame(systemEntropy.bytes(32), systemEntropy.bytes(32))
})
