import t from 'tap'
import { parseNameServers } from '../../../lib/names/mod.ts'

t.test('name servers are read in their order, each once; all else is left aside', async t => {
  const text = [
    '# nameserver 192.0.2.9',
    'nameserver 192.0.2.1',
    'nameserver\t2001:db8::1 # the other one',
    'search example.com',
    'nameserver 192.0.2.1',
    'nameserver not-an-address',
    'nameserver fe80::1%eth0',
    'nameserver',
    ' nameserver 192.0.2.8',
    'options timeout:1',
    'nameserver 192.0.2.2\r',
  ].join('\n')
  t.same(parseNameServers(text), ['192.0.2.1', '2001:db8::1', '192.0.2.2'])
  t.same(parseNameServers(''), [])
  const many = Array.from({ length: 50 }, (_, i) => `nameserver 192.0.2.${i}`)
  t.equal(parseNameServers(many.join('\n')).length, 8)
})
