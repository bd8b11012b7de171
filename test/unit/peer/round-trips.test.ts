import t from 'tap'
import { ROUND_TRIPS_KEPT } from '../../../lib/peer/constants.ts'
import { RoundTrips } from '../../../lib/peer/round-trips.ts'

t.test('one slow answer does not change the round-trip time', async t => {
  const trips = new RoundTrips()
  t.equal(trips.add(12), 12)
  t.equal(trips.add(3), 3)
  t.equal(trips.add(80), 3)
  t.equal(trips.add(2), 2, 'a faster one does at once')
})

t.test('a way that became longer shows when all that is remembered is of it', async t => {
  const trips = new RoundTrips()
  trips.add(1)
  for (let more = 1; more < ROUND_TRIPS_KEPT; more++) t.equal(trips.add(50 + more), 1)
  t.equal(trips.add(70), 51)
})

t.test('what the far side tells is not below the least that was measured here', async t => {
  const trips = new RoundTrips()
  trips.add(40)
  t.equal(trips.told(0), 40)
  t.equal(trips.told(90), 40)
  for (let more = 0; more < ROUND_TRIPS_KEPT; more++) trips.told(55)
  t.equal(trips.told(55), 55, 'a longer way is believed')
})
