import t from 'tap'
import type { DaemonConfig } from '../../../lib/daemon/config.ts'
import { derivedSettingsOf } from '../../../lib/daemon/settings.ts'

const config = {
  port: 7_000,
  host: null,
  peers: null,
  ipallocRange: '10.32.0.0/12',
  ipallocDefaultSubnet: null,
  ipallocInit: null,
  ephemeral: false,
  mesh: null,
  advertise: [],
  dnsDomain: 'weave.local',
  dnsListenAddress: [],
  metrics: null,
  bridge: 'weave',
  device: 'weave-tap',
} as unknown as DaemonConfig

const at = (address: string, internal = false) => ({ address, internal }) as never
const INTERFACES = {
  lo: [at('127.0.0.1', true)],
  eth0: [at('192.0.2.1'), at('2001:db8::1'), at('fe80::1')],
  docker0: [at('172.17.0.1')],
  weave: [at('10.32.0.1')],
}

t.test('advertises the addresses of the host, and none of bridges, loopback or one link only', t => {
  t.strictSame(derivedSettingsOf(config, INTERFACES).advertised, ['192.0.2.1:7000', '[2001:db8::1]:7000'])
  const many = { eth0: Array.from({ length: 20 }, (_, number) => at(`192.0.2.${number + 1}`)) }
  t.equal(derivedSettingsOf(config, many).advertised.length, 16)
  t.end()
})

t.test('advertises what the operator named, or what it listens on', t => {
  const named = derivedSettingsOf({ ...config, advertise: ['198.51.100.1', '198.51.100.2:9'] }, INTERFACES)
  t.strictSame(named.advertised, ['198.51.100.1:7000', '198.51.100.2:9'])
  const listening = derivedSettingsOf({ ...config, host: '192.0.2.9' }, INTERFACES)
  t.strictSame(listening.advertised, ['192.0.2.9:7000'])
  t.strictSame(listening.ip, Uint8Array.of(192, 0, 2, 9))
  t.end()
})

t.test('the default subnet is the range unless one is named; addresses among the peers are found', t => {
  const plain = derivedSettingsOf({ ...config, peers: ['h1', '192.0.2.3', '[2001:db8::3]:7'] }, {})
  t.strictSame(plain.defaultSubnet, plain.range)
  t.strictSame(plain.peerAddresses, ['192.0.2.3', '2001:db8::3'])
  t.equal(plain.ip, undefined)
  t.equal(derivedSettingsOf({ ...config, ipallocDefaultSubnet: '10.33.0.0/16' }, {}).defaultSubnet.prefix, 16)
  t.end()
})

t.test('who is to come into one mesh does not decide who founds', t => {
  const mesh = 'ab'.repeat(16)
  t.equal(derivedSettingsOf({ ...config, mesh }, {}).election, undefined)
  t.throws(() => derivedSettingsOf({ ...config, mesh, ipallocInit: 'consensus=3' }, {}), {
    code: 'CONFIG_INVALID',
    message: /--mesh was given together with --ipalloc-init consensus=3/,
  })
  t.end()
})

t.test('a peer that is ephemeral founds nothing', t => {
  t.strictSame(derivedSettingsOf({ ...config, ephemeral: true }, {}).election, { type: 'observer' })
  const observer = { ...config, ephemeral: true, ipallocInit: 'observer' }
  t.strictSame(derivedSettingsOf(observer, {}).election, { type: 'observer' })
  t.throws(() => derivedSettingsOf({ ...config, ephemeral: true, ipallocInit: 'consensus=3' }, {}), {
    code: 'CONFIG_INVALID',
    message: /--ephemeral was given together with --ipalloc-init consensus=3/,
  })
  t.end()
})

for (const [parts, code, message] of [
  [{ ipallocRange: 'ten' }, 'CONFIG_INVALID', '--ipalloc-range ten is not a CIDR'],
  [{ ipallocRange: '10.32.0.1/12' }, 'CONFIG_INVALID', '--ipalloc-range 10.32.0.1/12 has host bits set'],
  [{ ipallocDefaultSubnet: '10/8' }, 'CONFIG_INVALID', '--ipalloc-default-subnet 10/8 is not a CIDR'],
  [
    { ipallocRange: '10.0.0.0/7' },
    'CONFIG_INVALID',
    '--ipalloc-range 10.0.0.0/7 is too large: a range is of /8 to /30',
  ],
  [
    { ipallocRange: '10.32.0.0/31' },
    'CONFIG_INVALID',
    '--ipalloc-range 10.32.0.0/31 is too small: a range is of /8 to /30',
  ],
  [
    { ipallocDefaultSubnet: '10.99.0.0/24' },
    'CONFIG_INVALID',
    '--ipalloc-default-subnet 10.99.0.0/24 is not inside --ipalloc-range 10.32.0.0/12',
  ],
  [
    { ipallocDefaultSubnet: '10.32.0.0/31' },
    'CONFIG_INVALID',
    '--ipalloc-default-subnet 10.32.0.0/31 is smaller than /30',
  ],
  [{ host: 'here' }, 'CONFIG_INVALID', '--host here is not an IP address'],
  [{ advertise: ['there'] }, 'CONFIG_INVALID', '--advertise there is not an address'],
  [{ advertise: ['[fe80::1%eth0]:1'] }, 'CONFIG_INVALID', '--advertise [fe80::1%eth0]:1 is link-local'],
  [{ advertise: ['fd00::1%eth0'] }, 'CONFIG_INVALID', '--advertise fd00::1%eth0 is not an address'],
  [
    { advertise: new Array<string>(17).fill('192.0.2.1') },
    'CONFIG_INVALID',
    '--advertise names 17 addresses; the limit is 16',
  ],
  [{ peers: ['h1', ''] }, 'BAD_PEER', '"" is no peer address'],
] as const)
  t.test(`refuses ${JSON.stringify(parts)}`, t => {
    t.throws(() => derivedSettingsOf({ ...config, ...parts } as DaemonConfig, {}), { code, message })
    t.end()
  })

t.test('metrics are told at an address, on the port of Weave Net unless another is given', t => {
  const at = (metrics: string | null) => derivedSettingsOf({ ...config, metrics }, {}).metrics
  t.equal(at(null), undefined)
  t.equal(at('127.0.0.1'), '127.0.0.1:6782')
  t.equal(at('0.0.0.0:9100'), '0.0.0.0:9100')
  t.equal(at('::1'), '[::1]:6782')
  t.equal(at('[2001:db8::1]:80'), '[2001:db8::1]:80')
  for (const wrong of ['localhost', ':6782', '', '127.0.0.1:0', '127.0.0.1:65536', 'unix:/run/x'])
    t.throws(() => at(wrong), { code: 'CONFIG_INVALID', message: `--metrics ${wrong} is not an address` }, wrong)
  t.end()
})
