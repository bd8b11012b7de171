import t from 'tap'
import { STATE_DIR_DEFAULT, stateDirOf } from '../../../lib/cli/paths.ts'

t.test('the state directory is the option, else the variable, else the usual one', async t => {
  const before = process.env['WEAVE_TS_STATE_DIR']
  t.teardown(() => {
    if (before === undefined) delete process.env['WEAVE_TS_STATE_DIR']
    else process.env['WEAVE_TS_STATE_DIR'] = before
  })
  process.env['WEAVE_TS_STATE_DIR'] = '/one'
  t.equal(stateDirOf('/two'), '/two')
  t.equal(stateDirOf(undefined), '/one')
  process.env['WEAVE_TS_STATE_DIR'] = ''
  t.equal(stateDirOf(undefined), STATE_DIR_DEFAULT)
})

t.test('an empty option names no directory, least of all the one that one is in', async t => {
  t.throws(() => stateDirOf(''), { code: 'CONFIG_INVALID', message: '--state-dir is empty' })
})
