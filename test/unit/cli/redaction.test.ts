import t from 'tap'
import { encodeInvite } from '../../../lib/cli/invitation.ts'
import { REDACTED, redactedLines, redactedValue, redactor } from '../../../lib/cli/redaction.ts'
import { generateSecret, systemEntropy } from '../../../lib/io/mod.ts'

const SECRET = 'correct horse "battery" staple'
const bytes = (text: string) => new TextEncoder().encode(text)
const redact = redactor([bytes(SECRET)])

t.test('a secret is left out in each of its forms, wherever it stands', async t => {
  const raw = Buffer.from(SECRET)
  for (const form of [
    SECRET,
    JSON.stringify(SECRET).slice(1, -1),
    encodeURIComponent(SECRET),
    raw.toString('hex').toUpperCase(),
  ])
    t.equal(redact(`before ${form} behind`), `before ${REDACTED} behind`, form)
  for (const before of ['', 'a', 'ab', 'abc'])
    for (const encoding of ['base64', 'base64url'] as const) {
      const text = redact(Buffer.concat([Buffer.from(before), raw, Buffer.from('z')]).toString(encoding))
      t.match(text, REDACTED, `${encoding} behind ${before.length} bytes`)
      t.ok(text.length < REDACTED.length + 10, text)
    }
})

t.test('a short secret is left out where it stands alone, and other words stay', async t => {
  t.equal(redactor([bytes('ab')])('ab abc "ab" cab'), `${REDACTED} abc "${REDACTED}" cab`)
  t.equal(redactor([bytes('')])('abc'), 'abc')
  t.equal(redactor([bytes('a.c+')])('abc+ a.c+'), `abc+ ${REDACTED}`)
})

t.test('of two secrets the longer one goes first', async t => {
  t.equal(redactor([bytes('horse'), bytes('horseback')])('horseback'), REDACTED)
})

t.test('what looks like a secret is left out, whoever has it', async t => {
  const none = redactor([])
  const invite = encodeInvite({
    ...{ mesh: 'ab'.repeat(16), endpoints: ['192.0.2.1:6783'], range: '10.32.0.0/12' },
    ...{ domain: 'weave.local', secret: 'hidden' },
  })
  for (const [text, expected] of [
    [`weave-ts join ${invite} now`, `weave-ts join weave1-${REDACTED} now`],
    [generateSecret(systemEntropy), REDACTED],
    ['launch --password hunter2 host1', `launch --password ${REDACTED} host1`],
    ['launch --password=hunter2', `launch --password=${REDACTED}`],
    ['WEAVE_PASSWORD=hunter2 weave-ts launch', `WEAVE_PASSWORD=${REDACTED} weave-ts launch`],
    ['http://me:hunter2@proxy:80/', `http://me:${REDACTED}@proxy:80/`],
    ['Authorization: Bearer abc.def', `Authorization: Bearer ${REDACTED}`],
    ['/?token=abc&x=1', `/?token=${REDACTED}&x=1`],
    ['--password-file /etc/weave-ts.secret', '--password-file /etc/weave-ts.secret'],
    ['http://proxy:80/ at 10:00', 'http://proxy:80/ at 10:00'],
    ['another mesh secret than this host', 'another mesh secret than this host'],
  ] as const)
    t.equal(none(text), expected)
  const key = '-----BEGIN PRIVATE KEY-----\nMC4CAQ\n-----END PRIVATE KEY-----'
  t.equal(none(key), `-----BEGIN PRIVATE KEY-----${REDACTED}`)
})

t.test('a long word costs no more than its length', async t => {
  const begun = performance.now()
  redact('a.b-'.repeat(100_000))
  // With the square of it: minutes.
  t.ok(performance.now() - begun < 5_000)
  t.equal(redact(`git+ssh://me:hidden@host/${'a.'.repeat(40)}`), `git+ssh://me:${REDACTED}@host/${'a.'.repeat(40)}`)
})

t.test('values of JSON stay values, without what fields and options say is secret', async t => {
  const value = {
    a: [SECRET, 1, null, true],
    [SECRET]: 'x',
    password: 'hunter2',
    words: ['--password', 'hunter2', 'h1'],
  }
  t.strictSame(redactedValue(value, redact), {
    ...{ a: [REDACTED, 1, null, true], [REDACTED]: 'x', password: REDACTED },
    words: ['--password', REDACTED, 'h1'],
  })
  t.equal(
    redactedLines(`{"msg":${JSON.stringify(SECRET)},"token":"abc"}\n{broken ${SECRET}\nplain`, redact),
    `{"msg":"${REDACTED}","token":"${REDACTED}"}\n{broken ${REDACTED}\nplain`,
  )
})
