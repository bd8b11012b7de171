import { Command } from 'commander'
import t from 'tap'
import { ExposeRequest } from '../../../lib/api/schema.ts'
import { withNames } from '../../../lib/cli/name-commands.ts'

t.test('names may be repeated, or have commas between; an empty one comes through, to be refused', async t => {
  const names = (...args: string[]) =>
    withNames(new Command()).parse(args, { from: 'user' }).opts<{ name: string[] }>().name
  t.strictSame(names(), [])
  t.strictSame(names('-h', 'a,b', '--name', 'c'), ['a', 'b', 'c'])
  t.strictSame(names('-h', ''), [''])
  t.strictSame(ExposeRequest.parse({ names: [''] }).names, [''])
})
