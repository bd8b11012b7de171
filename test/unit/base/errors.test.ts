import t from 'tap'
import {
  assert,
  AssertionError,
  Drop,
  ERROR_CODES,
  errorText,
  isDrop,
  isErrorCode,
  unreachable,
  WeaveError,
  type ErrorCode,
} from '../../../lib/base/mod.ts'

t.test('an error carries its code, remedy and both statuses', t => {
  const error = new WeaveError('PORT_IN_USE', 'port 6783 is in use', 'Choose another.')
  t.ok(error instanceof Error)
  t.equal(error.message, 'port 6783 is in use')
  t.equal(error.remedy, 'Choose another.')
  t.equal(error.httpStatus, 500)
  t.equal(error.exitStatus, 69)
  t.end()
})

t.test('every code has an HTTP error status and an exit status that a shell can tell from success', t => {
  for (const [code, { http, exit }] of Object.entries(ERROR_CODES)) {
    t.match(code, /^[A-Z][A-Z_]+$/)
    t.ok(http >= 400 && http <= 599, `${code}: ${http}`)
    t.ok(exit >= 1 && exit <= 125, `${code}: ${exit}`)
    const error = new WeaveError(code as ErrorCode, '', '')
    t.strictSame([error.httpStatus, error.exitStatus], [http, exit])
  }
  t.end()
})

t.test('tells codes from other values', t => {
  t.ok(isErrorCode('USAGE'))
  for (const value of ['usage', 'toString', '', undefined, 1, {}]) t.notOk(isErrorCode(value))
  t.end()
})

t.test('gives the text of anything thrown', t => {
  t.equal(errorText(new TypeError('x')), 'x')
  t.equal(errorText('y'), 'y')
  t.equal(errorText(undefined), 'undefined')
  t.end()
})

t.test('assert stops on what is false only', t => {
  assert(1, 'fine')
  t.throws(() => assert(0, 'not fine'), { name: 'AssertionError', message: 'not fine' })
  t.throws(() => unreachable('x' as never), AssertionError)
  t.end()
})

t.test('a drop is told from every value', t => {
  t.ok(isDrop(new Drop('short')))
  t.equal(new Drop('short').reason, 'short')
  for (const value of [undefined, null, 'short', { reason: 'short' }]) t.notOk(isDrop(value))
  t.end()
})
