import t from 'tap'
import { FIRST_MESSAGES_MAX, FirstMessages } from '../../../lib/noise/mod.ts'

const message = (number: number) => {
  const bytes = new Uint8Array(48)
  new DataView(bytes.buffer).setUint32(0, number)
  return bytes
}

t.test('a message is known by its ephemeral key, the first 32 bytes', async t => {
  const memory = new FirstMessages()
  t.notOk(memory.has(message(1)))
  memory.note(message(1))
  t.ok(memory.has(message(1)))
  const tagged = message(1)
  tagged[40] = 1
  t.ok(memory.has(tagged), 'what is behind the key does not make it another message')
  t.notOk(memory.has(message(2)))
  t.notOk(memory.has(new Uint8Array(0)))
})

t.test('the newest are remembered, and no more than the limit', async t => {
  const memory = new FirstMessages()
  for (let i = 0; i < FIRST_MESSAGES_MAX + 10; i++) memory.note(message(i))
  t.equal(memory.size, FIRST_MESSAGES_MAX)
  t.notOk(memory.has(message(9)))
  t.ok(memory.has(message(10)))
  t.ok(memory.has(message(FIRST_MESSAGES_MAX + 9)))
})
