import t from 'tap'
import { parseCidr } from '../../../lib/address/mod.ts'
import { PAST_HOLD_MS, PAST_SETTLE_MS, RECOVERED_REST_MS } from '../../../lib/node/constants.ts'
import type { PastReport } from '../../../lib/node/past.ts'
import type { SimHost } from '../../support/sim-host.ts'
import { SimMesh } from '../../support/sim-mesh.ts'

const RANGE = parseCidr('10.32.0.0/24')!

function launched(): { mesh: SimMesh; one: SimHost; other: SimHost } {
  const config = { range: RANGE, defaultSubnet: RANGE, blockPrefix: 28 }
  const mesh = new SimMesh({ seed: 3, peers: 2, sealing: 'none', config })
  mesh.launchAll(500)
  for (const number of [0, 1]) mesh.attach(number)
  mesh.run(3_000)
  return { mesh, one: mesh.host(0), other: mesh.host(1) }
}

function past(host: SimHost): PastReport {
  return host.node.report(0).parts['past'] as PastReport
}

function hold(host: SimHost): string | undefined {
  return host.node.addresses.ipam.hold?.reason
}

function told(mesh: SimMesh, event: string): boolean {
  return mesh.events.tail(5_000).some(line => line.includes(` ${event} `))
}

t.test('who never met another member is not held', async t => {
  const mesh = new SimMesh({ seed: 3, peers: 1, sealing: 'none' })
  const host = mesh.host(0)
  host.launch()
  t.equal(hold(host), undefined)
  host.crash(false)
  host.launch()
  t.equal(hold(host), undefined)
  t.equal(host.node.ledger.isListening, false)
})

t.test('who met one is held until that one was asked, and a moment longer', async t => {
  const { mesh, one } = launched()
  one.crash(false)
  mesh.run(1_000)
  one.launch()
  t.match(hold(one), /no other member has said yet/)
  t.equal(one.node.ledger.isListening, true)
  t.type(
    mesh.until(() => !one.node.ledger.isListening, 2_000, 10),
    'number',
  )
  t.match(hold(one), /whether another process has this identity/)
  const id = mesh.attach(0)
  mesh.run(PAST_SETTLE_MS - 200)
  t.equal(one.isWaiting(id), true)
  mesh.run(300)
  t.equal(hold(one), undefined)
  t.not(one.containers.get(id)?.ip, undefined, 'what waited is given')
  t.equal(past(one).isUnproved, false)
})

t.test('who reaches nobody goes on after a while, says so, and speaks only to who comes', async t => {
  const { mesh, one, other } = launched()
  one.crash(false)
  other.crash(false)
  mesh.run(1_000)
  one.launch()
  const id = mesh.attach(0)
  mesh.run(PAST_HOLD_MS - 10)
  t.equal(one.isWaiting(id), true)
  mesh.run(20)
  t.equal(one.isWaiting(id), false)
  t.equal(past(one).isUnproved, true)
  t.ok(told(mesh, 'past-unproved'))
  t.equal(one.node.ledger.isListening, true)
  mesh.run(30_000)
  t.equal(one.node.ledger.isListening, true)
  other.launch()
  t.type(
    mesh.until(() => !one.node.ledger.isListening && mesh.agrees(), 150_000),
    'number',
  )
  t.equal(past(one).isUnproved, false)
})

t.test('blocks that came back are kept back while the host cannot account for a port, also over a restart', async t => {
  const { mesh, one, other } = launched()
  other.crash(false)
  other.replaceDisk()
  other.launch([0])
  other.input((node, now) => node.handlePlugged([], ['somebody'], now))
  mesh.run(RECOVERED_REST_MS + 5_000)
  t.match(past(other).recovered, { strays: ['somebody'] })
  const { length } = other.node.addresses.ipam.ownBlocks()
  t.ok(length > 0 && past(other).recovered!.blocks <= length)
  other.crash(false)
  other.launch([0])
  t.match(past(other).recovered, { blocks: past(other).recovered!.blocks })
  mesh.run(RECOVERED_REST_MS + 5_000)
  t.equal(past(other).recovered, undefined, 'the host accounts for all now')
  t.ok(told(mesh, 'recovered-free'))
  t.equal(past(one).recovered, undefined)
})

t.test('a port that cannot be accounted for at the start keeps all own blocks back', async t => {
  const { mesh, one } = launched()
  one.crash(false)
  one.strays = ['somebody']
  one.launch()
  mesh.run(RECOVERED_REST_MS + 5_000)
  t.match(past(one).recovered, { blocks: one.node.addresses.ipam.ownBlocks().length, strays: ['somebody'] })
  const id = mesh.attach(0, { type: 'claim', cidr: parseCidr('10.32.0.9/24')! })
  mesh.run(5_000)
  t.match(one.node.report(0).ipam.pending, [{ container: id, reason: /keeps 1 block of its own back/ }])
  one.input((node, now) => node.handlePlugged([], [], now))
  mesh.run(10)
  t.equal(past(one).recovered, undefined)
  t.not(one.containers.get(id)?.ip, undefined)
})

t.test('who is known already, and has nothing stored, waits whether it is alone', async t => {
  const { mesh, other } = launched()
  other.crash(false)
  other.replaceDisk()
  other.launch([0])
  t.equal(hold(other), undefined)
  t.type(
    mesh.until(() => hold(other) !== undefined, 5_000, 10),
    'number',
  )
  t.match(hold(other), /whether another process has this identity/)
  mesh.run(PAST_SETTLE_MS + 100)
  t.equal(hold(other), undefined)
})

t.test('who is told that another process took its place gives nothing for a moment', async t => {
  const config = { range: RANGE, defaultSubnet: RANGE, blockPrefix: 28 }
  const identityOf = (number: number) => Math.min(number, 1)
  const mesh = new SimMesh({ seed: 3, peers: 3, sealing: 'none', config, identityOf })
  const [founder, one, clone] = [mesh.host(0), mesh.host(1), mesh.host(2)]
  founder.launch()
  one.launch([0])
  mesh.run(5_000)
  t.equal(hold(one), undefined)
  // What the clone writes does not come to the first one before it is held.
  clone.launch([0])
  t.type(
    mesh.until(() => hold(one) !== undefined, 5_000, 1),
    'number',
  )
  t.match(hold(one), /waiting whether another process has this identity/)
  mesh.run(PAST_SETTLE_MS)
  t.match(hold(one), /another process has the identity of this peer/, 'and that shows')
})
