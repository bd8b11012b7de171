import fc from 'fast-check'
import t from 'tap'
import { RECOVERED_REST_MS } from '../../../lib/node/constants.ts'
import { Recovered } from '../../../lib/node/recovered.ts'

t.test('blocks are free when the host accounts for all that is plugged in, and the rest is over', async t => {
  const recovered = new Recovered()
  recovered.add([3, 4], 100)
  t.equal(recovered.isFree(100 + RECOVERED_REST_MS), false, 'the host has not said')
  recovered.handleStrays(['someone'])
  t.equal(recovered.isFree(100 + RECOVERED_REST_MS), false, 'one is in the way')
  t.same(recovered.report, { blocks: 2, strays: ['someone'] })
  recovered.handleStrays([])
  t.equal(recovered.freeAt, 100 + RECOVERED_REST_MS)
  t.equal(recovered.isFree(99 + RECOVERED_REST_MS), false)
  t.equal(recovered.isFree(100 + RECOVERED_REST_MS), true)
  recovered.clear()
  t.equal(recovered.report, undefined)
  t.equal(recovered.freeAt, undefined)
})

t.test('what is stored is read again, and rests anew', async t => {
  const recovered = new Recovered()
  recovered.add([7, 1, 7], 0)
  const again = new Recovered()
  again.restore(recovered.encode(), 5_000)
  again.handleStrays([])
  t.same(again.blocks, [7, 1])
  t.equal(again.freeAt, 5_000 + RECOVERED_REST_MS)
})

t.test('what is damaged in the store counts as nothing, and never throws', async t => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), bytes => {
      const recovered = new Recovered()
      recovered.restore(bytes, 0)
      return recovered.blocks.length <= 16
    }),
  )
  t.end()
})
