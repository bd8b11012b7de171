import t from 'tap'
import { audit, type AuditedTarget, type AuditFacts } from '../../../lib/daemon/ipam-audit.ts'

const IP = '10.32.0.1/12'
const target = (rest: Partial<AuditedTarget> = {}): AuditedTarget => ({
  ...{ key: 'netns:a', holder: 'attachment', description: 'namespace a', cidrs: [IP], ipv6: [] },
  found: { addresses: [IP] },
  give: cidr => `give ${cidr}`,
  take: cidr => `take ${cidr}`,
  ...rest,
})
const facts = (rest: Partial<AuditFacts> = {}): AuditFacts => ({
  targets: [target()],
  leases: [{ container: 'netns:a', holder: 'attachment', cidr: IP }],
  isBusy: () => false,
  disputed: [],
  toldHere: () => ['10.32.0.1', 'fd00::1'],
  toldElsewhere: () => [],
  strays: [],
  lostBlocks: 0,
  unownedBlocks: 0,
  wait: undefined,
  isInRange: () => true,
  isOfMesh: text => text.startsWith('fd00:'),
  ...rest,
})
const findings = (rest: Partial<AuditFacts>) => audit(facts(rest)).map(({ what, remedy }) => `${what} | ${remedy}`)

t.test('where all agrees there is nothing to find', t => {
  t.strictSame(audit(facts()), [])
  const six = target({ ipv6: ['fd00::1/64'], found: { addresses: [IP, 'fd00::1/64', 'fd99::1/64'] } })
  t.strictSame(audit(facts({ targets: [six] })), [])
  t.strictSame(audit(facts({ targets: [target({ found: undefined })], toldHere: () => [] })), [], 'a stopped one')
  t.end()
})

const cases: readonly (readonly [string, Partial<AuditFacts>, RegExp])[] = [
  ['a wait', { wait: 'nobody knows' }, /no address can be given: nobody knows/],
  ['lost blocks', { lostBlocks: 3 }, /3 blocks are this peer's by the ledger, but a later owner/],
  ['blocks of nobody', { unownedBlocks: 4 }, /4 blocks are nobody's.*rmpeer/],
  ['a dispute', { disputed: [{ what: `c has ${IP}: h2 has it`, remedy: 'detach' }] }, /c has 10\.32\.0\.1\/12: h2/],
  ['a lease of nobody', { targets: [] }, /leased to netns:a, which is not recorded as having it/],
  ['one address on two hosts', { toldElsewhere: () => ['c of h2'] }, /netns:a here has .*, and so has c of h2/],
  ['a record without a lease', { leases: [] }, /recorded with 10\.32\.0\.1\/12, which is not leased.*take.*give/],
  ['no look', { targets: [target({ found: { failure: 'gone' } })] }, /could not be looked at: gone/],
  ['a lost address', { targets: [target({ found: { addresses: [] } })] }, /does not have 10\.32\.0\.1\/12.*give 10/],
  [
    'a lost IPv6 address',
    { targets: [target({ ipv6: ['fd00::1/64'] })] },
    /does not have fd00::1\/64.* \| give 10\.32\.0\.1/,
  ],
  ['silence', { toldHere: () => [] }, /the mesh is not told that namespace a has 10\.32\.0\.1/],
  [
    'an address too many',
    { targets: [target({ found: { addresses: [IP, '10.32.0.9/12'] } })] },
    /namespace a has 10\.32\.0\.9\/12, which weave-ts did not give it.*give 10\.32\.0\.9/,
  ],
  [
    'an IPv6 address of the mesh too many',
    { targets: [target({ found: { addresses: [IP, 'fd00::9/64'] } })] },
    /namespace a has fd00::9\/64, which weave-ts did not give it \| nobody hears.*ip addr del fd00::9/,
  ],
  ['a stray', { strays: ['netns:x (vwx)'] }, /netns:x \(vwx\) is plugged into the overlay, and nothing is recorded/],
]
for (const [name, rest, expected] of cases)
  t.test(`finds ${name}, and says what to do`, t => {
    const found = findings(rest)
    t.equal(found.length, 1, found.join('\n'))
    t.match(found[0], expected)
    t.end()
  })

t.test('one address in two places of the host is found once, with both', t => {
  const other = target({ key: 'netns:b', description: 'namespace b', cidrs: ['10.32.0.2/12'] })
  const found = findings({ targets: [target(), { ...other, found: { addresses: [IP] } }] })
  t.equal(found.filter(text => /on several interfaces of this host: namespace a, namespace b/.test(text)).length, 1)
  t.end()
})

t.test('what is just being changed is left alone', t => {
  t.strictSame(audit(facts({ isBusy: () => true, targets: [target({ found: { addresses: [] } })], leases: [] })), [])
  t.strictSame(audit(facts({ isBusy: () => true, targets: [] })), [])
  t.end()
})
