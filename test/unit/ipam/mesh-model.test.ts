/**
 * Several peers against a set of integers: the model is one pool of addresses for the whole mesh, which knows nothing of
 * blocks, donation and lending. IPAM_MODEL_SEED (or SEED): where the seeds begin. IPAM_MODEL_SEEDS (or ROUNDS): how many.
 */
import assert from 'node:assert/strict'
import t from 'tap'
import { firstAddress, lastAddress, type Cidr } from '../../../lib/address/cidr.ts'
import { formatIpv4 } from '../../../lib/address/ipv4.ts'
import { shortPeerId } from '../../../lib/address/peer-id.ts'
import { WeaveError } from '../../../lib/base/errors.ts'
import { playSeed, seedsOf } from '../../support/sim-seeds.ts'
import { Mesh, NO_FAULTS, type Host } from './mesh.ts'
import { SALT, cidr } from './support.ts'

/** In blocks of 16 addresses: fewer blocks than peers, so that most addresses are lent, and more. */
const RANGES = [cidr('10.32.0.0/26'), cidr('10.32.0.0/25')]
const SEEDS = seedsOf('IPAM_MODEL', 24)
const STEPS = 120
/** A request ends by then, whatever comes. */
const ANSWER_MS = 10_500
/** A freed address rests 30 s; what was borrowed then finds its way back. */
const FREE_AGAIN_MS = 40_000

/** The slow truth. */
class Model {
  /** Who has which address. */
  readonly live = new Map<number, { readonly host: Host; readonly container: string }>()
  readonly freedAt = new Map<number, number>()
  readonly usable: readonly number[]

  constructor(range: Cidr) {
    this.usable = Array.from(
      { length: lastAddress(range) - firstAddress(range) - 1 },
      (_, i) => firstAddress(range) + 1 + i,
    )
  }

  /** What nobody has, and nobody had lately. */
  free(now: number): number[] {
    return this.usable.filter(
      address => !this.live.has(address) && (this.freedAt.get(address) ?? -FREE_AGAIN_MS) + FREE_AGAIN_MS <= now,
    )
  }

  get isFull(): boolean {
    return this.live.size === this.usable.length
  }

  of(host: Host, container: string): number[] {
    return [...this.live]
      .filter(([, one]) => one.host === host && one.container === container)
      .map(([address]) => address)
  }

  release(addresses: readonly number[], now: number): void {
    for (const address of addresses) {
      this.live.delete(address)
      this.freedAt.set(address, now)
    }
  }
}

/** A mesh and the model of it, asked the same. */
class Pair {
  readonly mesh: Mesh
  readonly model: Model
  readonly counts = new Map<string, number>()
  readonly #range: Cidr
  #next = 1

  constructor(seed: number) {
    this.#range = RANGES[seed % RANGES.length]!
    this.mesh = new Mesh(3 + (seed % 6), this.#range, seed, NO_FAULTS)
    this.model = new Model(this.#range)
    this.mesh.act(this.mesh.hosts[0]!, machine => machine.found(SALT, 0))
    this.mesh.pass(100)
  }

  get up(): readonly Host[] {
    return this.mesh.hosts.filter(host => host.isUp)
  }

  get isWhole(): boolean {
    return this.up.length === this.mesh.hosts.length
  }

  draw<T>(among: readonly T[]): T {
    return among[this.mesh.draw(among.length)]!
  }

  count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1)
  }

  allocate(host: Host, container: string): void {
    const { model } = this
    const mustSucceed = this.isWhole && model.free(this.mesh.now).length > 0
    const { isFull } = model
    const held = model.of(host, container)
    const result = this.#ask(host, id => ({ id, container }))
    if (result instanceof WeaveError) {
      assert.equal(held.length, 0, `${container} has ${held.length} addresses, and is refused: ${result.message}`)
      assert.ok(!mustSucceed, `refused with addresses free: ${result.message}`)
      if (isFull) assert.equal(result.code, 'RANGE_FULL', result.message)
      if (result.code === 'RANGE_FULL') {
        assert.ok(this.isWhole, `full, though some cannot be asked: ${result.message}`)
        assert.ok(result.message.includes(`all of its ${model.usable.length} addresses are taken`), result.message)
      } else assert.equal(result.code, 'IPAM_WAITING', result.message)
      return this.count(isFull ? 'full' : 'refused')
    }
    if (held.length > 0) assert.ok(held.includes(result), `${container} has another address already`)
    else this.#give(host, container, result)
    this.count('given')
  }

  claim(host: Host, container: string, address: number): void {
    const { model } = this
    const holder = model.live.get(address)
    const isFree = this.isWhole && model.free(this.mesh.now).includes(address)
    const result = this.#ask(host, id => ({ id, container, cidr: { address, prefix: this.#range.prefix } }))
    const text = formatIpv4(address)
    if (!(result instanceof WeaveError)) {
      assert.equal(result, address)
      if (holder === undefined) this.#give(host, container, address)
      else assert.ok(holder.host === host && holder.container === container, `${text} is another's, and was given`)
      return this.count('claimed')
    }
    assert.ok(!isFree, `${text} is free, and refused: ${result.message}`)
    assert.ok(holder?.host !== host || holder.container !== container, `${text} is its own: ${result.message}`)
    if (holder !== undefined && this.isWhole) {
      assert.equal(result.code, 'ADDRESS_TAKEN', result.message)
      const named = holder.host === host ? holder.container : shortPeerId(holder.host.id)
      assert.ok(result.message.includes(named), `${result.message} does not name ${named}`)
    }
    this.count(holder === undefined ? 'claim refused' : 'claim of what is taken')
  }

  free(host: Host, container: string): void {
    this.mesh.act(host, machine => machine.free(container, undefined, this.mesh.now))
    this.model.release(this.model.of(host, container), this.mesh.now)
  }

  /** Goes without a word, and comes back as it was. */
  absence(host: Host): void {
    this.mesh.stop(host)
    this.count('gone')
  }

  comeBack(): void {
    for (const host of this.mesh.hosts) if (!host.isUp) this.mesh.start(host)
    for (let round = 0; round < 4 * this.mesh.hosts.length; round++) {
      this.mesh.gossip()
      this.mesh.pass(50)
    }
    this.mesh.pass(6_000)
  }

  /** Leaves for good, in good order, and is a peer without space from then on. */
  leave(host: Host, heir: Host): void {
    const { now } = this.mesh
    const addresses = [...this.model.live].filter(([, one]) => one.host === host).map(([address]) => address)
    this.mesh.act(host, machine => {
      for (const { container } of machine.leases()) machine.free(container, undefined, now)
      machine.returnAll(now)
    })
    this.mesh.pass(100)
    this.mesh.act(host, machine => machine.handOnAll(heir.id, this.mesh.now))
    this.model.release(addresses, this.mesh.now)
    this.mesh.pass(1_000)
    this.count('left')
  }

  /** The machines hold what the model holds, address by address. */
  compare(): void {
    const held = this.mesh.hosts.flatMap(host => {
      const leases = host.isUp ? host.machine.leases() : [...host.leases.values()]
      return leases.map(({ address, container }) => `${address} ${host.number} ${container}`)
    })
    const expected = [...this.model.live].map(([address, one]) => `${address} ${one.host.number} ${one.container}`)
    assert.deepEqual(held.sort(), expected.sort())
    assert.equal(new Set(this.model.live.keys()).size, held.length, 'no address twice')
  }

  #give(host: Host, container: string, address: number): void {
    const { live, usable } = this.model
    const text = formatIpv4(address)
    assert.ok(usable.includes(address), `${text} is not to be given`)
    assert.ok(!live.has(address), `${text} is given, and has ${live.get(address)?.container}`)
    live.set(address, { host, container })
  }

  #ask(host: Host, requestOf: (id: string) => { id: string; container: string; cidr?: Cidr }): number | WeaveError {
    const id = `r${this.#next++}`
    const { cidr, ...request } = requestOf(id)
    this.mesh.ask(host, id, machine => {
      if (cidr === undefined) machine.allocate(request, this.mesh.now)
      else machine.claim({ ...request, cidr }, this.mesh.now)
    })
    for (let waited = 0; waited < ANSWER_MS && !this.mesh.results.has(id); waited += 50) this.mesh.pass(50)
    const result = this.mesh.results.get(id)
    assert.ok(result !== undefined, `${id} has no end`)
    return result
  }
}

function play(seed: number): Pair {
  const pair = new Pair(seed)
  const { mesh, model } = pair
  const containers = Array.from({ length: 12 }, (_, i) => `c${i}`)
  for (let step = 0; step < STEPS; step++) {
    const host = pair.draw(pair.up)
    const container = pair.draw(containers)
    const what = mesh.draw(100)
    if (what < 50) pair.allocate(host, container)
    else if (what < 60) pair.claim(host, container, pair.draw(model.usable))
    else if (what < 66 && model.live.size > 0) pair.claim(host, container, pair.draw([...model.live.keys()]))
    else if (what < 84) pair.free(host, container)
    else if (what < 88 && pair.up.length > 1) pair.absence(host)
    else if (what < 93) pair.comeBack()
    else if (what < 95 && pair.isWhole) pair.leave(host, pair.draw(pair.up.filter(other => other !== host)))
    else mesh.pass(mesh.draw(FREE_AGAIN_MS))
    pair.compare()
    mesh.pass(mesh.draw(300))
  }
  return pair
}

/** Every address is had by somebody, and then all say that it is full. */
function fill(pair: Pair): void {
  const { mesh, model } = pair
  pair.comeBack()
  mesh.pass(FREE_AGAIN_MS)
  for (let i = 0; !model.isFull; i++) pair.allocate(pair.draw(mesh.hosts), `fill${i}`)
  for (const host of mesh.hosts) pair.allocate(host, 'one more')
  pair.compare()
}

t.test('a mesh agrees with one set of addresses, whoever asks, leaves and returns, until it is full', async t => {
  const counts = new Map<string, number>()
  for (const seed of SEEDS)
    playSeed('IPAM_MODEL', seed, () => {
      const pair = play(seed)
      fill(pair)
      for (const [what, count] of pair.counts) counts.set(what, (counts.get(what) ?? 0) + count)
    })
  t.comment([...counts].map(([what, count]) => `${what} ${count}`).join(', '))
  if (SEEDS.length > 1)
    for (const what of ['given', 'full', 'claimed', 'claim of what is taken', 'gone', 'left'])
      t.ok((counts.get(what) ?? 0) > SEEDS.length / 2, `${what}: ${counts.get(what) ?? 0} times`)
  t.pass('they agreed')
})
