import fc from 'fast-check'
import t from 'tap'
import { WeaveError } from '../../../lib/base/mod.ts'
import { ATTACH_LABEL, addressesOfLabel, namesOfLabels } from '../../../lib/docker/mod.ts'

t.test('a label names addresses, separated by spaces, commas or both', async t => {
  const of = (value: string) => addressesOfLabel({ [ATTACH_LABEL]: value, other: '10.32.0.9/12' })
  t.equal(addressesOfLabel({ other: 'x' }), undefined)
  t.equal(addressesOfLabel(Object.create({ [ATTACH_LABEL]: 'x' }) as Record<string, string>), undefined)
  t.strictSame(of(''), [])
  t.strictSame(of(' , '), [])
  t.strictSame(of('net:default'), ['net:default'])
  t.strictSame(of(' 10.32.0.1/12,net:default ,\n10.33.0.1/24 '), ['10.32.0.1/12', 'net:default', '10.33.0.1/24'])
  t.throws(() => of('x'.repeat(2_049)), { code: 'BAD_ADDRESS', message: /2049 characters/ })
  t.throws(() => of('x '.repeat(33)), { code: 'BAD_ADDRESS' })
})

t.test('any label is a list of bounded length, or refused', async t => {
  fc.assert(
    fc.property(fc.string({ maxLength: 4_000 }), value => {
      try {
        const words = addressesOfLabel({ [ATTACH_LABEL]: value })!
        return words.length <= 32 && words.every(word => word !== '' && !/[\s,]/.test(word))
      } catch (error) {
        return error instanceof WeaveError && error.code === 'BAD_ADDRESS'
      }
    }),
  )
  t.pass()
})

t.test('labels name a container, and its host name', async t => {
  t.strictSame(namesOfLabels({ other: 'x' }), { names: [], hostname: undefined })
  t.strictSame(namesOfLabels(Object.create({ 'weave-ts.name': 'x' }) as Record<string, string>).names, [])
  t.strictSame(namesOfLabels({ 'weave-ts.name': ' web, api\tb.weave.local ,', 'weave-ts.hostname': ' db ' }), {
    names: ['web', 'api', 'b.weave.local'],
    hostname: 'db',
  })
  t.strictSame(namesOfLabels({ 'weave-ts.hostname': ' ' }).hostname, undefined)
  fc.assert(
    fc.property(fc.string({ maxLength: 4_000 }), value => {
      const { names } = namesOfLabels({ 'weave-ts.name': value, 'weave-ts.hostname': value })
      return names.length <= 64 && names.every(name => name !== '' && !/[\s,]/.test(name))
    }),
  )
})
