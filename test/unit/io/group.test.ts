import t from 'tap'
import { groupId, groupIdIn } from '../../../lib/io/group.ts'

t.test('a group is found by its name, or is a number', async t => {
  t.equal(groupId('root'), 0)
  t.equal(groupId('4711'), 4_711)
  t.throws(() => groupId('no-such-group-here'), {
    code: 'CONFIG_INVALID',
    message: '--group no-such-group-here: this host has no such group',
    remedy: /groupadd/,
  })
})

t.test('lines of groups that are none are passed over', async t => {
  const text = 'root:x:0:\n\nops\nops:x\nops:x:abc:a,b\n#ops:x:3:\nops:x:42:a,b\nops:x:43:\n'
  t.equal(groupIdIn(text, 'ops'), 42)
  t.equal(groupIdIn(text, 'op'), undefined)
  t.equal(groupIdIn('', 'ops'), undefined)
})
