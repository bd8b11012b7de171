import t from 'tap'
import { RequestIds } from '../../../lib/ipam/request-ids.ts'
import { seededChance } from '../../support/seeded-chance.ts'

/** Ids of a run that begins on `stored`, and what it stores. */
function begun(seed: number, stored?: Uint8Array) {
  const kept: Uint8Array[] = []
  const ids = new RequestIds(seededChance(seed), value => kept.push(value))
  if (stored !== undefined) ids.restore(stored)
  return { ids, kept }
}

t.test('ids grow, over restarts too', async t => {
  const first = begun(1)
  const used = [first.ids.take(), first.ids.take()]
  const second = begun(2, first.kept.at(-1)!)
  used.push(second.ids.take(), second.ids.take())
  t.same(
    used,
    [...used].sort((a, b) => a - b),
  )
  t.equal(new Set(used).size, 4)
})

t.test('two lives that begin on the same store share no ids', async t => {
  const first = begun(1)
  first.ids.take()
  const [one, other] = [2, 3].map(seed => begun(seed, first.kept.at(-1)!).ids)
  const taken = new Set(Array.from({ length: 100 }, () => one!.take()))
  for (let count = 0; count < 100; count++) t.notOk(taken.has(other!.take()))
})

t.test('what others know of is leapt over, up to a bound', async t => {
  const { ids } = begun(1)
  const id = ids.take()
  ids.leapAbove(id + 5)
  t.equal(ids.take(), id + 6)
  ids.leapAbove(2 ** 51)
  t.equal(ids.take(), id + 7)
})

t.test('what is stored and not an id is refused', async t => {
  t.equal(begun(1).ids.restore(new Uint8Array(3)), false)
})
