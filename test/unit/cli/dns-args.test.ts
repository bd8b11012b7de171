import t from 'tap'
import { dnsArgs } from '../../../lib/cli/dns-args.ts'

const dns = { domain: 'weave.local', isOn: true, ttlSeconds: 1, names: 0, containers: 0, upstream: [] }
const queries = { total: 0, forwarded: 0, failed: 0, dropped: 0 }

t.test('the servers that a container can ask', async t => {
  const args = (...listening: string[]) => dnsArgs({ ...dns, queries, listening })
  t.strictSame(args('10.32.0.1:53'), ['--dns=10.32.0.1', '--dns-search=weave.local'])
  t.strictSame(args('10.32.0.1:53', '[fd00::1]:53', '[fe80::1]:53', '127.0.0.1:5353').slice(0, -1), [
    '--dns=10.32.0.1',
    '--dns=fd00::1',
  ])
  t.throws(() => args(), { code: 'NOT_EXPOSED', message: /nowhere yet/ })
  t.throws(() => args('127.0.0.1:53'), { code: 'NOT_EXPOSED' }, 'which is the container itself to a container')
  t.throws(() => args('127.0.0.1:5353'), { code: 'NOT_EXPOSED', message: /127\.0\.0\.1:5353 only/ })
  t.strictSame(dnsArgs({ ...dns, queries, listening: [], isOn: false }), [], 'launched with --no-dns')
})
