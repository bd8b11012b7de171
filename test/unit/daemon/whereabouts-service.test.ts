import t from 'tap'
import { parseCidr } from '../../../lib/address/mod.ts'
import type { CallContext } from '../../../lib/api/mod.ts'
import { WhereaboutsService } from '../../../lib/daemon/whereabouts-service.ts'
import { LEASE_HOLDER } from '../../../lib/ipam/mod.ts'
import { Domain } from '../../../lib/names/mod.ts'
import { peerNumber } from '../../support/graphs.ts'
import { nodeRunner } from '../../support/node-fixture.ts'

const context: CallContext = { signal: new AbortController().signal, afterAnswer: () => undefined }
const OTHER = peerNumber(7)
const ID = 'ab'.repeat(32)

/** A founder that has attached two containers and knows one elsewhere. */
async function founder(t: { teardown(fn: () => void): unknown }) {
  const { runner } = nodeRunner(t, 'self')
  runner.input((node, now) => node.found(now))
  const ask = (container: string, text: string) =>
    runner.requestAddress(container, { type: 'claim', cidr: parseCidr(text)! }, context.signal, LEASE_HOLDER.attachment)
  await ask('netns:a', '10.32.0.9/24')
  await ask('netns:stopped', '10.32.0.10/24')
  const tell = (container: string, addresses: string[], names: string[]) =>
    runner.input((node, now) => node.setNames({ container, addresses, names }, now))
  tell('netns:a', ['10.32.0.9'], [])
  tell(ID, ['10.32.0.2'], ['web'])
  runner.node.names.zone.set('other', { owner: OTHER, container: 'far', addresses: ['10.32.0.66'], names: ['web'] })
  const { calls } = new WhereaboutsService({ domain: new Domain('weave.local'), runner })
  const whois = async (what: string) => (await calls.whois({ what }, context)).containers.map(one => one.container)
  return { runner, calls, whois }
}

t.test('all containers are shown, those of this host first, with names or without', async t => {
  const { runner, calls } = await founder(t)
  const peer = { id: runner.report().self.peerId, nickname: 'self' }
  const here = { peer, isReachable: true, isPlugged: true }
  t.strictSame((await calls.containers({}, context)).containers, [
    { container: ID, addresses: ['10.32.0.2'], names: ['web.weave.local.'], ...here },
    { container: 'netns:a', addresses: ['10.32.0.9'], names: [], ...here },
    {
      ...{ container: 'far', addresses: ['10.32.0.66'], names: ['web.weave.local.'] },
      ...{ peer: { id: OTHER, nickname: '?' }, isReachable: false, isPlugged: true },
    },
  ])
})

t.test('whois finds by address, name and id; what is kept for one that has stopped is said to be', async t => {
  const { runner, calls, whois } = await founder(t)
  t.strictSame(await whois('10.32.0.9'), ['netns:a'])
  t.strictSame(await whois('10.32.0.9/24'), ['netns:a'], 'as `ps` prints it')
  t.strictSame(await whois('web.weave.local.'), [ID, 'far'])
  t.strictSame(await whois('WEB'), [ID, 'far'])
  t.strictSame(await whois(ID.slice(0, 12)), [ID])
  t.strictSame(await whois('netns:a'), ['netns:a'])
  const prefix = runner.report().mesh.ipv6Prefix!.replace('::/48', '')
  t.strictSame(await whois(`${prefix}:1::10.32.0.66`), ['far'], 'an IPv6 address of the mesh')
  t.strictSame(await whois(`${prefix}:1::10.32.0.66/64`), ['far'])
  const [kept] = (await calls.whois({ what: '10.32.0.10' }, context)).containers
  t.match(kept, { container: 'netns:stopped', isPlugged: false, peer: { nickname: 'self' } })
})

t.test('where nobody is known the refusal says whose the block is', async t => {
  const { runner, whois } = await founder(t)
  const rejects = (what: string, code: string, message: RegExp) => t.rejects(whois(what), { code, message }, what)
  await rejects(
    '10.32.0.77',
    'ADDRESS_UNKNOWN',
    /its block 10\.32\.0\.64\/26 belongs to this peer, which gave it to nobody/,
  )
  await rejects('10.33.0.1', 'ADDRESS_UNKNOWN', /it is outside the range 10\.32\.0\.0\/24/)
  const prefix = runner.report().mesh.ipv6Prefix!.replace('::/48', '')
  await rejects(`${prefix}:1::10.33.0.1`, 'ADDRESS_UNKNOWN', /has the prefix of this mesh.*10\.33\.0\.1, is outside/)
  await rejects(`${prefix}:1::10.32.0.77`, 'ADDRESS_UNKNOWN', /it would go with 10\.32\.0\.77: its block/)
  await rejects('10.32.0.0', 'ADDRESS_UNKNOWN', /first \(network\) address of the range .*, and never given/)
  await rejects('10.32.0.255', 'ADDRESS_UNKNOWN', /last \(broadcast\) address/)
  runner.input((node, now) => node.freeAddresses('netns:stopped', undefined, now))
  await rejects('10.32.0.10', 'ADDRESS_UNKNOWN', /belongs to this peer, where it rests after use, for 30 s at most/)
  await rejects('fd00::1', 'ADDRESS_UNKNOWN', /it is no address of this mesh/)
  for (const what of ['10.32.0.9/33', '10.32.0.9/24/1', 'fd00::1/'])
    await rejects(what, 'BAD_ADDRESS', /is no address with a prefix length/)
  await rejects('nobody', 'NAME_UNKNOWN', /nobody/)
  await rejects(ID.slice(0, 11), 'NAME_UNKNOWN', /or has that id/)
})

t.test('a block of a peer that is away is said to be so, and one of nobody too', async t => {
  const { runner } = nodeRunner(t, 'self')
  const { calls } = new WhereaboutsService({ domain: new Domain('weave.local'), runner })
  t.throws(() => calls.whois({ what: '10.32.0.7' }, context), { message: /belongs to nobody that is known/ })
  runner.node.addresses.ipam.registerOf = () => ({ term: 0, seq: 1, owner: OTHER })
  t.throws(() => calls.whois({ what: '10.32.0.7' }, context), { message: /\(\?\), which cannot be reached/ })
})
