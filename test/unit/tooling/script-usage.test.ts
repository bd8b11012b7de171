import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const SCRIPTS = fileURLToPath(new URL('../../../scripts', import.meta.url))
const LIMIT_MS = 60_000

/** What it says, when it ends with status 2 and nothing was measured. */
function refusal(script: string, env: NodeJS.ProcessEnv, ...argv: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(SCRIPTS, `${script}.js`), ...argv], {
    env: { PATH: process.env['PATH'], ...env },
    encoding: 'utf8',
    timeout: LIMIT_MS,
  })
  t.equal(status, 2, `${script}: ${stdout}${stderr}`)
  t.equal(stdout, '')
  return stderr.trim()
}

t.test('a script that measures says in one line which variable is wrong, before it begins', async t => {
  for (const [script, name, value, least = 1] of [
    ['bench-broadcast', 'ROUNDS', 'x'],
    ['bench-broadcast', 'ROUNDS', '0'],
    ['many-names', 'NAMES', '5.5'],
    ['allocations', 'ADDRESSES', '-1'],
    ['netem', 'DATAGRAMS', '1e3'],
    ['scale', 'SEED', '1234567890'],
  ] as const)
    t.match(
      refusal(script, { [name]: value }),
      new RegExp(`^\\w[\\w-]*: ${name} is a whole number of ${least} or more, not "${value}"$`),
    )
})

t.test('a file that cannot be written or is no report is told before anything is measured', async t => {
  const directory = join(t.testdir({ 'notes.md': '# no report', 'other.json': '{"format":1}' }), '')
  t.match(
    refusal('bench-micro', { JSON: join(directory, 'none/x.json') }),
    /^bench-micro: JSON: ENOENT: .*none\/x.json'$/,
  )
  for (const name of ['notes.md', 'other.json', 'none.json']) {
    const path = join(directory, name)
    t.match(refusal('bench-micro', { BASELINE: path }), new RegExp(`^bench-micro: BASELINE ${path}: .+$`))
    t.match(refusal('bench-page', {}, path), new RegExp(`^bench-page: ${path}: .+$`))
  }
  t.notOk(existsSync(join(directory, 'none')))
})
