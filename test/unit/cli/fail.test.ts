import { lstatSync } from 'node:fs'
import t from 'tap'
import { WeaveError } from '../../../lib/base/mod.ts'
import { weaveError } from '../../../lib/cli/fail.ts'

t.test('our own errors stay as they are', async t => {
  const error = new WeaveError('BAD_PEER', 'a', 'b')
  t.equal(weaveError(error), error)
})

t.test('a file that this user may not use asks for root', async t => {
  const refused = Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES', path: '/x/launch.json' })
  t.match(weaveError(refused), { code: 'NO_PERMISSION', message: /\/x\/launch\.json \(EACCES\)/, remedy: /root/ })
})

t.test('all else is a fault of the program, and says where', async t => {
  try {
    lstatSync('/nonexistent/file')
  } catch (thrown) {
    t.match(weaveError(thrown), { code: 'INTERNAL', message: /ENOENT[\s\S]* at / })
  }
  t.match(weaveError('text'), { code: 'INTERNAL', message: 'text' })
  t.match(weaveError(undefined), { code: 'INTERNAL', message: 'undefined' })
})
