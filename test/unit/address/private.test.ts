import t from 'tap'
import { isPrivateAddress } from '../../../lib/address/mod.ts'

t.test('private is what the internet does not route', async t => {
  for (const text of ['127.0.0.1', '10.9.8.7', '172.31.0.1', '192.168.1.1', '169.254.9.9', '100.127.0.1'])
    t.ok(isPrivateAddress(text), text)
  for (const text of ['::1', 'fe80::1%eth0', 'febf::1', 'fc00::1', 'fdff::1']) t.ok(isPrivateAddress(text), text)
  for (const text of ['192.0.2.1', '172.32.0.1', '100.128.0.1', '11.0.0.1', '::', '::2', 'fec0::1', '2001:db8::1', 'x'])
    t.notOk(isPrivateAddress(text), text)
})
