import t from 'tap'
import { WeaveError } from '../../../lib/base/mod.ts'
import {
  bridgeFilterFindings,
  clockFindings,
  diskFindings,
  inputFindings,
  preflightFindings,
  underlayFindings,
} from '../../../lib/doctor/host-checks.ts'
import { hostFacts, shortOf } from './reports.ts'

const BROKEN = new WeaveError('COMMAND_FAILED', 'nft ended with status 1', 'run it by hand')

t.test('what a launch would be refused for is a problem, with its remedy', async t => {
  const { preflight } = hostFacts()
  t.ok(preflightFindings(hostFacts()).every(({ verdict }) => verdict === 'ok'))
  const range = new WeaveError('RANGE_OVERLAP', 'the range overlaps', 'choose another')
  const found = preflightFindings(hostFacts({ preflight: { ...preflight, range, tools: BROKEN } }))
  t.match(
    found.find(({ check }) => check === 'range'),
    { verdict: 'problem', found: 'the range overlaps', remedy: 'choose another' },
  )
  t.match(
    found.find(({ check }) => check === 'tools'),
    { verdict: 'unknown', found: 'nft ended with status 1' },
  )
})

t.test('a chain that drops is a doubt until neighbours show that it lets the port through', async t => {
  const host = hostFacts({ inputDrops: [{ chain: 'inet filter input', missing: ['tcp', 'udp'] }] })
  t.match(inputFindings(host, { tcp: false, udp: false }), [
    {
      verdict: 'warning',
      found: /chain inet filter input drops .* names tcp or udp port 6783/,
      remedy: /`nft insert rule inet filter input tcp dport 6783 accept` and `nft insert rule inet filter input udp/,
    },
  ])
  t.match(inputFindings(host, { tcp: true, udp: false }), [{ verdict: 'warning', found: /names udp port/ }])
  t.strictSame(shortOf(inputFindings(host, { tcp: true, udp: true })), ['firewall ok'])
  t.strictSame(shortOf(inputFindings(hostFacts({ inputDrops: BROKEN }), { tcp: true, udp: true })), [
    'firewall unknown',
  ])
})

t.test(
  'bridged packets that are filtered are told, with who lets them through, and what the daemon warns of',
  async t => {
    const filtered = hostFacts({ bridgeFilters: ['iptables'] })
    t.match(bridgeFilterFindings(hostFacts(), { accepting: [], warnings: [] }), [
      { verdict: 'ok', found: /does not hand/ },
    ])
    t.match(
      bridgeFilterFindings(filtered, {
        accepting: ['iptables-nft'],
        warnings: [{ what: 'a chain drops', remedy: 'allow it' }],
      }),
      [
        {
          check: 'bridge-netfilter',
          verdict: 'ok',
          found: /to iptables, where a rule of ours accepts them \(iptables-nft\)/,
        },
        { check: 'firewall', verdict: 'warning', found: 'a chain drops', remedy: 'allow it' },
      ],
    )
    t.match(bridgeFilterFindings(filtered, undefined), [
      { verdict: 'ok', found: /a daemon lets those of weave through/ },
    ])
    t.strictSame(shortOf(bridgeFilterFindings(hostFacts({ bridgeFilters: BROKEN }), undefined)), [
      'bridge-netfilter unknown',
    ])
  },
)

t.test('an overlay that is larger than the network below is a doubt with both sizes', async t => {
  t.match(underlayFindings(hostFacts(), 1_330), [{ verdict: 'ok', found: /MTU is 1330\) fit into the 1500 bytes/ }])
  t.match(underlayFindings(hostFacts({ underlayMtu: 1_460 }), 1_376), [
    { verdict: 'warning', found: /is 1376, and only 1290 fit in any case .* the 1460 bytes/, remedy: /--mtu 1290$/ },
  ])
  t.match(underlayFindings(hostFacts({ underlayMtu: 1_400 }), 1_280), [{ verdict: 'ok' }], 'what IPv6 needs fits')
  t.match(underlayFindings(hostFacts({ underlayMtu: 1_280 }), 1_280), [
    { verdict: 'warning', found: /no more than 1198 fit into/, remedy: /--mtu 1198, which is too little for IPv6$/ },
  ])
  t.strictSame(shortOf(underlayFindings(hostFacts({ underlayMtu: BROKEN }), 1_376)), ['mtu unknown'])
})

t.test('a clock that nothing keeps, and a disk that is nearly full, are doubts', async t => {
  const now = new Date('2026-01-31T12:00:00Z')
  t.match(clockFindings(hostFacts(), now), [{ verdict: 'ok', found: /2026-01-31T12:00:00\.000Z, and is kept/ }])
  t.strictSame(shortOf(clockFindings(hostFacts({ isClockKept: false }), now)), ['clock warning'])
  t.strictSame(shortOf(clockFindings(hostFacts({ isClockKept: BROKEN }), now)), ['clock unknown'])
  t.match(diskFindings(hostFacts({ freeBytes: 5 * 1024 * 1024 })), [
    { verdict: 'warning', found: /nearly full .5 MiB are free/, remedy: /make room there .df / },
  ])
  t.strictSame(shortOf(diskFindings(hostFacts())), ['disk ok'])
  t.strictSame(shortOf(diskFindings(hostFacts({ freeBytes: undefined }))), ['disk unknown'])
})
