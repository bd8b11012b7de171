import t from 'tap'
import { HEALTH_CALM_MS, HEALTH_SCORE_MAX, STALL_MS } from '../../../lib/node/constants.ts'
import { LocalHealth } from '../../../lib/node/local-health.ts'

t.test('who wakes in time was there; who wakes late was not, for as long as it is late', t => {
  const health = new LocalHealth()
  t.equal(health.attend(1_000), 0, 'nothing was expected')
  health.expect(2_000)
  t.equal(health.attend(2_000 + STALL_MS - 1), 0)
  health.expect(5_000)
  t.equal(health.attend(65_000), 60_000)
  t.equal(health.attend(66_000), 0, 'it counts once')
  health.expect(undefined)
  t.equal(health.attend(900_000), 0)
  t.end()
})

t.test('what was due in the past when it was asked for is late from then on only', t => {
  const health = new LocalHealth()
  health.attend(100_000)
  health.expect(1_000)
  t.equal(health.attend(100_001), 0)
  t.end()
})

t.test('each stall makes it more patient, up to a limit, and calm takes it back', t => {
  const health = new LocalHealth()
  t.equal(health.patience, 1)
  let now = 0
  for (let i = 0; i < 3 * HEALTH_SCORE_MAX; i++) {
    health.expect(now)
    now += STALL_MS
    health.attend(now)
  }
  t.equal(health.patience, 1 + HEALTH_SCORE_MAX / 2)
  for (let i = 0; i < HEALTH_SCORE_MAX; i++) health.attend((now += HEALTH_CALM_MS))
  t.equal(health.patience, 1)
  t.end()
})
