import t from 'tap'
import {
  checkNoAddress,
  formatAddressForm,
  parseAddressForm,
  parseAddressForms,
  parseClaim,
} from '../../../lib/ipam/address-form.ts'
import { claimError, subnetError } from '../../../lib/ipam/subnet-check.ts'
import { cidr } from './support.ts'

const RANGE = cidr('10.32.0.0/12')

t.test('each form is read', async t => {
  t.same(parseAddressForm('10.2.1.1/24', RANGE), { type: 'claim', cidr: cidr('10.2.1.1/24') })
  t.same(parseAddressForm('ip:10.2.1.1/24', RANGE), { type: 'claim', cidr: cidr('10.2.1.1/24') })
  t.same(parseAddressForm('net:10.2.2.0/24', RANGE), { type: 'subnet', subnet: cidr('10.2.2.0/24') })
  t.same(parseAddressForm('net:default', RANGE), { type: 'default' })
  t.same(parseAddressForm('', RANGE), { type: 'default' })
  t.same(parseAddressForms([], RANGE), [{ type: 'default' }])
  t.equal(parseAddressForms(['net:default', '10.2.1.1/24'], RANGE).length, 2)
})

t.test('each form is written as it is read', async t => {
  for (const text of ['ip:10.2.1.1/24', 'net:10.2.2.0/24', 'net:default']) {
    t.equal(formatAddressForm(parseAddressForm(text, RANGE)), text)
  }
})

t.test('anything else says what is right', async t => {
  const cases = ['10.2.1.1', 'ip:10.2.1.1', 'ip:', '10.2.1/24', '10.2.1.1/33', '10.2.1.256/8', 'net:', 'net:10.2.2.0']
  for (const text of [...cases, 'net:x/24', 'eth:10.2.1.1/24', ' 10.2.1.1/24', '10.2.1.1/024', 'none']) {
    t.throws(() => parseAddressForm(text, RANGE), { code: 'BAD_ADDRESS', remedy: /10\.32\.1\.5\/24/ }, text)
  }
  t.throws(() => parseAddressForm('10.2.1.1/33', RANGE), {
    message: '"10.2.1.1/33" has no prefix length from /0 to /32',
  })
  t.throws(() => parseAddressForm('net:10.2.2.9/24', RANGE), {
    message: /10\.2\.2\.0\/24/,
    remedy: /ip:10\.2\.2\.9\/24/,
  })
})

t.test('IPv6 is not asked for, and an address is no target', async t => {
  t.throws(() => parseAddressForm('fd12::1/64', RANGE), { code: 'BAD_ADDRESS', message: /follow from the IPv4/ })
  for (const text of ['10.32.0.9/24', '10.32.0.9', 'net:default', 'ip:10.32.0.9/24', 'fd12::1/64'])
    t.throws(() => checkNoAddress(text), { code: 'BAD_TARGET', remedy: /target last/ }, text)
  for (const text of ['netns:x', 'pid:7', '/run/netns/x', 'web', '10', '']) checkNoAddress(text)
  t.throws(() => parseClaim('10.32.0.9', RANGE), { code: 'BAD_ADDRESS', remedy: /^write the address as `weave-ts ps`/ })
})

t.test('hints name addresses of the range of the mesh', async t => {
  const remedy = (range: string) => {
    try {
      return parseAddressForm('x', cidr(range))
    } catch (error) {
      return (error as { remedy: string }).remedy
    }
  }
  t.match(remedy('192.168.0.0/16'), /192\.168\.1\.5\/24 .* net:192\.168\.2\.0\/24/)
  t.match(remedy('10.9.8.0/24'), /10\.9\.8\.5\/24 .* net:10\.9\.8\.0\/24/)
  t.match(remedy('10.9.8.4/30'), /10\.9\.8\.5\/30 .* net:10\.9\.8\.4\/30/)
  t.throws(() => parseClaim('net:default', cidr('172.20.0.0/16')), {
    ...{ code: 'BAD_ADDRESS', remedy: /instance 172\.20\.0\.1\/16/ },
  })
})

t.test('a subnet has at least four addresses and lies in the range', async t => {
  const range = cidr('10.32.0.0/12')
  t.equal(subnetError(cidr('10.32.0.0/30'), range), undefined)
  t.equal(subnetError(range, range), undefined)
  t.match(subnetError(cidr('10.32.0.0/31'), range), { code: 'BAD_ADDRESS' })
  t.match(subnetError(cidr('10.32.0.1/24'), range), { code: 'BAD_ADDRESS', remedy: /10\.32\.0\.0\/24/ })
  t.match(subnetError(cidr('10.48.0.0/24'), range), { code: 'ADDRESS_OUTSIDE_RANGE', message: /10\.32\.0\.0\/12/ })
  t.match(subnetError(cidr('10.0.0.0/8'), range), { code: 'ADDRESS_OUTSIDE_RANGE' })
})

t.test('the first and the last address of a subnet cannot be claimed', async t => {
  const range = cidr('10.32.0.0/12')
  t.equal(claimError(cidr('10.32.1.1/24'), range), undefined)
  t.match(claimError(cidr('10.32.1.0/24'), range), {
    code: 'ADDRESS_RESERVED',
    remedy: /10\.32\.1\.1 to 10\.32\.1\.254/,
  })
  t.match(claimError(cidr('10.32.1.255/24'), range), { code: 'ADDRESS_RESERVED', message: /last \(broadcast\)/ })
  t.match(claimError(cidr('10.32.1.1/32'), range), { code: 'BAD_ADDRESS' })
  t.equal(claimError(cidr('192.168.1.1/24'), range), undefined, 'outside of the range')
  t.match(claimError(cidr('192.168.1.0/24'), range), { code: 'ADDRESS_RESERVED' })
  t.match(claimError(cidr('10.48.0.1/8'), range), { code: 'ADDRESS_OUTSIDE_RANGE', message: /10\.0\.0\.0\/8/ })
  for (const nobodys of ['0.1.2.3/24', '127.0.0.2/24', '224.0.0.1/24'])
    t.match(claimError(cidr(nobodys), range), { code: 'BAD_ADDRESS' })
})
