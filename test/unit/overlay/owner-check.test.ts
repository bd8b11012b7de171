import t from 'tap'
import { OWNER_NONE, OwnerCheck } from '../../../lib/overlay/owner-check.ts'

const FIRST = 0x0a20_0000
const owners = {
  first: FIRST,
  blockSize: 64,
  ownerOf: Int32Array.of(1, 2, -1),
  lentAddresses: Uint32Array.of(FIRST + 5, FIRST + 9, FIRST + 70),
  lentTo: Int32Array.of(2, 3, 1),
}
const ipv6Prefix = Uint8Array.of(0xfd, 1, 2, 3, 4, 5, 0, 0)

function setUp() {
  const check = new OwnerCheck()
  check.setTable({ owners, ipv6Prefix })
  return check
}

t.test('an address is of the owner of its block, or of who borrowed it', async t => {
  const check = setUp()
  const ownerOf = [0, 4, 5, 9, 63, 64, 70, 127, 128, 192, -1].map(offset => check.ownerOf(FIRST + offset))
  t.same(ownerOf, [1, 1, 2, 3, 1, 2, 1, 2, OWNER_NONE, OWNER_NONE, OWNER_NONE])
  t.equal(check.ownerOf(0), OWNER_NONE)
  t.ok(check.isOfAnother(FIRST, 2))
  t.notOk(check.isOfAnother(FIRST, 1))
  t.notOk(check.isOfAnother(FIRST + 5, 2), 'the borrower may use it')
  t.notOk(check.isOfAnother(FIRST + 5, 1), 'its lender, too')
  t.ok(check.isOfAnother(FIRST + 5, 3))
  t.notOk(check.isOfAnother(FIRST + 128, 3), 'a block of nobody is anybody’s')
})

t.test('without owners every address is anybody’s', async t => {
  const check = setUp()
  check.setTable({ owners: undefined })
  t.notOk(check.isOfAnother(FIRST, 2))
  t.equal(check.ownerOf(FIRST), OWNER_NONE)
  t.notOk(check.isOfAnotherIpv6(0xfd01_0203, 0x0405_0000, 0, FIRST, 2))
})

t.test('addresses of IPv6 that have the prefix of the mesh are of who has the IPv4 address at their end', async t => {
  const check = setUp()
  const [first, second] = [0xfd01_0203 | 0, 0x0405_0000]
  t.ok(check.isOfAnotherIpv6(first, second, 0, FIRST, 2))
  t.notOk(check.isOfAnotherIpv6(first, second, 0, FIRST, 1))
  t.ok(check.isOfAnotherIpv6(first, second, 1, FIRST, 1), 'no address of the mesh')
  t.notOk(check.isOfAnotherIpv6(first, 0x0406_0000, 0, FIRST, 2), 'another prefix')
  t.notOk(check.isOfAnotherIpv6(0xfe80_0000 | 0, 0, 0, FIRST, 2), 'link-local')
  const bytes = new Uint8Array(19)
  bytes.set(ipv6Prefix, 3)
  bytes.set([10, 32, 0, 64], 15)
  t.equal(check.ownerOfIpv6(bytes, 3), 2)
  bytes[13] = 1
  t.equal(check.ownerOfIpv6(bytes, 3), OWNER_NONE)
})
