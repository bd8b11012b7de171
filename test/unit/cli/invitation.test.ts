import fc from 'fast-check'
import t from 'tap'
import { WeaveError } from '../../../lib/base/mod.ts'
import { INVITE_CHARACTERS_MAX, decodeInvite, encodeInvite, type Invite } from '../../../lib/cli/invitation.ts'

const INVITE: Invite = {
  mesh: '0123456789abcdef'.repeat(2),
  endpoints: ['192.0.2.1:6783', '[2001:db8::1]:7000'],
  range: '10.32.0.0/12',
  domain: 'weave.local',
  secret: 'a secret of ünusual länght',
}
const TEXT = encodeInvite(INVITE)

/** What is said of a text; `none` when it is taken. */
function complaint(text: string): string {
  try {
    decodeInvite(text)
    return 'none'
  } catch (error) {
    if (error instanceof WeaveError && error.code === 'BAD_INVITATION') return error.message
    throw error
  }
}

t.test('an invitation is one word, and says what it said', async t => {
  t.match(TEXT, /^weave1-[a-z2-7]+$/)
  t.strictSame(decodeInvite(TEXT), INVITE)
  t.strictSame(decodeInvite(`\n ${TEXT.toUpperCase().replace(/(.{60})/g, '$1\r\n')}  \n`), INVITE, 'wrapped by a mail')
  const open = { ...INVITE, secret: '' }
  t.strictSame(decodeInvite(encodeInvite(open)), open)
})

t.test('every invitation comes back whole', async t => {
  const invites = fc.record({
    mesh: fc.uint8Array({ minLength: 16, maxLength: 16 }).map(bytes => Buffer.from(bytes).toString('hex')),
    endpoints: fc.array(
      fc.tuple(fc.ipV4(), fc.integer({ min: 1, max: 65_535 })).map(([ip, port]) => `${ip}:${port}`),
      { minLength: 1, maxLength: 16 },
    ),
    range: fc.constantFrom('10.32.0.0/12', '192.168.0.0/30'),
    domain: fc.constantFrom('weave.local', 'x'),
    secret: fc.string({ unit: 'grapheme', maxLength: 200 }),
  })
  fc.assert(
    fc.property(invites, invite => t.strictSame(decodeInvite(encodeInvite({ ...invite })), { ...invite })),
    { numRuns: 100 },
  )
})

t.test('it is said what is wrong, and nothing of the text', async t => {
  t.match(complaint(''), /it is empty/)
  t.match(complaint('hello'), /it does not begin with weave1-, so it is no invitation/)
  t.match(complaint('weave-ts join'), /no invitation/)
  t.match(complaint(`weave2-${TEXT.slice(7)}`), /it is of version 2, and this program reads version 1/)
  t.match(complaint(TEXT.slice(0, -1)), /it is cut off, 1 character too short/)
  t.match(complaint(TEXT.slice(0, 40)), /it is cut off, \d+ characters too short/)
  t.match(complaint(TEXT.slice(0, 9)), /it is cut off$/)
  t.match(complaint(`${TEXT}aa`), /it is 2 characters too long/)
  t.match(complaint('weave1-'.padEnd(INVITE_CHARACTERS_MAX + 1, 'a')), /longer than 16384 characters/)
  const other = TEXT[50] === 'a' ? 'b' : 'a'
  t.match(complaint(TEXT.slice(0, 50) + other + TEXT.slice(51)), /a character of it is wrong/)
  t.match(complaint(TEXT.slice(0, 50) + '1' + TEXT.slice(51)), /a character of it is wrong/)
})

t.test('what is sealed well and cannot be is refused', async t => {
  for (const wrong of [
    { endpoints: [] },
    { endpoints: Array<string>(17).fill('192.0.2.1:6783') },
    { endpoints: ['host:6783'] },
    { endpoints: ['--open'] },
    { range: '10.32.0.0' },
    { domain: '-- x' },
    { secret: 'x'.repeat(4_097) },
  ])
    t.match(
      complaint(encodeInvite({ ...INVITE, ...wrong })),
      /what it says cannot be/,
      JSON.stringify(wrong).slice(0, 40),
    )
})

t.test('foreign text is refused by the one error, whatever it is', async () => {
  const alphabet = [...'abcdefghijklmnopqrstuvwxyz234567']
  const mutated = fc.array(fc.tuple(fc.nat(), fc.constantFrom(...alphabet, '1', '-', ' ', 'Ä')), { maxLength: 4 })
  const texts = fc.oneof(
    fc.string(),
    fc.array(fc.constantFrom(...alphabet), { maxLength: 300 }).map(letters => `weave1-${letters.join('')}`),
    fc.nat({ max: TEXT.length }).map(length => TEXT.slice(0, length)),
    mutated.map(edits => {
      const letters = [...TEXT]
      for (const [at, letter] of edits) letters[at % letters.length] = letter
      return letters.join('')
    }),
  )
  fc.assert(
    fc.property(texts, text => {
      const said = complaint(text)
      return said === 'none' ? decodeInvite(text).secret === INVITE.secret : !said.includes(INVITE.secret)
    }),
    { numRuns: 3_000 },
  )
})
