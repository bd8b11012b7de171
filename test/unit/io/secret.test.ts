import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inspect } from 'node:util'
import t from 'tap'
import { fromBase32, toHex } from '../../../lib/base/mod.ts'
import { generateSecret, pskHint, readPasswordFile, stretchSecret } from '../../../lib/io/secret.ts'
import { SecretText } from '../../../lib/io/secret-text.ts'
import { temporaryDirectory, weaveError } from './temporary.ts'

/** Computed with libargon2, the reference implementation. */
const GOLDEN = 'e68f0f60893a2e83ac081fd37bd86a0ad77e5553c7b1d005db9e3df805c6c39e'

t.test('stretches a secret to the same key everywhere', async t => {
  const key = await stretchSecret(SecretText.of('correct horse battery staple'))
  t.equal(toHex(key), GOLDEN)
  t.equal(key.length, 32)
  t.not(toHex(await stretchSecret(SecretText.of('correct horse battery stapl'))), GOLDEN)
})

t.test('an empty secret is refused', async t => {
  await t.rejects(stretchSecret(SecretText.of('')), { code: 'CONFIG_INVALID' })
})

for (const [what, content, secret] of [
  ['one trailing newline is not part of the secret', 'hunter2\n', 'hunter2'],
  ['a trailing CRLF is not part of the secret', 'hunter2\r\n', 'hunter2'],
  ['a second newline and spaces are', ' hunter2 \n\n', ' hunter2 \n'],
  ['a secret may go without a newline', 'hünter', 'hünter'],
] as const) {
  t.test(what, t => {
    const path = join(temporaryDirectory(t), 'password')
    writeFileSync(path, content, { mode: 0o600 })
    const read = readPasswordFile(path)
    t.equal(new TextDecoder().decode(read.secret.take()), secret)
    t.strictSame(read.warnings, [])
    t.end()
  })
}

t.test('a password file that others may read earns a warning with the remedy', t => {
  const path = join(temporaryDirectory(t), 'password')
  writeFileSync(path, 'hunter2\n')
  chmodSync(path, 0o644)
  t.match(readPasswordFile(path).warnings.join(), /mode 0644.*chmod 600/)
  t.end()
})

for (const [what, content] of [
  ['is empty', ''],
  ['holds a newline only', '\n'],
  ['is not text', Buffer.from([0xff, 0xfe, 0xc0])],
  ['is too large', 'x'.repeat(5000)],
  ['is not there', undefined],
] as const) {
  t.test(`a password file that ${what} is refused by name`, t => {
    const path = join(temporaryDirectory(t), 'password')
    if (content !== undefined) writeFileSync(path, content, { mode: 0o600 })
    const error = weaveError(() => readPasswordFile(path))
    t.equal(error?.code, 'CONFIG_INVALID')
    t.ok(error?.message.includes(path))
    t.end()
  })
}

t.test('a generated secret holds all of its 32 random bytes, in groups of four', t => {
  const bytes = Uint8Array.from({ length: 32 }, (_, i) => 7 * i + 1)
  const text = generateSecret({ bytes: count => bytes.slice(0, count) })
  t.match(text, /^([a-z2-7]{4}-){12}[a-z2-7]{4}$/)
  t.strictSame(fromBase32(text.replaceAll('-', '')), bytes)
  t.end()
})

t.test('a hint is four bytes, stable, and differs between keys', t => {
  const hint = pskHint(new Uint8Array(32).fill(1))
  t.equal(hint.length, 4)
  t.strictSame(pskHint(new Uint8Array(32).fill(1)), hint)
  t.notSame(pskHint(new Uint8Array(32).fill(2)), hint)
  t.end()
})

t.test('the text of a secret is gone from this thread once it is stretched', async t => {
  const source = new TextEncoder().encode('hunter2')
  const secret = new SecretText(source)
  t.strictSame(source, new Uint8Array(7), 'what it was made of is wiped')
  const stretched = stretchSecret(secret)
  t.equal(secret.byteLength, 0)
  t.equal((await stretched).length, 32)
  await t.rejects(stretchSecret(secret), { code: 'CONFIG_INVALID' }, 'it cannot be used twice')
})

t.test('a secret has one owner, can be wiped, and shows nothing of itself', t => {
  const secret = SecretText.of('hunter2')
  t.equal(JSON.stringify({ secret }), '{"secret":"(secret)"}')
  t.equal(inspect({ secret }), '{ secret: (secret) }')
  t.equal(`${secret}`, '(secret)')
  const bytes = secret.take()
  t.equal(new TextDecoder().decode(bytes), 'hunter2')
  t.equal(bytes.buffer.byteLength, 7, 'it lies in no buffer that others share')
  t.equal(secret.byteLength, 0)
  const wiped = SecretText.of('hunter2')
  wiped.wipe()
  t.equal(wiped.take().length, 0)
  t.end()
})
