import t from 'tap'
import { Domain } from '../../../lib/names/mod.ts'

t.test('a name is one label, or ends in the domain; case and the last dot do not matter', async t => {
  const domain = new Domain('Weave.Local.')
  t.equal(domain.name, 'weave.local')
  for (const [text, name] of [
    ['web', 'web'],
    ['WEB', 'web'],
    ['web.weave.local', 'web'],
    ['Web.WEAVE.local.', 'web'],
    ['a.b.weave.local', 'a.b'],
  ] as const)
    t.equal(domain.parse(text), name, text)
  t.equal(domain.full('a.b'), 'a.b.weave.local.')
  t.equal(domain.full(''), 'weave.local.')
  t.equal(domain.relative('weave.local'), '')
  t.equal(domain.relative('xweave.local'), undefined)
})

t.test('another domain is refused as such, and what is no name too', async t => {
  const domain = new Domain('weave.local')
  t.throws(() => domain.parse('web.example.com'), { code: 'BAD_NAME', message: /not in the domain weave\.local/ })
  t.throws(() => domain.parse('web.'), { code: 'BAD_NAME' })
  for (const text of [
    '',
    'a b',
    'weave.local',
    `${'x'.repeat(64)}.weave.local`,
    'ä',
    '*',
    '\u212a',
    '\u212a.weave.local',
  ])
    t.throws(() => domain.parse(text), { code: 'BAD_NAME', message: /no name for a container/ }, text)
  t.equal(domain.tryParse('www.example.com'), undefined)
})

t.test('a domain must be one', async t => {
  for (const text of ['', '.', 'a..b', '-', 'x'.repeat(101), 'a b', '\u212a'])
    t.throws(() => new Domain(text), { code: 'CONFIG_INVALID', message: /--dns-domain/ }, text)
})
