import t from 'tap'
import { chosenAttachments } from '../../../lib/cli/chosen-attachments.ts'

const WEB = { id: 'ab'.repeat(32), description: 'container web' }
const DB1 = { id: 'cd'.repeat(32), description: 'container db on the network front' }
const DB2 = { id: 'cd'.repeat(32), description: 'container db on the network back' }
const AB = { id: 'ef'.repeat(32), description: 'container ab' }
const C1 = { id: 'netns:c1', description: 'network namespace c1' }
const ALL = [WEB, DB1, DB2, AB, C1]

t.test('attachments are found by name, beginning of an id, target or description', async t => {
  t.strictSame(chosenAttachments(ALL, []), ALL)
  t.strictSame(chosenAttachments(ALL, ['web']), [WEB])
  t.strictSame(chosenAttachments(ALL, ['db']), [DB1, DB2])
  t.strictSame(chosenAttachments(ALL, ['abab']), [WEB])
  t.strictSame(chosenAttachments(ALL, ['ab']), [AB], 'a name goes before the beginning of an id')
  t.strictSame(chosenAttachments(ALL, ['netns:c1', 'network namespace c1', 'web']), [WEB, C1])
})

t.test('they are found by their names in the mesh, whole or without the domain', async t => {
  const blue = {
    id: 'netns:x',
    description: 'network namespace x',
    names: ['blue.weave.local', 'sea.blue.weave.local'],
  }
  for (const text of ['blue', 'blue.weave.local', 'sea', 'sea.blue'])
    t.strictSame(chosenAttachments([WEB, blue], [text]), [blue], text)
  t.throws(() => chosenAttachments([WEB, blue], ['weave.local']), { code: 'NOT_ATTACHED' })
  t.throws(() => chosenAttachments([WEB, blue], ['blu']), { code: 'NOT_ATTACHED' })
})

t.test('what is not attached is said', async t => {
  for (const text of ['shop', 'netns:other', 'we'])
    t.throws(() => chosenAttachments(ALL, ['web', text]), { code: 'NOT_ATTACHED', message: text }, text)
})
