import { spawnSync } from 'node:child_process'
import t from 'tap'
import { weaveProgram } from '../../../lib/cli/program.ts'
import { manPage, roff } from '../../../scripts/man-page.ts'

t.test('the man page has every command and every option', async t => {
  const page = manPage()
  for (const command of weaveProgram().commands) {
    t.match(page, `.SS "${roff(command.name())} `)
    for (const option of command.options)
      if (!option.hidden) t.match(page, `.B "${roff(option.flags)}"`, `${command.name()} ${option.flags}`)
  }
})

t.test('text is text to roff', async t => {
  t.equal(roff(".a\\b\n.c -d\n'e"), "\\&.a\\eb\n\\&.c \\-d\n\\&'e")
  const { error, stderr } = spawnSync('groff', ['-man', '-Tutf8', '-ww'], { input: manPage(), encoding: 'utf8' })
  if (error !== undefined) t.comment('groff is not installed: its warnings were not looked at')
  else t.equal(stderr, '')
})
