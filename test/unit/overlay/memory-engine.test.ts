import fc from 'fast-check'
import t from 'tap'
import { endpointOf, type EndpointParts } from '../../../lib/address/mod.ts'
import { Forwarder } from '../../../lib/overlay/forwarder.ts'
import { MacTable } from '../../../lib/overlay/mac-table.ts'
import { READY, ROW, SEND } from '../../../lib/overlay/packet-engine.ts'
import { DATAGRAM_KIND, FRAME_FLAG } from '../../../lib/wire/datagram.ts'
import { acquaint } from '../../support/engine-pair.ts'
import { fillFrameFields } from '../../support/frame-fields.ts'
import { ethernetFrame } from '../../support/frames.ts'
import { MemoryEngine } from '../../support/memory-engine.ts'
import type { MemoryEngineOptions } from '../../support/memory-engine-options.ts'
import type { Sealing } from '../../support/memory-session.ts'

const EVERYBODY = 0xffff_ffff_ffff

interface Host {
  readonly engine: MemoryEngine
  readonly forwarder: Forwarder
  readonly endpoint: EndpointParts
}

function hostMac(index: number): number {
  return 0x0200_0000_0000 + index
}

/** Hosts that all hold sessions with each other; peer indices are the host numbers. */
function meshOf(count: number, sealing: Sealing, wire: Uint8Array[] = [], options: Partial<MemoryEngineOptions> = {}) {
  const places = new Map<string, Host>()
  const hosts: Host[] = []
  for (let index = 0; index < count; index++) {
    const endpoint = { ip: Uint8Array.of(10, 0, 0, index + 1), port: 6783 }
    const engine = new MemoryEngine({
      sealing,
      ...options,
      onDatagram(bytes, to) {
        wire.push(bytes)
        places.get(endpointOf(to.ip, to.port))?.engine.receiveDatagram(bytes, endpoint)
      },
    })
    const macs = new MacTable(new ArrayBuffer(MacTable.bytesFor(256)))
    const hooks = {
      onControl: () => undefined,
      onControlFlood: () => undefined,
      onMoved: () => undefined,
      onWanted: () => undefined,
      onLarge: () => undefined,
      onSpoofed: () => undefined,
      onNotice: () => undefined,
      onGroupFrame: () => true,
    }
    const host = { engine, forwarder: new Forwarder(engine, macs, hooks), endpoint }
    places.set(endpointOf(endpoint.ip, endpoint.port), host)
    hosts.push(host)
  }
  for (const [self, { engine }] of hosts.entries()) {
    engine.setSelf(new Uint8Array(8).fill(self + 1))
    for (const [peer, far] of hosts.entries()) if (peer !== self) acquaint(engine, self, peer, far.endpoint)
  }
  return hosts
}

/** Lets all lanes run until nobody has anything to do. */
function settle(hosts: readonly Host[]): void {
  for (let isBusy = true; isBusy;) {
    isBusy = false
    for (const { forwarder } of hosts) {
      while (forwarder.outbound(1000) >= 0) isBusy = true
      while (forwarder.inbound(1000) >= 0) isBusy = true
    }
  }
}

/** The tree that `parents` describes (host i > 0 hangs on parents[i - 1] < i) as a table has it, seen from `root`. */
function treeFrom(parents: readonly number[], root: number): number[] {
  const neighbours = (host: number) => {
    const list = parents.flatMap((parent, i) => (parent === host ? [i + 1] : []))
    return host > 0 ? [parents[host - 1]!, ...list] : list
  }
  const below = (host: number, from: number): number[] =>
    neighbours(host)
      .filter(next => next !== from)
      .flatMap(next => {
        const part = below(next, host)
        return [next, part.length / 2, ...part]
      })
  return below(root, -1)
}

function giveTrees(hosts: readonly Host[], parents: readonly number[]): void {
  const all = hosts.map((_, host) => host)
  for (const [self, { forwarder }] of hosts.entries()) {
    const tree = Int32Array.from(treeFrom(parents, self))
    forwarder.setTable({ selfIndex: self, tree, adjacent: all, reachable: all, owners: undefined })
  }
}

t.test('on any tree of hosts a broadcast reaches everybody else once, and the answer is a single datagram', async t => {
  const trees = fc
    .integer({ min: 2, max: 9 })
    .chain(count => fc.tuple(...Array.from({ length: count - 1 }, (_, i) => fc.nat(i))))
  const law = fc.property(trees, fc.nat(8), fc.nat(8), (parents, first, second) => {
    const wire: Uint8Array[] = []
    const hosts = meshOf(parents.length + 1, 'none', wire)
    giveTrees(hosts, parents)
    const asker = first % hosts.length
    const other = second % hosts.length
    const question = ethernetFrame(EVERYBODY, hostMac(asker), new Uint8Array(46))
    hosts[asker]!.engine.pushTap(question)
    settle(hosts)
    for (const [host, { engine }] of hosts.entries()) {
      const frames = engine.takeTap().length
      if (frames !== (host === asker ? 0 : 1)) throw new Error(`${frames} copies at host ${host}`)
    }
    if (wire.length !== hosts.length - 1) throw new Error(`${wire.length} datagrams`)
    if (other === asker) return
    hosts[other]!.engine.pushTap(ethernetFrame(hostMac(asker), hostMac(other), new Uint8Array(46)))
    settle(hosts)
    if (wire.length !== hosts.length) throw new Error('the answer was flooded')
    if (hosts[asker]!.engine.takeTap().length !== 1) throw new Error('no answer')
  })
  t.doesNotThrow(() => fc.assert(law, { numRuns: 60 }))
})

t.test('a way in which peers come again and again does not multiply a broadcast', async t => {
  const wire: Uint8Array[] = []
  const hosts = meshOf(4, 'none', wire)
  const all = [0, 1, 2, 3]
  const tree = Int32Array.of(1, 4, 2, 2, 1, 0, 3, 0, 3, 0, 2, 3, 1, 2, 2, 1, 3, 0, 3, 0)
  for (const [self, { forwarder }] of hosts.entries())
    forwarder.setTable({ selfIndex: self, tree, adjacent: all, reachable: all, owners: undefined })
  hosts[0]!.engine.pushTap(ethernetFrame(EVERYBODY, hostMac(0), new Uint8Array(46)))
  settle(hosts)
  t.same(
    hosts.map(host => host.engine.takeTap().length),
    [0, 1, 1, 1],
  )
  t.ok(wire.length <= 9, `${wire.length} datagrams`)
})

for (const sealing of ['aead', 'none'] as const) {
  t.test(`sealing '${sealing}' catches every flipped bit`, async t => {
    const wire: Uint8Array[] = []
    const [a, b] = meshOf(2, sealing, wire)
    a!.engine.sendControl(2, Uint8Array.of(1, 2, 3, 4))
    const [datagram] = wire
    t.equal(b!.engine.udpRead(), 1)
    for (let bit = 0; bit < datagram!.length * 8; bit++) {
      const flipped = datagram!.slice()
      flipped[bit >> 3]! ^= 1 << (bit & 7)
      b!.engine.receiveDatagram(flipped, a!.endpoint)
      t.equal(b!.engine.udpRead(), 0)
    }
  })
}

t.test('what is sealed shows nothing of the frame', async t => {
  const wire: Uint8Array[] = []
  const hosts = meshOf(2, 'aead', wire)
  giveTrees(hosts, [0])
  const secret = 'a text that must not show'
  hosts[0]!.engine.pushTap(ethernetFrame(EVERYBODY, hostMac(0), new TextEncoder().encode(secret)))
  settle(hosts)
  t.equal(wire.length, 1)
  t.notOk(new TextDecoder('latin1').decode(wire[0]).includes(secret))
  t.ok(new TextDecoder('latin1').decode(hosts[1]!.engine.takeTap()[0]).includes(secret))
})

t.test('carries what the vnet header says from TAP to TAP', async t => {
  const hosts = meshOf(3, 'aead')
  giveTrees(hosts, [0, 1])
  const frame = ethernetFrame(EVERYBODY, hostMac(0), new Uint8Array(80))
  const offload = { flags: FRAME_FLAG.checksumPartial | FRAME_FLAG.gsoTcp4, gsoSize: 1400, checksum: 34 | (16 << 16) }
  hosts[0]!.engine.pushTap({ frame, ...offload })
  settle(hosts)
  for (const host of [1, 2]) t.same(hosts[host]!.engine.takeTapFrames(), [{ frame, ...offload }])
})

t.test('its queues are bounded and what they refuse is counted', async t => {
  const [host] = meshOf(1, 'aead', [], { queueLimit: 4 })
  for (let i = 0; i < 10; i++) host!.engine.pushTap(ethernetFrame(EVERYBODY, 5, new Uint8Array(46)))
  for (let i = 0; i < 10; i++) host!.engine.receiveDatagram(new Uint8Array(5), host!.endpoint)
  t.match(host!.engine.counters(), { 'drop:tap-full': 6, 'drop:udp-full': 6 })
  t.equal(host!.engine.wait(READY.tap | READY.udp, 1000), READY.tap | READY.udp)
  t.equal(host!.engine.tapRead(), 4)
  t.equal(host!.engine.udpRead(), 0)
  t.equal(host!.engine.udpRead(), -1)
  t.equal(host!.engine.wait(READY.tap | READY.udp, 1000), 0)
})

t.test('reads a long queue in batches', async t => {
  const [a] = meshOf(2, 'aead', [], { rowsMax: 3 })
  for (let i = 0; i < 7; i++) a!.engine.pushTap(ethernetFrame(EVERYBODY, 5, new Uint8Array(46)))
  t.same(
    [1, 2, 3, 4].map(() => a!.engine.tapRead()),
    [3, 3, 1, 0],
  )
})

t.test('a frame too big for a row, or too short to be one, is dropped at the TAP', async t => {
  const [a] = meshOf(1, 'aead')
  a!.engine.pushTap(new Uint8Array(3000))
  a!.engine.pushTap(new Uint8Array(13))
  a!.engine.pushTap(ethernetFrame(EVERYBODY, 5, new Uint8Array(46)))
  t.equal(a!.engine.tapRead(), 1)
  t.match(a!.engine.counters(), { 'drop:too-big': 1, 'drop:malformed-frame': 1 })
  t.equal(a!.engine.sends.length % SEND.columns, 0)
  t.equal(a!.engine.rows[ROW.kind], DATAGRAM_KIND.frame)
})

t.test('reads the fields of any bytes without a throw', async t => {
  const rows = new Int32Array(ROW.columns)
  const starts = fc.constantFrom([], [0x86, 0xdd], [0x08, 0x00], [0x08, 0x06], [0x81, 0x00])
  const law = fc.property(starts, fc.uint8Array({ maxLength: 120 }), (type, bytes) => {
    bytes.set(type.slice(0, Math.max(0, bytes.length - 12)), Math.min(12, bytes.length))
    return fillFrameFields(rows, 0, bytes) === bytes.length >= 14
  })
  t.doesNotThrow(() => fc.assert(law, { numRuns: 500 }))
})
