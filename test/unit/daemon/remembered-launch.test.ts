import { mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import {
  LAUNCH_FILE,
  readRememberedLaunch,
  rememberLaunch,
  rememberOrSay,
  wordsOf,
} from '../../../lib/daemon/remembered-launch.ts'
import { isStateFile } from '../../../lib/io/mod.ts'
import { temporaryDirectory } from '../io/temporary.ts'

t.test('a launch is remembered in a file for this user alone, which reset removes', t => {
  const dir = temporaryDirectory(t)
  t.equal(readRememberedLaunch(dir), undefined)
  rememberLaunch(dir, { mesh: 'secret', options: {} })
  t.match(readRememberedLaunch(dir), { mesh: 'secret' })
  t.equal(statSync(join(dir, LAUNCH_FILE)).mode & 0o777, 0o600)
  t.ok(isStateFile(LAUNCH_FILE))
  rememberLaunch(dir, { mesh: 'open', options: {} })
  t.match(readRememberedLaunch(dir), { mesh: 'open' })
  t.end()
})

t.test('the file is not written when there is no news, so a full disk does not matter', t => {
  const dir = temporaryDirectory(t)
  rememberLaunch(dir, { mesh: 'secret', options: {} })
  const { ino } = statSync(join(dir, LAUNCH_FILE))
  rememberLaunch(dir, { mesh: 'secret', options: {} })
  t.equal(statSync(join(dir, LAUNCH_FILE)).ino, ino)
  rememberLaunch(dir, { mesh: 'open', options: {} })
  t.not(statSync(join(dir, LAUNCH_FILE)).ino, ino)
  t.end()
})

t.test('a damaged file is refused whatever is in it, and never taken for none', t => {
  const dir = temporaryDirectory(t)
  const path = join(dir, LAUNCH_FILE)
  const refusal = { code: 'STATE_DAMAGED', message: new RegExp(path), remedy: /the secret among them/ }
  for (const text of [
    '',
    '{',
    'null',
    '[]',
    '{"version":2,"mesh":"open"}',
    '{"version":1}',
    '{"mesh":"open"}',
    '{"version":1,"mesh":"open","options":{"a":1}}',
  ]) {
    writeFileSync(path, text)
    t.throws(() => readRememberedLaunch(dir), refusal, text)
  }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), bytes => {
      writeFileSync(path, bytes)
      t.throws(() => readRememberedLaunch(dir), refusal)
    }),
    { numRuns: 50 },
  )
  t.end()
})

t.test('a link in its place is refused', t => {
  const dir = temporaryDirectory(t)
  mkdirSync(join(dir, 'elsewhere'))
  symlinkSync(join(dir, 'elsewhere'), join(dir, LAUNCH_FILE))
  t.throws(() => readRememberedLaunch(dir), { code: 'STATE_UNSAFE' })
  t.end()
})

t.test('options are remembered as they are, up to what is read again', t => {
  const dir = temporaryDirectory(t)
  const options = { port: '7000', discovery: false, advertise: ['192.0.2.1', '192.0.2.2'], passwordFile: '/a b' }
  rememberLaunch(dir, { mesh: 'secret', options })
  t.strictSame(readRememberedLaunch(dir)?.options, options)
  t.strictSame(wordsOf(options), [
    ...['--port', '7000', '--no-discovery', '--advertise', '192.0.2.1,192.0.2.2', '--password-file', '/a b'],
  ])
  const long = { advertise: new Array<string>(5_000).fill('2001:db8::1234:5678') }
  t.throws(() => rememberLaunch(dir, { mesh: 'secret', options: long }), { code: 'CONFIG_INVALID', message: /65536/ })
  t.strictSame(readRememberedLaunch(dir)?.options, options, 'what was remembered stays')
  t.end()
})

t.test('a disk that is full takes no options, which is said; whether there is a secret must be on it', t => {
  const nowhere = join(temporaryDirectory(t), 'gone')
  const launch = { mesh: 'secret' as const, options: {} }
  t.throws(() => rememberOrSay(nowhere, launch, launch), { code: 'ENOENT' }, 'another fault of the disk')
  t.strictSame(rememberOrSay(temporaryDirectory(t), launch, undefined), [])
  t.end()
})
