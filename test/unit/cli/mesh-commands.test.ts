import t from 'tap'
import { connectText, forgetText, givesWayNote } from '../../../lib/cli/mesh-commands.ts'

t.test('connect says that a mesh in which no address was given may be left', async t => {
  const id = 'ab'.repeat(16)
  t.match(givesWayNote({ id, isUnused: true }), /mesh (ab){16} of this host yet: it is left for that of the peers/)
  t.equal(givesWayNote({ id, isUnused: false }), undefined)
  t.equal(givesWayNote({ id: null, isUnused: false }), undefined)
})

t.test('connect says what it has begun, and where to look', async t => {
  t.match(connectText(['h1', 'h2', 'h1'], false), /^h1, h2: tried from now on; `weave-ts status connections` shows/)
  t.match(connectText(['h1'], true), /^h1, and no other: tried/)
  t.match(connectText([], true), /^no peer is named any more/)
})

t.test('forget says what it forgot, what was no target, and whom it told', async t => {
  t.equal(
    forgetText(['h1', 'h2', 'h9', 'h1'], { strange: ['h9'], told: 3 }),
    [
      'h1, h2: no target of this host any more; a link that is up stays',
      'h9: no target of this host; targets are matched as they were given',
      '3 other hosts are told',
    ].join('\n'),
  )
  t.match(forgetText(['h1'], { strange: [], told: 1 }), /a link that is up stays\n1 other host is told$/)
  t.match(forgetText(['h1'], { strange: ['h1'], told: 0 }), /^h1: no target .*\nno other host is reached/)
})
