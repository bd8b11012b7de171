import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { contains, firstAddress, lastAddress, type Cidr } from '../../../lib/address/cidr.ts'
import type { Ipam } from '../../../lib/ipam/ipam.ts'
import { SALT, cidr, drain, ipam } from './support.ts'

const RANGE = cidr('10.32.0.0/25')
const SUBNETS = [RANGE, cidr('10.32.0.0/28'), cidr('10.32.0.16/28'), cidr('10.32.0.96/27'), cidr('10.32.0.8/30')]
const REST_MS = 30_000

type Step =
  | { readonly type: 'allocate'; readonly container: string; readonly subnet: Cidr }
  | { readonly type: 'claim'; readonly container: string; readonly cidr: Cidr }
  | { readonly type: 'free'; readonly container: string }
  | { readonly type: 'pass'; readonly ms: number }

/** The slow truth: plain lists of what is held and what was freed when, searched address by address. */
class Model {
  held: { container: string; address: number; prefix: number }[] = []
  freed: { container: string; address: number; prefix: number; at: number }[] = []

  allocate(container: string, subnet: Cidr, now: number): number | undefined {
    const own = this.held.find(one => one.container === container && this.#isOf(one, subnet))
    if (own !== undefined) return own.address
    const last = this.freed.findLast(one => one.container === container && this.#isOf(one, subnet))
    const isBack = last !== undefined && this.#isFree(last.address, container, now)
    const address = isBack ? last.address : this.#lowest(subnet, now)
    if (address !== undefined) this.held.push({ container, address, prefix: subnet.prefix })
    return address
  }

  claim(container: string, wanted: Cidr): number | undefined {
    if (wanted.address === firstAddress(wanted) || wanted.address === lastAddress(wanted)) return undefined
    const holder = this.held.find(one => one.address === wanted.address)
    if (holder !== undefined && holder.container !== container) return undefined
    // Of several in a subnet the first is given again: what is claimed again keeps its place, in another subnet it is the last.
    if (holder?.prefix !== wanted.prefix) {
      this.held = this.held.filter(one => one !== holder)
      this.held.push({ container, ...wanted })
    }
    return wanted.address
  }

  free(container: string, now: number): void {
    for (const one of this.held.filter(held => held.container === container)) this.freed.push({ ...one, at: now })
    this.held = this.held.filter(one => one.container !== container)
  }

  #isOf(one: { address: number; prefix: number }, subnet: Cidr): boolean {
    return one.prefix === subnet.prefix && contains(subnet, one.address)
  }

  #lowest(subnet: Cidr, now: number): number | undefined {
    for (let address = firstAddress(subnet) + 1; address < lastAddress(subnet); address++) {
      if (this.#isFree(address, undefined, now)) return address
    }
    return undefined
  }

  /** Not held, and not resting unless it rests for this container. */
  #isFree(address: number, container: string | undefined, now: number): boolean {
    if (this.held.some(one => one.address === address)) return false
    const last = this.freed.findLast(one => one.address === address)
    return last === undefined || last.at + REST_MS <= now || last.container === container
  }
}

const containers = fc.constantFrom(...Array.from({ length: 24 }, (_, i) => `c${i}`))
const subnet = fc.constantFrom(...SUBNETS)
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ type: fc.constant('allocate' as const), container: containers, subnet }) },
  {
    weight: 2,
    arbitrary: fc.tuple(containers, subnet, fc.nat(127)).map(([container, net, offset]) => ({
      type: 'claim' as const,
      container,
      cidr: { address: firstAddress(net) + (offset % (lastAddress(net) - firstAddress(net) + 1)), prefix: net.prefix },
    })),
  },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('free' as const), container: containers }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('pass' as const), ms: fc.nat(20_000) }) },
)

function result(machine: Ipam, now: number): number | undefined {
  const end = drain(machine).find(output => output.type === 'done' || output.type === 'failed')
  if (end?.type === 'done') return end.cidrs[0]?.address
  if (end === undefined) {
    machine.cancel('x', now)
    drain(machine)
  }
  return undefined
}

t.test('a founder alone agrees with a slow model, step by step', async t => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120, size: 'max' }), fc.constantFrom(26, 28, 30), (steps, blockPrefix) => {
      const machine = ipam({ range: RANGE, blockPrefix })
      machine.found(SALT, 0)
      drain(machine)
      const model = new Model()
      let now = 0
      for (const one of steps) {
        if (one.type === 'pass') {
          now += one.ms
          machine.handleTimeout(now)
        } else if (one.type === 'free') {
          machine.free(one.container, undefined, now)
          model.free(one.container, now)
          drain(machine)
        } else if (one.type === 'allocate') {
          machine.allocate({ id: 'x', container: one.container, subnet: one.subnet }, now)
          assert.equal(result(machine, now), model.allocate(one.container, one.subnet, now))
        } else {
          machine.claim({ id: 'x', container: one.container, cidr: one.cidr }, now)
          assert.equal(result(machine, now), model.claim(one.container, one.cidr))
        }
        const held = machine.leases().map(lease => `${lease.address} ${lease.prefix} ${lease.container}`)
        assert.deepEqual(
          held.sort(),
          model.held.map(lease => `${lease.address} ${lease.prefix} ${lease.container}`).sort(),
        )
      }
    }),
    { numRuns: 300 },
  )
  t.pass('they agreed')
})
