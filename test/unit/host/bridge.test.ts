import t from 'tap'
import { parseMac } from '../../../lib/address/mod.ts'
import { planBridge, planTap, type HostStep } from '../../../lib/host/bridge.ts'
import type { InterfaceView } from '../../../lib/host/ip-json.ts'

const want = { name: 'weave', mac: parseMac('02:00:00:00:00:01')!, mtu: 1_330 }
const whole: InterfaceView = {
  ifindex: 3,
  ifname: 'weave',
  mtu: 1_330,
  flags: ['UP'],
  address: '02:00:00:00:00:01',
  ifalias: 'weave-ts:bridge',
  linkinfo: { info_kind: 'bridge', info_data: { stp_state: 0, mcast_snooping: 0 } },
}
const commands = (steps: readonly HostStep[]) => steps.flatMap(step => ('argv' in step ? [step.argv.join(' ')] : []))
const text = (step: HostStep) => ('argv' in step ? step.argv.join(' ') : JSON.stringify(step.sysctls))

t.test('a new bridge refuses router advertisements before it is up', async t => {
  const steps = planBridge(want, undefined).map(text)
  const settings = steps.findIndex(step => step.includes('accept_ra'))
  const up = steps.findIndex(step => step.endsWith(' up'))
  t.ok(settings >= 0 && up > settings)
  t.match(steps[0], /type bridge stp_state 0 mcast_snooping 0/)
})

t.test('a bridge that is well gets no command', async t => {
  t.strictSame(commands(planBridge(want, whole)), [])
})

t.test('drift is mended, and only that', async t => {
  t.strictSame(commands(planBridge(want, { ...whole, mtu: 9_000 })), ['ip link set dev weave mtu 1330'])
  t.strictSame(commands(planBridge(want, { ...whole, flags: [] })), ['ip link set dev weave up'])
  t.strictSame(commands(planBridge(want, { ...whole, address: '02:00:00:00:00:02' })), [
    'ip link set dev weave address 02:00:00:00:00:01',
  ])
  const snooping = { info_kind: 'bridge', info_data: { stp_state: 0, mcast_snooping: 1 } }
  t.match(commands(planBridge(want, { ...whole, linkinfo: snooping })), [/mcast_snooping 0/])
})

t.test('a bridge whose IPv6 comes back is down until it refuses router advertisements', async t => {
  const steps = planBridge(want, { ...whole, mtu: 1_200 }).map(text)
  t.match(steps, [/ down$/, / mtu 1330$/, /accept_ra/, / up$/])
})

t.test('the TAP has no IPv6 before it is up, and becomes a port', async t => {
  const steps = planTap(want, { ifindex: 4, ifname: 'weave-tap', mtu: 1_500, flags: [], txqlen: 500 }).map(text)
  t.ok(steps.findIndex(step => step.includes('disable_ipv6')) < steps.findIndex(step => step.endsWith(' up')))
  t.equal(steps.at(-1), 'ip link set dev weave-tap master weave up')
  t.match(steps[0], /^ip link set dev weave-tap alias \S+ mtu 1330 /)
})
