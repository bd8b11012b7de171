import fc from 'fast-check'
import t from 'tap'
import { AnswerReader } from '../../../lib/api/answer-reader.ts'

const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Two: a: b \r\n\r\nhello'

/** What a reader makes of bytes that come in pieces of these sizes, the last one again and again. */
function read(bytes: Buffer, sizes: readonly number[]) {
  const reader = new AnswerReader()
  const body: Buffer[] = []
  for (let at = 0, piece = 0; at < bytes.length; piece++) {
    const size = sizes[Math.min(piece, sizes.length - 1)]!
    body.push(reader.push(bytes.subarray(at, at + size)))
    at += size
  }
  return { head: reader.head, isComplete: reader.isComplete, body: Buffer.concat(body).toString() }
}

t.test('reads head and body, in whatever pieces they come', async t => {
  const whole = read(Buffer.from(ANSWER), [1_000])
  t.strictSame(whole, {
    head: {
      status: 200,
      headers: new Map([
        ['content-length', '5'],
        ['x-two', 'a: b'],
      ]),
    },
    isComplete: true,
    body: 'hello',
  })
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }), sizes => {
      t.strictSame(read(Buffer.from(ANSWER), sizes), whole)
    }),
    { numRuns: 50 },
  )
})

t.test('says whether all came', async t => {
  t.notOk(new AnswerReader().isComplete)
  t.notOk(read(Buffer.from(ANSWER.slice(0, -1)), [1_000]).isComplete)
  t.notOk(read(Buffer.from(`${ANSWER}!`), [1_000]).isComplete, 'nor more than was promised')
  t.ok(read(Buffer.from('HTTP/1.0 204\r\nx: y\r\n\r\n'), [1_000]).isComplete, 'without a length it ends where it ends')
})

t.test('what is no answer is refused, and how it is', async t => {
  for (const text of [
    '220 hello\r\n\r\n',
    'HTTP/2 200 OK\r\n\r\n',
    'HTTP/1.1 20 OK\r\n\r\n',
    '\r\n\r\n',
    'x'.repeat(20_000),
  ])
    t.throws(() => read(Buffer.from(text), [1_000]), /does not speak HTTP/, text.slice(0, 20))
})

t.test('any bytes are an answer, the beginning of one, or refused', async t => {
  const mutated = fc
    .tuple(fc.nat(ANSWER.length - 1), fc.uint8Array({ maxLength: 4 }))
    .map(([at, bytes]) => Buffer.concat([Buffer.from(ANSWER.slice(0, at)), bytes, Buffer.from(ANSWER.slice(at + 1))]))
  const arbitrary = fc.uint8Array({ maxLength: 200 }).map(bytes => Buffer.from(bytes))
  fc.assert(
    fc.property(fc.oneof(mutated, arbitrary), bytes => {
      try {
        const { head, body } = read(bytes, [7])
        t.ok(head === undefined ? body === '' : head.status >= 0 && head.status <= 999)
      } catch (error) {
        t.equal((error as Error).message, 'it does not speak HTTP')
      }
    }),
    { numRuns: 300 },
  )
})
