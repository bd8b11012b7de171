import t from 'tap'
import { TURN_GOES_MAX, TURN_MS_MAX, Turns } from '../../../lib/io/turns.ts'

const nextTurn = () => new Promise<void>(resolve => setImmediate(resolve))

t.test('those who wait go one after the other, each so often in a turn', async t => {
  const turns = new Turns(() => 0)
  const went: string[] = []
  const worker = (name: string, goes: number) => () => {
    went.push(name)
    return --goes > 0
  }
  turns.add(worker('a', 6))
  turns.add(worker('b', 2))
  t.strictSame(went, [], 'never at once')
  await nextTurn()
  t.strictSame(went, ['a', 'b', 'a', 'b', 'a', 'a'])
  t.equal(went.filter(name => name === 'a').length, TURN_GOES_MAX)
  await nextTurn()
  t.equal(went.filter(name => name === 'a').length, 6)
})

t.test('a turn ends when its time is up, and whoever was left out is first in the next', async t => {
  let now = 0
  const turns = new Turns(() => now)
  const went: string[] = []
  for (const name of ['a', 'b', 'c'])
    turns.add(() => {
      went.push(name)
      now += TURN_MS_MAX / 2
      return went.length < 6
    })
  await nextTurn()
  t.strictSame(went, ['a', 'b'])
  await nextTurn()
  t.strictSame(went, ['a', 'b', 'c', 'a'])
})

t.test('is taken in once, and is idle without work', async t => {
  const turns = new Turns(() => 0)
  let goes = 0
  const go = () => {
    goes++
    return false
  }
  turns.add(go)
  turns.add(go)
  await nextTurn()
  t.equal(goes, 1)
  await nextTurn()
  t.equal(goes, 1)
  turns.add(go)
  await nextTurn()
  t.equal(goes, 2)
})
