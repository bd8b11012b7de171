import t from 'tap'
import { parsePeerName, resolvePeer } from '../../../lib/io/resolver.ts'
import { weaveError } from './temporary.ts'

const PORT = 6783
const answers =
  (...addresses: string[]) =>
  () =>
    Promise.resolve(addresses.map(address => ({ address })))

for (const [text, host, port] of [
  ['host1', 'host1', PORT],
  ['host1.example.org.:7000', 'host1.example.org.', 7000],
  ['my_host', 'my_host', PORT],
  ['10.0.0.1', '10.0.0.1', PORT],
  ['10.0.0.1:99', '10.0.0.1', 99],
  ['[fd00::1]:99', 'fd00::1', 99],
  ['fd00::1', 'fd00::1', PORT],
  ['fe80::1%eth0', 'fe80::1%eth0', PORT],
  ['[fe80::1%eth0]:99', 'fe80::1%eth0', 99],
] as const) {
  t.test(`reads ${text}`, t => {
    t.strictSame(parsePeerName(text, PORT), { host, port })
    t.end()
  })
}

for (const text of [
  '',
  ':6783',
  'host:0',
  'host:65536',
  'host:x',
  '10.0.0.256',
  '1.2.3',
  'a b',
  '-a',
  'a..b',
  '[::1',
  'a/b',
  'x'.repeat(300),
]) {
  t.test(`refuses ${JSON.stringify(text.slice(0, 20))} with the forms that are known`, t => {
    const error = weaveError(() => parsePeerName(text, PORT))
    t.equal(error?.code, 'BAD_PEER')
    t.match(error?.remedy ?? '', /\[fd00::1\]:6783/)
    t.end()
  })
}

t.test('an address needs no lookup', async t => {
  const never = () => Promise.reject(new Error('asked'))
  t.strictSame(await resolvePeer('[fd00::1]:7', PORT, never), { endpoints: ['[fd00::1]:7'] })
})

t.test('gives every address of both families once', async t => {
  const found = await resolvePeer('h', PORT, answers('10.0.0.1', 'fd00::1', '::ffff:10.0.0.1', 'fe80::1%7'))
  t.strictSame(found, { endpoints: ['10.0.0.1:6783', '[fd00::1]:6783', '[fe80::1%7]:6783'] })
})

t.test('takes at most sixteen', async t => {
  const many = answers(...Array.from({ length: 40 }, (_, i) => `10.0.0.${i}`))
  t.equal((await resolvePeer('h', PORT, many)).endpoints.length, 16)
})

t.test('a name that does not resolve is a failure that can pass', async t => {
  const error = Object.assign(new Error('getaddrinfo ENOTFOUND h'), { code: 'ENOTFOUND' })
  t.strictSame(await resolvePeer('h', PORT, () => Promise.reject(error)), {
    endpoints: [],
    failure: 'h does not resolve',
  })
  t.strictSame(await resolvePeer('h', PORT, answers()), { endpoints: [], failure: 'h has no address' })
})

t.test("asks the system's resolver, /etc/hosts included", async t => {
  const { endpoints } = await resolvePeer('localhost:7', PORT)
  t.ok(
    endpoints.some(endpoint => endpoint === '127.0.0.1:7' || endpoint === '[::1]:7'),
    endpoints.join(),
  )
})

t.test('a link-local address has an interface with it, and no other has', async t => {
  t.match(
    weaveError(() => parsePeerName('fe80::1', PORT)),
    { code: 'BAD_PEER', message: /is link-local/ },
  )
  t.match(
    weaveError(() => parsePeerName('[2001:db8::1%eth0]:1', PORT)),
    { code: 'BAD_PEER', message: /not link-local/ },
  )
  const { endpoints, failure } = await resolvePeer('fe80::1%nowhere9', PORT, answers())
  t.same([endpoints, failure], [[], 'this host has no interface nowhere9 with a link-local IPv6 address'])
  t.same((await resolvePeer('[fe80::1%7]:99', PORT, answers())).endpoints, ['[fe80::1%7]:99'])
})
