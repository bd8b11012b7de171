import t from 'tap'
import { parseIp, scopeIdOf } from '../../../lib/address/mod.ts'
import { formatSystemIp, parseSystemIp, scopeIdOfInterface } from '../../../lib/io/interface-scope.ts'

const interfaces = () => ({
  lo: [{}],
  eth0: [{ scopeid: 0 }, { scopeid: 2 }],
  eth1: [{ scopeid: 3 }],
  gone: undefined,
})

t.test('reads addresses as the system writes them, and writes them so', t => {
  const ip = parseSystemIp('fe80::1%eth1', interfaces)!
  t.equal(scopeIdOf(ip), 3)
  t.equal(formatSystemIp(ip, interfaces), 'fe80::1%eth1')
  t.same(parseSystemIp('fe80::1%3', interfaces), ip)
  t.equal(formatSystemIp(parseSystemIp('fe80::1%9', interfaces)!, interfaces), 'fe80::1%9', 'an interface that is gone')
  t.same(parseSystemIp('::ffff:192.0.2.1', interfaces), Uint8Array.of(192, 0, 2, 1))
  t.same(parseSystemIp('2001:db8::1%eth1', interfaces), parseIp('2001:db8::1'))
  t.equal(formatSystemIp(parseIp('2001:db8::1')!, interfaces), '2001:db8::1')
  t.end()
})

t.test('an interface without a link-local address has no scope id', t => {
  t.equal(scopeIdOfInterface('eth0', interfaces), 2)
  for (const name of ['lo', 'gone', 'nowhere']) {
    t.equal(scopeIdOfInterface(name, interfaces), undefined, name)
    t.equal(parseSystemIp(`fe80::1%${name}`, interfaces), undefined)
  }
  t.equal(parseSystemIp('nonsense%eth0', interfaces), undefined)
  t.equal(parseSystemIp('', interfaces), undefined)
  t.end()
})
