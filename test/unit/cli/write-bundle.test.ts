import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const BIN = fileURLToPath(new URL('../../../../bin/weave-ts', import.meta.url))

function run(directory: string, ...args: string[]) {
  return spawnSync(process.execPath, [BIN, 'report', '--state-dir', join(directory, 'state'), ...args], {
    cwd: directory,
    maxBuffer: 2 ** 26,
  })
}

function place(t: { teardown(fn: () => void): unknown }): string {
  const directory = mkdtempSync(join(tmpdir(), 'weave-ts-bundle-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  return directory
}

t.test('the archive is a new file for this user alone, and tar reads it', { timeout: 60_000 }, async t => {
  const directory = place(t)
  const { status, stdout } = run(directory, '--bundle')
  t.equal(status, 0)
  const [file = ''] = readdirSync(directory)
  t.match(file, /^weave-ts-report-[\w.-]+-\d{8}-\d{6}\.tar\.gz$/)
  t.ok(stdout.toString().startsWith(`${file}: `))
  t.equal(statSync(join(directory, file)).mode & 0o777, 0o600)
  const listed = spawnSync('tar', ['-tzf', join(directory, file)], { encoding: 'utf8' })
  t.equal(listed.status, 0)
  for (const name of ['README.txt', 'doctor.json', 'missing.json', 'versions.json'])
    t.match(listed.stdout, `${file.replace('.tar.gz', '')}/${name}\n`)
})

t.test('it goes to standard output, and never over a file that is there', { timeout: 60_000 }, async t => {
  const directory = place(t)
  const { status, stdout } = run(directory, '--bundle', '-')
  t.equal(status, 0)
  t.equal(spawnSync('tar', ['-tzf', '-'], { input: stdout }).status, 0)
  t.strictSame(readdirSync(directory), [])
  writeFileSync(join(directory, 'mine'), 'mine')
  const refused = run(directory, '--bundle', 'mine')
  t.equal(refused.status, 2)
  t.match(refused.stderr.toString(), /EEXIST/)
  t.equal(statSync(join(directory, 'mine')).size, 4)
  t.notOk(existsSync(join(directory, 'state')), 'nothing is made beside it')
})
