import { hostname } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { SecretText } from '../../../lib/io/mod.ts'
import { daemonConfigOf, type LaunchOptions } from '../../../lib/cli/launch-options.ts'

/** As commander gives them for a bare `launch`. */
const BARE: LaunchOptions = {
  stateDir: '/state',
  port: '6783',
  discovery: true,
  connLimit: '200',
  ipallocRange: '10.32.0.0/12',
  bridge: 'weave',
  device: 'weave-tap',
  floodLimit: '10000',
  perfLimit: '1G',
  advertise: [],
  disableOffload: [],
  docker: true,
  dockerPluginDir: '/run/docker/plugins',
  lanes: '2',
  dns: true,
  ipv6: true,
  dnsDomain: 'weave.local',
  dnsListenAddress: [],
  dnsTtl: '1',
  resolvConf: '/etc/resolv.conf',
  logLevel: 'info',
  logFormat: 'auto',
}

t.before(() => delete process.env['WEAVE_PASSWORD'])

t.test('a bare launch is an open mesh with the defaults, and goes on with the stored peers', t => {
  t.match(daemonConfigOf([], BARE), {
    stateDir: '/state',
    nickname: hostname().slice(0, 63),
    host: null,
    port: 6783,
    secret: null,
    otherSecret: null,
    peers: null,
    discovery: true,
    connLimit: 200,
    ipallocDefaultSubnet: null,
    ipallocInit: null,
    mesh: null,
    ephemeral: false,
    mtu: null,
    clampMss: false,
    floodLimit: 10_000,
    perfLimit: 1_000_000_000,
    floodArp: false,
    floodMulticast: false,
    allowRa: false,
    allowDhcp: false,
    lanes: 2,
    metrics: null,
    group: null,
    warnings: [],
  })
  t.end()
})

t.test('options become numbers, lists and names', t => {
  const options = { ...BARE, port: '7000', connLimit: '0', mtu: '1400', lanes: '1', disableOffload: ['tap-gso'] }
  t.match(daemonConfigOf(['h1', 'h2'], { ...options, nickname: 'me', host: '192.0.2.1', discovery: false }), {
    port: 7_000,
    connLimit: 0,
    mtu: 1_400,
    lanes: 1,
    disableOffload: ['tap-gso'],
    peers: ['h1', 'h2'],
    nickname: 'me',
    host: '192.0.2.1',
    discovery: false,
  })
  t.end()
})

for (const [parts, option] of [
  [{ port: 'x' }, 'port'],
  [{ port: '0' }, 'port'],
  [{ port: '65536' }, 'port'],
  [{ port: '67 83' }, 'port'],
  [{ connLimit: '-1' }, 'conn-limit'],
  [{ perfLimit: 'much' }, 'perf-limit'],
  [{ perfLimit: '101G' }, 'perf-limit'],
  [{ mtu: '1e3' }, 'mtu'],
  [{ lanes: '3' }, 'lanes'],
  [{ bridge: 'a name with spaces' }, 'bridge'],
  [{ device: 'sixteen-letters-' }, 'device'],
  [{ nickname: '' }, 'nickname'],
  [{ nickname: 'a\nb' }, 'nickname'],
  [{ disableOffload: ['warp'] }, 'disable-offload'],
  [{ logLevel: 'loud' }, 'log-level'],
  [{ logFormat: 'xml' }, 'log-format'],
] satisfies readonly (readonly [Partial<LaunchOptions>, string])[])
  t.test(`refuses ${JSON.stringify(parts)} by the option's name`, t => {
    const expected = {
      code: 'CONFIG_INVALID',
      message: new RegExp(`^--${option} .+ cannot be used: it must be (?!another)`),
      remedy: /launch --help/,
    }
    t.throws(() => daemonConfigOf([], { ...BARE, ...parts }), expected)
    t.end()
  })

const textOf = (secret: SecretText | null) => new TextDecoder().decode(secret?.take())

t.test('the secret comes from a file, an option or the environment; one of the first two, and they win', t => {
  const dir = t.testdir({ secret: 'from the file\n', other: 'the other\n' })
  const passwordFile = join(dir, 'secret')
  process.env['WEAVE_PASSWORD'] = 'from the environment'
  t.teardown(() => delete process.env['WEAVE_PASSWORD'])
  const secretOf = (parts: Partial<LaunchOptions>) => textOf(daemonConfigOf([], { ...BARE, ...parts }).secret)
  t.match(secretOf({ passwordFile }), 'from the file')
  t.match(secretOf({ password: 'given' }), 'given')
  t.match(secretOf({}), 'from the environment')
  t.throws(() => secretOf({ passwordFile: '' }), {
    code: 'CONFIG_INVALID',
    message: /name of the password file is empty/,
  })
  t.throws(() => secretOf({ passwordFile, password: 'given' }), { code: 'CONFIG_INVALID', message: /both/ })
  t.throws(() => secretOf({ password: '' }), { code: 'CONFIG_INVALID', message: '--password is empty' })
  t.match(daemonConfigOf([], { ...BARE, password: 'given' }).warnings, [/other users could read it/])
  process.env['WEAVE_PASSWORD'] = 'again'
  t.throws(() => secretOf({ open: true }), { code: 'CONFIG_INVALID', message: /--open was given together/ })
  process.env['WEAVE_PASSWORD'] = ''
  t.equal(daemonConfigOf([], { ...BARE, open: true }).isOpenMeant, true)
  t.equal(daemonConfigOf([], BARE).secret, null, 'an empty variable is none')
  const both = daemonConfigOf([], { ...BARE, passwordFile, otherPasswordFile: join(dir, 'other') })
  t.match(textOf(both.otherSecret), 'the other')
  t.throws(() => daemonConfigOf([], { ...BARE, otherPasswordFile: join(dir, 'other') }), {
    code: 'CONFIG_INVALID',
    message: /without a mesh secret/,
  })
  t.end()
})
