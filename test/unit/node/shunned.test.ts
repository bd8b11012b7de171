import t from 'tap'
import { SHUNNED_MAX, SHUN_FIRST_MS, SHUN_LAST_MS, SHUN_MEMORY_MS } from '../../../lib/node/constants.ts'
import { Shunned } from '../../../lib/node/shunned.ts'
import { peerNumber as p } from '../../support/graphs.ts'

t.test('a peer is shunned for a while, and for twice as long each time, up to a limit', async t => {
  const shunned = new Shunned()
  t.equal(shunned.leftMs(p(1), 0), 0)
  let now = 0
  for (let pause = SHUN_FIRST_MS; pause < SHUN_LAST_MS; pause *= 2) {
    t.equal(shunned.shun(p(1), now), pause)
    t.equal(shunned.leftMs(p(1), now + 1), pause - 1)
    t.equal(shunned.leftMs(p(2), now), 0, 'others are not')
    now += pause
    t.equal(shunned.leftMs(p(1), now), 0)
  }
  for (let again = 0; again < 3; again++) t.equal(shunned.shun(p(1), now), SHUN_LAST_MS)
})

t.test('what it did is forgotten in the end', async t => {
  const shunned = new Shunned()
  shunned.shun(p(1), 0)
  t.equal(shunned.shun(p(1), SHUN_FIRST_MS + SHUN_MEMORY_MS - 1), 2 * SHUN_FIRST_MS)
  t.equal(shunned.shun(p(1), SHUN_MEMORY_MS * 3), SHUN_FIRST_MS)
})

t.test('of too many the one that was shunned longest ago is forgotten', async t => {
  const shunned = new Shunned()
  for (let number = 0; number < SHUNNED_MAX; number++) shunned.shun(p(number), 0)
  shunned.shun(p(0), 1)
  shunned.shun(p(SHUNNED_MAX), 1)
  t.equal(shunned.leftMs(p(1), 2), 0)
  for (const number of [0, 2, SHUNNED_MAX]) t.ok(shunned.leftMs(p(number), 2) > 0, `${number} is not`)
})
