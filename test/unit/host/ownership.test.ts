import t from 'tap'
import { parseMac } from '../../../lib/address/mod.ts'
import { planBridge } from '../../../lib/host/bridge.ts'
import type { InterfaceView } from '../../../lib/host/ip-json.ts'
import {
  adoptedAlias,
  beforeAdoption,
  checkBridgeOwner,
  checkDeviceOwner,
  isAdopted,
  isOurBridge,
} from '../../../lib/host/ownership.ts'

function bridge(parts: Partial<InterfaceView> = {}): InterfaceView {
  return {
    ifindex: 3,
    ifname: 'weave',
    mtu: 1_376,
    flags: ['UP'],
    address: '02:00:00:00:00:09',
    linkinfo: { info_kind: 'bridge', info_data: { stp_state: 0, mcast_snooping: 0 } },
    ...parts,
  }
}

t.test('a bridge that weave-ts made, or took over, is ours; another is refused with its likely owner', t => {
  t.doesNotThrow(() => checkBridgeOwner(undefined, [], false))
  t.doesNotThrow(() => checkBridgeOwner(bridge({ ifalias: 'weave-ts:bridge' }), ['vethwe-bridge'], false))
  t.doesNotThrow(() => checkBridgeOwner(bridge({ ifalias: adoptedAlias(bridge()) }), [], false))
  t.doesNotThrow(() => checkBridgeOwner(bridge(), [], true), 'it may be taken over')
  for (const [name, ports, says] of [
    ['weave', ['vethwe-bridge', 'vethwepl1234'], /Weave Net; with vethwe-bridge, vethwepl1234 plugged in/],
    ['weave', [], /Weave Net; nothing is plugged/],
    ['blue', ['vethwe-datapath'], /Weave Net/],
    ['docker0', ['veth1'], /Docker/],
    ['br-0123456789ab', [], /Docker/],
    ['virbr0', [], /libvirt/],
    ['cni0', [], /Kubernetes/],
    ['cni-podman0', [], /Podman|Kubernetes/],
    ['podman1', [], /Podman/],
    ['lxcbr0', [], /LXC/],
    ['incusbr0', [], /Incus/],
    ['vmbr0', [], /Proxmox/],
    ['lan', ['eth0'], /whose it is cannot be told/],
  ] as const)
    t.throws(() => checkBridgeOwner(bridge({ ifname: name }), ports, false), {
      code: 'BRIDGE_FOREIGN',
      message: says,
      remedy: /--adopt-bridge/,
    })
  t.throws(() => checkBridgeOwner(bridge({ ifalias: 'uplink of the cellar' }), [], false), { code: 'BRIDGE_FOREIGN' })
  t.end()
})

t.test('the mark of an adopted bridge says what it had before', t => {
  const values = { mcast_snooping: 1, 'ipv6.accept_ra': 0 }
  const alias = adoptedAlias(bridge(), values)
  const before = { mtu: '1376', mac: '02:00:00:00:00:09', alias: '' }
  t.strictSame(beforeAdoption(bridge({ ifalias: alias })), { ...before, values })
  const [old] = alias.split(' mcast')
  t.strictSame(beforeAdoption(bridge({ ifalias: old! })), { ...before, values: {} }, 'of an earlier release')
  const named = adoptedAlias(bridge({ ifalias: 'uplink of=1 the cellar' }), values)
  t.strictSame(beforeAdoption(bridge({ ifalias: named })), { ...before, values, alias: 'uplink of=1 the cellar' })
  t.throws(() => adoptedAlias(bridge({ ifalias: 'x'.repeat(250) })), {
    code: 'BRIDGE_FOREIGN',
    message: /bytes too long/,
  })
  t.ok(isAdopted(bridge({ ifalias: alias })))
  t.notOk(isAdopted(bridge({ ifalias: 'weave-ts:bridge' })))
  t.ok(isOurBridge(bridge({ ifalias: 'weave-ts:bridge' })))
  for (const ifalias of ['weave-ts:adopted', 'weave-ts:adopted 99999999 x', 'weave-ts:bridge'])
    t.equal(beforeAdoption(bridge({ ifalias })), undefined)
  t.end()
})

t.test('a bridge is marked before anything of it is changed, and once', t => {
  const want = { name: 'weave', mac: parseMac('02:00:00:00:00:01')!, mtu: 1_330 }
  const commands = (found?: InterfaceView) =>
    planBridge(want, found).flatMap(step => ('argv' in step ? [step.argv.join(' ')] : []))
  t.match(commands()[1], /alias weave-ts:bridge$/, 'right after it is made')
  t.match(commands(bridge())[0], /alias weave-ts:adopted 1376 02:00:00:00:00:09$/)
  t.notMatch(commands(bridge({ ifalias: 'weave-ts:bridge' })).join('\n'), 'alias')
  t.notMatch(commands(bridge({ ifalias: adoptedAlias(bridge()) })).join('\n'), 'alias')
  t.end()
})

t.test('a TAP device that outlives its maker is not ours, nor is another kind of interface', t => {
  const tap = (persist: boolean) =>
    bridge({ ifname: 'weave-tap', linkinfo: { info_kind: 'tun', info_data: { persist } } })
  t.doesNotThrow(() => checkDeviceOwner(undefined))
  t.doesNotThrow(() => checkDeviceOwner(tap(false)), 'the engine tells whether it is in use')
  t.throws(() => checkDeviceOwner(tap(true)), { code: 'INTERFACE_EXISTS', message: /weave-tap.*lasting/ })
  t.throws(() => checkDeviceOwner(bridge({ ifname: 'weave-tap' })), { code: 'INTERFACE_EXISTS', remedy: /--device/ })
  t.end()
})
