import { join } from 'node:path'
import t from 'tap'
import { projectRoot } from '../../scripts/check-docs.ts'
import { errorTexts, faultOf, textsOf } from './error-sources.ts'

t.test('every error of lib/ speaks the one dialect', t => {
  const texts = errorTexts(join(projectRoot(), 'lib'))
  t.ok(texts.length > 150, `${texts.length} texts were found`)
  t.ok(texts.some(({ where, role }) => where.startsWith('ipam/') && role === 'remedy'))
  for (const one of texts) t.equal(faultOf(one), undefined, `${one.where} ${one.role}: ${one.text}`)
  t.end()
})

t.test('other dialects are found, in every branch', t => {
  const find = (message: string, remedy: string) =>
    textsOf('x.ts', `const KEPT = 'It stays.'\nthrow new WeaveError('USAGE', ${message}, ${remedy})`).map(
      one => [one.role, faultOf(one)] as const,
    )
  const fine = ['message', undefined] as const
  t.strictSame(find("'no such target'", "'Name another.'"), [fine, ['remedy', 'begins with a capital']])
  t.strictSame(find("isIt ? 'no' : `No ${'way'}`", "'go; or stay'"), [
    fine,
    ['message', 'begins with a capital'],
    ['remedy', undefined],
  ])
  t.strictSame(find("'TCP port 1 is in use'", "'go. ' + KEPT"), [fine, ['remedy', 'ends with a stop']])
  t.strictSame(find('`${name} is gone`', "'go (ls). The file stays'"), [fine, ['remedy', 'is more than one sentence']])
  t.strictSame(find("''", "'the log has details'"), [
    ['message', 'has no text, or space around it'],
    ['remedy', 'is not an imperative'],
  ])
  t.end()
})

t.test('what a function of the file puts into an error is read where it is called, and so are logs and warnings', t => {
  const find = (call: string) =>
    textsOf('x.ts', `function unsafe(path: string, fix: string) { return new WeaveError('USAGE', path, fix) }\n${call}`)
      .filter(one => one.text !== '${}')
      .map(one => [one.role, faultOf(one)])
  t.strictSame(find("unsafe('it is a link', 'See it.')"), [
    ['message', undefined],
    ['remedy', 'begins with a capital'],
  ])
  t.strictSame(find("throw new Error('No.')"), [['message', 'begins with a capital']])
  t.strictSame(find("log.warn({ event: 'x' }, 'it went.')"), [['message', 'ends with a stop']])
  t.strictSame(find("console.error('Oh')"), [['message', 'begins with a capital']])
  t.strictSame(find("warnings.push('it is so. Do that')"), [['message', 'is more than one sentence']])
  t.end()
})
