import t from 'tap'
import { adviceText } from '../../../lib/base/mod.ts'

t.test('what to do stands behind what is wrong, where there is something to do', async t => {
  t.equal(adviceText({ what: 'the disk is full', remedy: 'make room' }), 'the disk is full; make room')
  t.equal(adviceText({ what: 'it passes' }), 'it passes')
})
