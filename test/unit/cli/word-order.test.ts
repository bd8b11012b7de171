import t from 'tap'
import { refuseEmpty, targetFirst, targetLast } from '../../../lib/cli/word-order.ts'

t.test('the target stands behind the addresses', async t => {
  t.strictSame(targetLast('attach', ['web']), { target: 'web', addresses: [] })
  t.strictSame(targetLast('attach', ['10.32.0.5/24', 'net:default', 'netns:a']), {
    target: 'netns:a',
    addresses: ['10.32.0.5/24', 'net:default'],
  })
  // Hexadecimal words are ids of containers, not addresses.
  for (const target of ['deadbeef', '3f2a', 'pid:7', '10.32', 'weave:expose'])
    t.equal(targetLast('detach', ['10.32.0.5', target]).target, target)
})

t.test('words in another order are told the right one', async t => {
  t.throws(() => targetLast('attach', ['web', '10.32.0.5/24']), {
    code: 'USAGE',
    message: 'the target of attach comes last, and 10.32.0.5/24 is an address',
    remedy: 'weave-ts attach 10.32.0.5/24 web',
  })
  t.throws(() => targetLast('attach', ['netns:a', 'net:10.33.0.0/24', 'fd00::1']), {
    message: /comes last/,
    remedy: 'weave-ts attach net:10.33.0.0/24 fd00::1 netns:a',
  })
  t.throws(() => targetLast('attach', ['net:default', 'netns:a', 'web']), {
    code: 'USAGE',
    message: 'attach takes addresses and then one target, and netns:a is no address',
    remedy: 'give a name by its option: weave-ts attach net:default --name web netns:a',
  })
  t.doesNotThrow(() => targetLast('detach', ['nonsense', 'netns:a']), 'the daemon refuses it')
  t.throws(() => targetLast('detach', ['10.32.0.5']), { message: /names no target/, remedy: /10\.32\.0\.5 TARGET$/ })
})

t.test('a target stands before its names', async t => {
  for (const [target, names] of [
    ['web', ['www']],
    ['netns:a', ['b', 'c']],
    ['10.32.0.5', ['www']],
    ['web', []],
  ] as const)
    t.doesNotThrow(() => targetFirst('dns-add', target, names))
  t.throws(() => targetFirst('dns-add', 'www', ['netns:a', 'w2']), {
    code: 'USAGE',
    message: 'the target of dns-add comes first, and netns:a cannot be a name',
    remedy: 'weave-ts dns-add netns:a www w2',
  })
  t.throws(() => targetFirst('dns-remove', 'www', ['10.32.0.5']), {
    message: /10.32.0.5/,
    remedy: 'weave-ts dns-remove 10.32.0.5 www',
  })
})

t.test('an empty word is refused by its place', async t => {
  t.doesNotThrow(() => refuseEmpty('attach', ['a', 'b']))
  for (const empty of ['', ' ', '\t'])
    t.throws(() => refuseEmpty('attach', ['a', empty]), { code: 'USAGE', message: 'argument 2 of attach is empty' })
})
