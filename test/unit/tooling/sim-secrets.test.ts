import t from 'tap'
import { nodeSuite } from '../../../lib/io/node-suite.ts'
import { SimSecrets, secretsMemory } from '../../support/sim-secrets.ts'

const suite = nodeSuite()

function counted(secrets: SimSecrets, secret: number) {
  const key = suite.exchangeKey(new Uint8Array(32).fill(secret))
  let computed = 0
  const exchange = (other: Uint8Array) => {
    computed++
    return key.exchange(other)
  }
  const kept = secrets.remembering({ publicKey: key.publicKey, exchange })
  return { publicKey: key.publicKey, exchange: kept.exchange, computed: () => computed }
}

void t.test('the second end of a pair finds what the first one computed, also by other views of the memory', t => {
  const memory = secretsMemory()
  const [one, two, three] = [1, 2, 3].map(secret => counted(new SimSecrets(memory), secret)) as [Kept, Kept, Kept]
  const shared = one.exchange(two.publicKey)
  t.same(shared, suite.exchange(new Uint8Array(32).fill(1), two.publicKey))
  t.same(two.exchange(one.publicKey), shared)
  t.same([one.computed(), two.computed()], [1, 0])
  t.notSame(three.exchange(one.publicKey), shared)
  t.equal(three.computed(), 1)
  t.end()
})

void t.test('a pair that falls on the place of another is computed, and so is what is no key', t => {
  const secrets = new SimSecrets()
  const one = counted(secrets, 1)
  const other = suite.exchangeKey(new Uint8Array(32).fill(2)).publicKey
  const neighbour = Uint8Array.from(other)
  neighbour[20]! ^= 1
  const shared = one.exchange(other)
  t.notSame(one.exchange(neighbour), shared)
  t.same(one.exchange(other), shared)
  t.equal(one.computed(), 3)
  t.equal(one.exchange(new Uint8Array(32)), undefined)
  t.equal(one.exchange(new Uint8Array(32)), undefined)
  t.equal(one.computed(), 5)
  t.end()
})

type Kept = ReturnType<typeof counted>
