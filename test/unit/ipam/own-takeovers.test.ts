import t from 'tap'
import { TAKEOVERS_PER_PEER_MAX } from '../../../lib/ipam/constants.ts'
import { OwnTakeovers } from '../../../lib/ipam/own-takeovers.ts'

const VALUE = Uint8Array.of(1, 2)
const key = (byte: number) => new Uint8Array(16).fill(byte)
const id = (byte: number) => byte.toString(16).padStart(2, '0').repeat(16)

t.test('tells once what is to be published and what is to be removed, the last word on each', async t => {
  const own = new OwnTakeovers()
  own.publish(id(1), VALUE)
  own.publish(id(2), VALUE)
  t.ok(own.remove(id(2)))
  t.same([own.has(id(1)), own.has(id(2))], [true, false])
  t.same(own.takeChanges(), [
    { kind: 'takeover', key: key(1), value: VALUE },
    { kind: 'takeover', key: key(2), value: undefined },
  ])
  t.same(own.takeChanges(), [])
  t.notOk(own.remove(id(2)), 'it is none any more')
  own.clear()
  t.same(own.takeChanges(), [{ kind: 'takeover', key: key(1), value: undefined }])
})

t.test('what the ledger says it holds, or no longer, is nothing to publish', async t => {
  const own = new OwnTakeovers()
  own.note(id(1))
  t.ok(own.has(id(1)))
  t.ok(own.forget(id(1)))
  t.notOk(own.forget(id(1)))
  t.same(own.takeChanges(), [])
})

t.test('is full with as many as others listen to', async t => {
  const own = new OwnTakeovers()
  for (let i = 0; i < TAKEOVERS_PER_PEER_MAX; i++) {
    t.notOk(own.isFull, `${i}`)
    own.note(id(i))
  }
  t.ok(own.isFull)
  own.forget(id(0))
  t.notOk(own.isFull)
})
