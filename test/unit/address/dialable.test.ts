import t from 'tap'
import { endpointOf, isDialable, parseCidr, parseEndpoint, parseIp, type Endpoint } from '../../../lib/address/mod.ts'

const OVERLAY = parseCidr('10.32.0.0/12')!

t.test('addresses where another host can be are dialled', async t => {
  for (const text of [
    '192.0.2.1:6783',
    '10.31.255.255:1',
    '10.48.0.0:1',
    '169.253.1.1:6783',
    '223.255.255.255:65535',
    '126.1.1.1:1',
    '128.0.0.1:1',
    '[2001:db8::1]:6783',
    '[fd00::1]:6783',
    '[64:ff9b::192.0.2.1]:6783',
    '[fe00::1]:6783',
  ])
    t.ok(isDialable(parseEndpoint(text)!, OVERLAY), text)
})

t.test('addresses of this host, this wire, groups and the overlay are not', async t => {
  for (const text of [
    '127.0.0.1:6783',
    '127.255.255.255:6783',
    '0.0.0.0:6783',
    '0.1.2.3:6783',
    '169.254.169.254:80',
    '224.0.0.1:6783',
    '239.255.255.250:1900',
    '240.0.0.1:6783',
    '255.255.255.255:67',
    '10.32.0.1:6783',
    '10.47.255.255:6783',
    '[::1]:6783',
    '[::]:6783',
    '[::127.0.0.1]:6783',
    '[0:0:0:0:0:0:1:1]:6783',
    '[::ffff:127.0.0.1]:6783',
    '[::ffff:169.254.169.254]:80',
    '[64:ff9b::127.0.0.1]:6783',
    '[fe80::1]:6783',
    '[febf::1]:6783',
    '[ff02::1]:6783',
  ])
    t.notOk(isDialable(parseEndpoint(text)!, OVERLAY), text)
})

t.test('neither is a mapped address that was not brought into its canonical form, nor port 0', async t => {
  const mapped = `[${'0:'.repeat(5)}ffff:7f00:1]:6783` as Endpoint
  t.notOk(isDialable(mapped, OVERLAY))
  t.notOk(isDialable(endpointOf(parseIp('192.0.2.1')!, 0)))
})

t.test('without an overlay its addresses are like others', async t => {
  t.ok(isDialable(parseEndpoint('10.32.0.1:6783')!))
})
