import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import { projectRoot } from '../../../scripts/check-docs.ts'
import { temporaryDirectory } from '../io/temporary.ts'

const root = projectRoot()
t.setTimeout(150_000)

t.test('what is installed runs by itself, away from the checkout, and is taken away whole', { timeout: 140_000 }, t => {
  const destination = temporaryDirectory(t)
  const act = (what: string, prefix = '/usr') =>
    spawnSync(join(root, 'scripts/install.sh'), [what], {
      encoding: 'utf8',
      env: { ...process.env, DESTDIR: destination, PREFIX: prefix },
    })
  t.match(act('install', 'usr'), { status: 1, stderr: /PREFIX=usr is no absolute path/ })
  const places = ['bin/weave-ts', 'share/man/man8/weave-ts.8.gz', 'share/bash-completion/completions/weave-ts']
  for (const place of places) {
    const path = join(destination, 'usr', place)
    mkdirSync(dirname(path), { recursive: true })
    symlinkSync('/opt/another', path)
    t.match(act('install'), { status: 1, stderr: `${path} is there, and is not weave-ts's` }, place)
    t.equal(readlinkSync(path), '/opt/another')
    t.equal(act('uninstall').status, 0)
    t.equal(readlinkSync(path), '/opt/another')
    rmSync(path)
  }
  const { status, stderr } = act('install', '/usr//')
  t.equal(status, 0, stderr)
  t.notOk(existsSync(join(destination, 'usr/lib/weave-ts/node_modules/typescript')), 'nothing of development')
  const command = join(destination, 'usr/lib/weave-ts/bin/weave-ts')
  const version = spawnSync(process.execPath, [command, 'version'], { cwd: '/', encoding: 'utf8' })
  t.match(version.stdout, /^weave-ts \d/, version.stderr)
  const key = spawnSync(process.execPath, [command, 'keygen'], { cwd: '/', encoding: 'utf8' })
  t.equal(key.status, 0, key.stderr)
  t.equal(act('uninstall').status, 0)
  t.strictSame(readdirSync(join(destination, 'usr/lib')), [])
  t.strictSame(readdirSync(join(destination, 'usr/bin')), [])
  t.equal(act('uninstall').status, 0, 'twice')

  mkdirSync(join(destination, 'usr/lib/weave-ts'))
  writeFileSync(join(destination, 'usr/lib/weave-ts/package.json'), '{ "name": "another" }')
  t.match(act('uninstall'), { status: 1, stderr: /not touched/ })
  t.end()
})
