import assert from 'node:assert/strict'
import t from 'tap'
import { firstAddress } from '../../../lib/address/cidr.ts'
import { playSeed, seedsOf } from '../../support/sim-seeds.ts'
import { Mesh, NO_FAULTS, type Faults } from './mesh.ts'
import { SALT, cidr } from './support.ts'

// 16 blocks of 16 addresses in a /24, and 512 blocks, so two segments, in a /19.
const RANGES = [cidr('10.32.0.0/24'), cidr('10.32.0.0/19')]
const SEEDS = seedsOf('IPAM', 60)

function faultsOf(seed: number): Faults {
  return {
    loss: [0, 1 / 10, 1 / 4][seed % 3]!,
    duplicate: [1 / 5, 0][seed % 2]!,
    delayMinMs: 1,
    delayMaxMs: [30, 400, 3000][seed % 3]!,
    crashOneIn: [0, 150, 60][Math.floor(seed / 3) % 3]!,
  }
}

function run(seed: number): Mesh {
  const range = RANGES[seed % 4 === 0 ? 1 : 0]!
  const mesh = new Mesh(2 + (seed % 5), range, seed, faultsOf(seed))
  mesh.act(mesh.hosts[0]!, machine => machine.found(SALT, 0))
  for (let step = 0; step < 250; step++) {
    const host = mesh.hosts[mesh.draw(mesh.hosts.length)]!
    const container = `c${mesh.draw(20)}`
    const id = `r${step}`
    const what = mesh.draw(100)
    const { now } = mesh
    if (what < 45) {
      const subnet = mesh.draw(3) === 0 ? cidr(`10.32.0.${16 * mesh.draw(4)}/28`) : range
      mesh.ask(host, id, machine => machine.allocate({ id, container, subnet }, now))
    } else if (what < 55) {
      const claimed = { address: firstAddress(range) + 1 + mesh.draw(250), prefix: range.prefix }
      mesh.ask(host, id, machine => machine.claim({ id, container, cidr: claimed }, now))
    } else if (what < 75) {
      mesh.act(host, machine => machine.free(container, undefined, now))
    } else if (what < 85) {
      mesh.gossip()
    } else if (what < 88) {
      mesh.partition()
    } else if (what < 92) {
      mesh.heal()
    }
    mesh.pass(mesh.draw(what < 96 ? 300 : 8000))
  }
  return mesh
}

/** Faults stop; after a while with nothing but gossip everybody must agree. */
function settle(mesh: Mesh): void {
  Object.assign(mesh.faults, NO_FAULTS)
  mesh.heal()
  for (let round = 0; round < 200; round++) {
    mesh.gossip()
    mesh.pass(100)
  }
  const [first] = mesh.hosts
  for (let block = 0; block < first!.machine.space.blockCount; block++) {
    const register = first!.machine.registerOf(block)
    assert.ok(register !== undefined, `block ${block} is nobody's`)
    for (const host of mesh.hosts) assert.deepEqual(host.machine.registerOf(block), register)
    const owner = mesh.hosts.find(host => host.id === register.owner)
    assert.ok(owner?.machine.isOwn(block), `block ${block} is not held by its owner`)
  }
  for (const host of mesh.hosts) {
    const report = host.machine.report()
    assert.deepEqual([report.state, report.pending, report.disputed], ['ready', [], []])
    assert.equal(host.waiting.size, 0)
    assert.deepEqual(host.machine.leases().length, host.leases.size)
  }
}

t.test('no address is held twice, every request ends in time, and all agree when faults stop', async t => {
  const ends = { done: 0, failed: 0 }
  for (const seed of SEEDS)
    playSeed('IPAM', seed, () => {
      const mesh = run(seed)
      settle(mesh)
      ends.done += mesh.ends.done
      ends.failed += mesh.ends.failed
    })
  t.ok(ends.done > 20 * SEEDS.length, `${ends.done} requests succeeded`)
  t.ok(ends.failed > 0, `${ends.failed} failed`)
})

t.test('every peer gets an address soon when nothing is wrong', async t => {
  for (let seed = 1; seed <= 10; seed++) {
    const mesh = new Mesh(6, RANGES[0]!, seed, NO_FAULTS)
    mesh.act(mesh.hosts[0]!, machine => machine.found(SALT, 0))
    mesh.pass(100)
    for (const host of mesh.hosts) {
      mesh.ask(host, host.id, machine => machine.allocate({ id: host.id, container: 'c' }, mesh.now))
    }
    mesh.pass(1000)
    assert.equal(mesh.ends.done, 6, mesh.log.join('\n'))
  }
  t.pass('all six, for each seed')
})

t.test('the same seed gives the same log', async t => {
  t.same(run(7).log, run(7).log)
  t.notSame(run(7).log, run(8).log)
})
