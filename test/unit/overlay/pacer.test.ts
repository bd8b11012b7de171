import t from 'tap'
import { PEER_SLOTS } from '../../../lib/overlay/constants.ts'
import { Pacer } from '../../../lib/overlay/pacer.ts'

t.test('a key is due once in each turn, also in turn 0', async t => {
  const pacer = new Pacer()
  t.ok(pacer.isDue(7, 0))
  t.notOk(pacer.isDue(7, 0))
  t.ok(pacer.isDue(8, 0), 'another key')
  t.ok(pacer.isDue(7, 1))
  t.notOk(pacer.isDue(7, 1))
})

t.test('keys that share a slot share the turn; negative ones have a slot too', async t => {
  const pacer = new Pacer()
  t.ok(pacer.isDue(3, 5))
  t.notOk(pacer.isDue(3 + PEER_SLOTS, 5))
  t.ok(pacer.isDue(3 + PEER_SLOTS, 6))
  t.ok(pacer.isDue(-2, 5))
  t.notOk(pacer.isDue(-2, 5))
  let due = 0
  for (let key = -5 * PEER_SLOTS; key < 5 * PEER_SLOTS; key++) if (pacer.isDue(key, 9)) due++
  t.equal(due, PEER_SLOTS, 'no more in one turn than there are slots')
})
