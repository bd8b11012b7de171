import t from 'tap'
import { BlockSpace } from '../../../lib/ipam/block-space.ts'
import { encodeBlocksRecord, pageOf } from '../../../lib/ipam/blocks-record.ts'
import { writePages } from '../../../lib/ipam/statements.ts'
import { grant, type Title } from '../../../lib/ipam/title.ts'
import { Mesh, NO_FAULTS, type Host } from './mesh.ts'
import { FOUNDED, MESH_ID, SALT, cidr, giver, peer } from './support.ts'

const RANGE = cidr('10.32.0.0/24')
const SCOPE = { meshId: MESH_ID, range: RANGE, blockPrefix: 28 }

/** What the founder signs again of a block that it gave to the second host, to the last one or over itself to it. */
const LIES: Record<string, (block: number) => Title> = {
  'to an accomplice': block => grant(giver(peer(1)), SCOPE, FOUNDED, { first: block, count: 1 }, peer(5)),
  'by a longer chain': block => {
    const stretch = { first: block, count: 1 }
    const self = grant(giver(peer(1)), SCOPE, FOUNDED, stretch, peer(4))
    return grant(giver(peer(1)), SCOPE, grant(giver(peer(4)), SCOPE, self, stretch, peer(1)), stretch, peer(5))
  },
}

t.test('what was given once and then again is soon his who had it first, by a root of his own', async t => {
  for (const [what, titleOf] of Object.entries(LIES)) {
    t.comment(what)
    const mesh = new Mesh(5, RANGE, 1, { ...NO_FAULTS, isLazy: true })
    const [a, b, c, d] = mesh.hosts as [Host, Host, Host, Host, Host]
    mesh.act(a, machine => machine.found(SALT, 0))
    mesh.pass(1000)
    mesh.ask(b, 'x', machine => machine.allocate({ id: 'x', container: 'c' }, mesh.now))
    mesh.pass(1000)
    mesh.expectDisputes()
    const block = Array.from({ length: 16 }, (_, at) => at).find(at => b.machine.isOwn(at))!
    const { version } = b.machine
    const [page] = writePages([{ first: block, count: 1, title: titleOf(block) }], 0, new BlockSpace(RANGE, 28))
    const value = encodeBlocksRecord(page!.record)
    for (const host of [b, c, d]) mesh.act(host, machine => machine.setStatements(a.id, pageOf(0, 9), value, mesh.now))
    t.ok(b.machine.version > version)
    mesh.pass(1000)
    for (const host of mesh.hosts.slice(1, 4))
      t.same(host.machine.registerOf(block), { term: 1, seq: 0, owner: b.id }, 'a second later')
    t.equal(b.machine.isOwn(block), true)
    t.same(b.machine.report().disputed, [])
    t.match(b.machine.report().twiceGivers, [{ giver: a.id, rival: peer(5), blocks: 1 }])
    mesh.pass(600_000)
    t.same(c.machine.registerOf(block), { term: 1, seq: 0, owner: b.id }, 'once')
  }
})
