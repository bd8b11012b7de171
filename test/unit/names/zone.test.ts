import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import type { PeerId } from '../../../lib/address/mod.ts'
import { Zone, type ZoneEntry } from '../../../lib/names/mod.ts'
import { peerNumber } from '../../support/graphs.ts'

const OWNERS = [peerNumber(1), peerNumber(2), peerNumber(3)]
const entry = (owner: PeerId, addresses: string[], names: string[]): ZoneEntry => ({
  owner,
  container: 'c',
  addresses,
  names,
})

t.test('a name has the addresses of all who are called so, each once', async t => {
  const zone = new Zone(() => true)
  zone.set('1', entry(OWNERS[0]!, ['10.0.0.1', '10.0.0.2'], ['web']))
  zone.set('2', entry(OWNERS[1]!, ['10.0.0.2', '10.0.0.3'], ['web', 'api.web']))
  t.same(
    zone.addressesOf('web')?.map(({ address }) => address),
    ['10.0.0.1', '10.0.0.2', '10.0.0.3'],
  )
  t.same(zone.namesOf('10.0.0.3'), ['api.web', 'web'])
  t.equal(zone.addressesOf('api'), undefined)
  zone.set('1', undefined)
  zone.set('2', entry(OWNERS[1]!, ['10.0.0.9'], ['other']))
  t.equal(zone.addressesOf('web'), undefined)
  t.same(zone.namesOf('10.0.0.3'), [])
  t.same(zone.namesOf('10.0.0.9'), ['other'])
})

t.test('a container without names is found by its address, and is the answer to no query', async t => {
  const zone = new Zone(owner => owner !== OWNERS[1])
  const bare = entry(OWNERS[0]!, ['10.0.0.1'], [])
  const away = entry(OWNERS[1]!, ['10.0.0.2'], ['web'])
  zone.set('1', bare)
  zone.set('2', away)
  t.same([zone.at('10.0.0.1'), zone.at('10.0.0.2'), zone.at('10.0.0.3')], [[bare], [away], []])
  t.same([zone.named('web'), zone.named('')], [[away], []])
  t.same([zone.all(), zone.live()], [[bare, away], [bare]])
  t.same([zone.namesOf('10.0.0.1'), zone.addressesOf('')], [[], undefined])
})

t.test('what a peer published that cannot be reached is gone, and back at once', async t => {
  const reachable = new Set(OWNERS)
  const zone = new Zone(owner => reachable.has(owner))
  zone.set('1', entry(OWNERS[0]!, ['10.0.0.1'], ['a.b']))
  reachable.delete(OWNERS[0]!)
  t.equal(zone.addressesOf('a.b'), undefined)
  t.notOk(zone.isEnclosing('b'))
  t.same([zone.namesOf('10.0.0.1'), zone.live()], [[], []])
  reachable.add(OWNERS[0]!)
  t.equal(zone.addressesOf('a.b')?.length, 1)
  t.ok(zone.isEnclosing('b'))
})

t.test('it says what a plain list of the entries says', async t => {
  const name = fc.constantFrom('a', 'b', 'a.b', 'c.a.b', 'b.b')
  const address = fc.constantFrom('10.0.0.1', '10.0.0.2', 'fd00::1')
  const change = fc.record({
    id: fc.constantFrom('1', '2', '3'),
    owner: fc.constantFrom(...OWNERS),
    addresses: fc.uniqueArray(address),
    names: fc.uniqueArray(name),
    isGone: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(change, { maxLength: 30 }), fc.subarray(OWNERS), (changes, live) => {
      const zone = new Zone(owner => live.includes(owner))
      const list = new Map<string, ZoneEntry>()
      for (const { id, owner, addresses, names, isGone } of changes) {
        zone.set(id, isGone ? undefined : entry(owner, addresses, names))
        if (isGone) list.delete(id)
        else list.set(id, entry(owner, addresses, names))
      }
      const all = [...list.values()].filter(one => live.includes(one.owner))
      for (const asked of ['a', 'b', 'a.b', 'c.a.b', 'b.b', 'd']) {
        const having = all.filter(one => one.names.includes(asked))
        const wanted = new Set(having.flatMap(one => one.addresses))
        const found = zone.addressesOf(asked)
        assert.deepEqual(found && new Set(found.map(one => one.address)), having.length === 0 ? undefined : wanted)
        assert.equal(
          zone.isEnclosing(asked),
          all.some(one => one.names.some(held => held.endsWith(`.${asked}`))),
        )
      }
      for (const asked of ['10.0.0.1', '10.0.0.2', 'fd00::1'])
        assert.deepEqual(
          zone.namesOf(asked),
          [...new Set(all.filter(one => one.addresses.includes(asked)).flatMap(one => one.names))].sort(),
        )
    }),
  )
  t.pass('the law holds')
})
