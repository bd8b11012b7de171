import t from 'tap'
import { familiesOf, Ipv6Plan, ipv6Among } from '../../../lib/daemon/ipv6-plan.ts'
import { ipv6Plan } from '../../support/ipv6-plan.ts'

t.test('each IPv4 address has its IPv6 address, in the same order', async t => {
  t.strictSame(ipv6Plan().of(['10.40.0.9/24', '10.32.0.1/12']), [
    'fd12:3456:789a:1800::a28:9/64',
    'fd12:3456:789a:1::a20:1/64',
  ])
  t.equal(ipv6Plan().off, undefined)
})

t.test('none is given when it is not wanted, when the MTU is too small, or before there is a mesh', async t => {
  const cidrs = ['10.32.0.1/12']
  t.strictSame([ipv6Plan(false).of(cidrs), ipv6Plan(false).off], [[], '--no-ipv6'])
  t.strictSame(ipv6Plan(true, 1_279).of(cidrs), [])
  t.match(ipv6Plan(true, 1_279).off, /1279.*1280/)
  t.equal(ipv6Plan(true, 1_280).off, undefined)
  const early = new Ipv6Plan({ isWanted: true, mtu: 1_330, range: { address: 0, prefix: 8 }, prefix: () => undefined })
  t.strictSame([early.of(cidrs), early.isKnown, early.off], [[], false, undefined])
  t.notOk(early.isOfMesh('fd12:3456:789a:1::a20:1/64'))
})

t.test('addresses of the mesh are told from others', async t => {
  const plan = ipv6Plan()
  t.ok(plan.isOfMesh('fd12:3456:789a:ffff::1/64'))
  for (const text of ['fd12:3456:789b:1::a20:1/64', '10.32.0.1/12', 'fe80::1/64', 'x'])
    t.notOk(plan.isOfMesh(text), text)
})

t.test('those that go with some of the IPv4 addresses are found by what they end in', async t => {
  const all = ['fd12:3456:789a:1::a20:1/64', 'fd99::a20:2/64']
  t.strictSame(ipv6Among(all, ['10.32.0.2/12']), ['fd99::a20:2/64'])
  t.strictSame(ipv6Among(all, []), [])
})

t.test('what a target does without is that it has IPv6 off', async t => {
  const addresses = ['10.32.0.1/12', 'fd12::a20:1/64']
  t.strictSame(familiesOf(['fd12::a20:1/64'], { addresses }), { ipv6: ['fd12::a20:1/64'], isIpv6Off: false })
  t.strictSame(familiesOf(['fd12::a20:2/64'], { addresses }), { ipv6: [], isIpv6Off: true })
  t.strictSame(familiesOf([], { addresses }), { ipv6: [], isIpv6Off: false })
})
