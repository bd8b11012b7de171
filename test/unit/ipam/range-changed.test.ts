import t from 'tap'
import { LEASE_HOLDER } from '../../../lib/ipam/lease-holder.ts'
import { rangeChangedError, rangeText } from '../../../lib/ipam/range-changed.ts'
import { cidr, ip, peer, record } from './support.ts'

const HAD = record([{ first: 0, count: 4, owners: [peer(1)] }], cidr('10.32.0.0/20'))

function lease(address: string, container: string) {
  return { container, holder: LEASE_HOLDER.attachment, address: ip(address), prefix: 20 }
}

t.test('the refusal names both ranges, and all that is in use', async t => {
  const leases = [lease('10.32.0.9', 'web'), lease('10.32.0.2', 'db')]
  t.match(rangeChangedError(cidr('10.64.0.0/16'), HAD, leases), {
    code: 'RANGE_CHANGED',
    message:
      'this peer holds address blocks of 10.32.0.0/20 in /26 blocks, and was launched with 10.64.0.0/16; ' +
      'in use are 10.32.0.2 (db), 10.32.0.9 (web)',
    remedy: /detach and hide what is in use, and run `weave-ts reset` first/,
  })
})

t.test('a long list is cut, and none is said too', async t => {
  const many = Array.from({ length: 20 }, (_, i) => lease(`10.32.0.${i + 1}`, `c${i}`))
  t.match(rangeChangedError(cidr('10.64.0.0/16'), HAD, many).message, /10\.32\.0\.16 \(c15\) and 4 more$/)
  t.match(rangeChangedError(cidr('10.64.0.0/16'), HAD, []), {
    message: /no address of it is in use here$/,
    remedy: /^launch it with the range that it had; or run/,
  })
  t.equal(rangeText(new Uint8Array(3)), 'another range')
})
