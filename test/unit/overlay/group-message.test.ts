import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { formatIp, formatMac, parseIp } from '../../../lib/address/mod.ts'
import {
  GROUP_MESSAGE,
  groupMessageAt,
  isGroupIp,
  isForKeptGroup,
  isKeptGroup,
  macOfGroup,
  readGroupReport,
} from '../../../lib/overlay/group-message.ts'
import { arpPayload, ethernetFrame, tagged } from '../../support/frames.ts'
import { foreignBytes } from '../../support/foreign-bytes.ts'
import { igmpFrame, igmpReport, mldFrame, mldReport, streamFrame } from '../../support/group-frames.ts'

const G = '239.1.2.3'
const G6 = 'ff05::1:3'
const SOURCE = '10.32.0.9'

function kindOf(frame: Uint8Array, before = 7): number {
  const slab = new Uint8Array(before + frame.length + 64).fill(0xff)
  slab.set(frame, before)
  return groupMessageAt(slab, before, frame.length)
}

function read(frame: Uint8Array): { joined: string[]; left: string[] } | undefined {
  const report = readGroupReport(frame)
  return report && { joined: report.joined.map(formatIp), left: report.left.map(formatIp) }
}

t.test('reports of every version tell who listens to what', async t => {
  t.same(read(igmpFrame(0x12, G)), { joined: [G], left: [] }, 'IGMPv1')
  t.same(read(igmpFrame(0x16, G)), { joined: [G], left: [] }, 'IGMPv2')
  t.same(read(igmpFrame(0x17, G)), { joined: [], left: [G] }, 'IGMPv2 leave')
  t.same(read(mldFrame(131, G6)), { joined: [G6], left: [] }, 'MLDv1')
  t.same(read(mldFrame(132, G6)), { joined: [], left: [G6] }, 'MLDv1 done')
})

t.test('records of IGMPv3 and MLDv2 by their types', async t => {
  const joins = [
    { type: 2, group: '239.0.0.1' },
    { type: 4, group: '239.0.0.2', auxWords: 2 },
    { type: 5, group: '239.0.0.3', sources: [SOURCE] },
    { type: 1, group: '239.0.0.4', sources: [SOURCE, '10.32.0.8'] },
    { type: 3, group: '239.0.0.5', sources: [SOURCE] },
  ]
  const leaves = [
    { type: 3, group: '239.1.0.1' },
    { type: 6, group: '239.1.0.2', sources: [SOURCE] },
  ]
  const nothing = [
    { type: 1, group: '239.2.0.1' },
    { type: 7, group: '239.2.0.2' },
    { type: 2, group: '10.0.0.1' },
  ]
  t.same(read(igmpReport([...joins, ...leaves, ...nothing])), {
    joined: joins.map(({ group }) => group),
    left: leaves.map(({ group }) => group),
  })
  const records = [
    { type: 4, group: G6, sources: ['fe80::9'] },
    { type: 3, group: 'ff02::fb' },
  ]
  t.same(read(mldReport(records)), { joined: [G6], left: ['ff02::fb'] })
})

t.test('a record that is longer than its frame says nothing, nor does what comes after it', async t => {
  const frame = igmpReport([
    { type: 4, group: G },
    { type: 4, group: '239.9.9.9', sources: [SOURCE] },
  ])
  t.same(read(frame.subarray(0, frame.length - 1)), { joined: [G], left: [] })
  const bytes = frame.slice()
  bytes[14 + 24 + 8 + 8 + 2] = 0xff
  t.same(read(bytes), { joined: [G], left: [] })
})

t.test('routers are known by their queries and by PIM; all else is no message about groups', async t => {
  t.equal(kindOf(igmpFrame(0x11, '0.0.0.0')), GROUP_MESSAGE.router)
  t.equal(kindOf(mldFrame(130, '::')), GROUP_MESSAGE.router)
  t.equal(kindOf(igmpFrame(0x16, G).with(14 + 9, 103)), GROUP_MESSAGE.router, 'PIM')
  t.equal(kindOf(streamFrame('ff02::d').with(14 + 6, 103)), GROUP_MESSAGE.router, 'PIM of IPv6')
  for (const frame of [igmpFrame(0x16, G), igmpReport([]), mldReport([]), mldFrame(132, G6)])
    t.equal(kindOf(frame), GROUP_MESSAGE.report)
  const none = {
    'of a stream': streamFrame(G),
    'of a stream of IPv6': streamFrame(G6),
    'a question for a MAC address': ethernetFrame(0xffff_ffff_ffff, 2, arpPayload(2, 1, 3), 0x0806),
    'behind a VLAN tag': igmpFrame(0x16, G).with(12, 0x81).with(13, 0),
    'a later piece': igmpFrame(0x16, G).with(14 + 7, 1),
    'a first piece': igmpFrame(0x16, G).with(14 + 6, 0x20),
    'another type of IGMP': igmpFrame(0x1f, G),
    'ICMPv6 without its option': mldFrame(131, G6).with(14 + 6, 58),
    'no IPv4': igmpFrame(0x16, G).with(14, 0x66),
    'a header too short': igmpFrame(0x16, G).with(14, 0x44),
  }
  for (const [what, frame] of Object.entries(none)) {
    t.equal(kindOf(frame), GROUP_MESSAGE.none, what)
    t.equal(readGroupReport(frame), undefined, what)
  }
})

t.test('groups have the addresses of Ethernet that the RFCs give them', async t => {
  const mac = (text: string) => formatMac(macOfGroup(parseIp(text)!))
  t.equal(mac('239.129.2.3'), '01:00:5e:01:02:03')
  t.equal(mac('224.0.0.251'), '01:00:5e:00:00:fb')
  t.equal(mac('ff05::80:1:3'), '33:33:00:01:00:03')
  t.equal(mac('ff02::1:ff83:7daa'), '33:33:ff:83:7d:aa')
})

t.test('only groups for which reports can be waited for are kept, and their frames are known', async t => {
  const isFor = (frame: Uint8Array) => {
    const slab = new Uint8Array(9 + frame.length)
    slab.set(frame, 9)
    return isForKeptGroup(slab, 9, frame.length)
  }
  for (const text of ['239.1.2.3', '224.0.1.1', '239.0.0.5', 'ff02::fb', 'ff05::2', 'ff02::1:3']) {
    t.ok(isKeptGroup(parseIp(text)!), text)
    t.ok(isFor(streamFrame(text)), text)
    t.notOk(isFor(tagged(1, streamFrame(text))), `${text} behind a VLAN tag`)
  }
  for (const text of ['224.0.0.1', '224.0.0.251', 'ff02::1', 'ff05::1', 'ff02::1:ff00:1']) {
    t.notOk(isKeptGroup(parseIp(text)!), text)
    t.notOk(isFor(streamFrame(text)), text)
  }
  for (const text of ['10.0.0.1', 'fe80::1']) t.notOk(isKeptGroup(parseIp(text)!), text)
  for (const mac of [0xffff_ffff_ffff, 0x0180_c200_000e, 0x011b_1900_0000, 0x0100_5e80_0101, 0x3333_0000_0009])
    t.notOk(isFor(ethernetFrame(mac, 2, new Uint8Array(40).fill(0xef), 0x0800)), formatMac(mac))
  t.notOk(isFor(ethernetFrame(0x0100_5e01_0203, 2, new Uint8Array(40), 0x0800)), 'an address of no group')
  for (const frame of [streamFrame(G), streamFrame(G6)]) t.notOk(isFor(frame.subarray(0, 33)))
})

t.test('whatever the bytes, nothing throws, and groups are groups', async t => {
  const good = [
    igmpReport([
      { type: 4, group: G, sources: [SOURCE], auxWords: 1 },
      { type: 3, group: '239.0.0.9' },
    ]),
    mldReport([
      { type: 2, group: G6 },
      { type: 1, group: 'ff02::9', sources: ['fe80::1', 'fe80::2'] },
    ]),
    igmpFrame(0x17, G),
    mldFrame(131, G6),
  ]
  fc.assert(
    fc.property(fc.constantFrom(...good).chain(foreignBytes), fc.nat(20), (frame, before) => {
      const slab = new Uint8Array(before + frame.length).fill(0xaa)
      slab.set(frame, before)
      const kind = groupMessageAt(slab, before, frame.length)
      const report = readGroupReport(frame)
      assert.equal(kind === GROUP_MESSAGE.report, report !== undefined)
      for (const ip of [...(report?.joined ?? []), ...(report?.left ?? [])]) assert(isGroupIp(ip))
    }),
    { numRuns: 5000 },
  )
  t.pass('the law holds')
})
