import t from 'tap'
import { bridgeAddressesOf } from '../../../lib/daemon/bridge-addresses.ts'

t.test('addresses of both families become what the engine takes, and what is none is left out', t => {
  t.same(bridgeAddressesOf(['10.32.0.1/12', 'fd00::1/64', 'weave', '10.32.0.2']), [
    { ip: Uint8Array.of(10, 32, 0, 1), prefix: 12 },
    { ip: Uint8Array.of(0xfd, ...new Uint8Array(14), 1), prefix: 64 },
  ])
  t.end()
})
