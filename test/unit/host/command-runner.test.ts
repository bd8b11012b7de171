import t from 'tap'
import { ChildProcessRunner } from '../../../lib/io/command-runner.ts'

const runner = new ChildProcessRunner()

t.test('gives output and status', async t => {
  t.strictSame(await runner.run(['cat'], { input: 'hello' }), { stdout: 'hello', stderr: '', status: 0 })
})

t.test('hands arguments over as they are, without a shell', async t => {
  const { stdout } = await runner.run(['printf', '%s|', '$(id)', '; rm', '*'])
  t.equal(stdout, '$(id)|; rm|*|')
})

t.test('tells the command, its status and the first line of its complaint', async t => {
  await t.rejects(runner.run(['cat', '/does/not/exist']), {
    code: 'COMMAND_FAILED',
    message: /`cat \/does\/not\/exist` ended with status 1: cat: .*No such file/,
  })
})

t.test('accepts the statuses that the caller expects', async t => {
  t.equal((await runner.run(['false'], { okStatuses: [0, 1] })).status, 1)
})

t.test('names the package of a missing tool', async t => {
  await t.rejects(runner.run(['there-is-no-such-tool']), { code: 'MISSING_TOOL', message: /there-is-no-such-tool/ })
  const inside = new ChildProcessRunner({ prefix: ['nsenter', '--'] })
  await t.rejects(inside.run(['there-is-no-such-tool']), { code: 'MISSING_TOOL', message: /`there-is-no-such-tool`/ })
})

t.test('ends a command that takes too long, with what it started', async t => {
  const begun = performance.now()
  await t.rejects(runner.run(['sh', '-c', 'sleep 60 & sleep 60'], { timeoutMs: 100 }), {
    code: 'COMMAND_FAILED',
    message: /did not end within 100 ms/,
  })
  t.ok(performance.now() - begun < 10_000)
})

t.test('ends a command that writes without end', async t => {
  await t.rejects(runner.run(['cat', '/dev/zero']), { code: 'COMMAND_FAILED', message: /wrote more than/ })
})

t.test('survives a command that does not read its input', async t => {
  t.equal((await runner.run(['true'], { input: 'x'.repeat(1_000_000) })).status, 0)
})

t.test('puts the prefix before each command', async t => {
  const { stdout } = await new ChildProcessRunner({ prefix: ['echo', 'before'] }).run(['after'])
  t.equal(stdout, 'before after\n')
})
