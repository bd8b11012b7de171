import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { BlockSpace } from '../../../lib/ipam/block-space.ts'
import { ROOT_REF, decodeBlocksRecord, encodeBlocksRecord, type BlocksRecord } from '../../../lib/ipam/blocks-record.ts'
import { CHAIN_MAX, PROOFS_BURST, PROOFS_PER_SECOND } from '../../../lib/ipam/constants.ts'
import { isDrop } from '../../../lib/base/drop.ts'
import { RegisterTable } from '../../../lib/ipam/register-table.ts'
import { grant, type Title } from '../../../lib/ipam/title.ts'
import { writePages } from '../../../lib/ipam/statements.ts'
import { FOUNDED, MESH_ID, SALT, cidr, drain, giver, ipam, peer, record, share, suite } from './support.ts'

const A = peer(1)
const B = peer(2)
const C = peer(3)
const LIAR = peer(66)
const RANGE = cidr('10.32.0.0/24')
const SCOPE = { meshId: MESH_ID, range: RANGE, blockPrefix: 26 }
const ALL = { first: 0, count: 4 }

/** A record with one title on all four blocks. */
function stating(title: Title, range = RANGE): Uint8Array {
  const [page] = writePages([{ ...ALL, title }], 0, new BlockSpace(range, 26))
  return encodeBlocksRecord(page!.record)
}

function changed(value: Uint8Array, change: (record: BlocksRecord) => BlocksRecord): Uint8Array {
  const read = decodeBlocksRecord(value)
  assert.ok(!isDrop(read))
  return encodeBlocksRecord(change(read))
}

const forged: Record<string, () => Uint8Array> = {
  'signed by somebody who never had it': () => stating(grant(giver(LIAR), SCOPE, FOUNDED, ALL, LIAR)),
  'a founding that is not that of the mesh': () =>
    stating({ ...FOUNDED, owner: LIAR, founding: { founder: LIAR, salt: SALT } }),
  'a signature of another mesh': () =>
    stating(grant(giver(A), { ...SCOPE, meshId: new Uint8Array(16).fill(9) }, FOUNDED, ALL, B)),
  'a signature about another range': () =>
    stating(grant(giver(A), { ...SCOPE, range: cidr('10.33.0.0/24') }, FOUNDED, ALL, B)),
  'a grant of more than the giver had': () => {
    const some = grant(giver(A), SCOPE, FOUNDED, { first: 0, count: 2 }, LIAR)
    return stating(grant(giver(LIAR), SCOPE, some, ALL, B))
  },
  'a run beyond what was given': () =>
    changed(record([{ first: 0, count: 2, owners: [A, LIAR] }], RANGE), read => ({
      ...read,
      runs: [{ ...ALL, title: 0 }],
    })),
  'somebody else put in the place of who was given it': () =>
    changed(record([{ ...ALL, owners: [A, B] }], RANGE), read => ({
      ...read,
      grants: [{ ...read.grants[0]!, to: LIAR }],
    })),
  'a grant that skips its parent': () =>
    changed(record([{ ...ALL, owners: [A, B, LIAR] }], RANGE), read => ({
      ...read,
      grants: [read.grants[0]!, { ...read.grants[1]!, parent: ROOT_REF }],
    })),
  'a chain that is too long': () => {
    let title: Title = FOUNDED
    for (let at = 0; at <= CHAIN_MAX; at++) title = grant(giver(title.owner), SCOPE, title, ALL, peer(10 + at))
    return stating(title)
  },
  'a takeover that nobody knows': () =>
    stating({ type: 'takeover', term: 5, seq: 0, owner: LIAR, takeover: 'ab'.repeat(16) }),
}

for (const [what, value] of Object.entries(forged))
  t.test(`no block changes hands by ${what}`, async t => {
    const a = ipam({ self: A, range: RANGE })
    a.found(SALT, 0)
    drain(a)
    const c = ipam({ self: C, range: RANGE })
    c.setStatements(A, 0, record([{ ...ALL, owners: [A] }], RANGE), 0)
    for (const machine of [a, c]) {
      const drop = machine.setStatements(LIAR, 0, value(), 1)
      if (!what.startsWith('a takeover')) t.match(drop, { reason: 'blocks-unproved' })
      for (let block = 0; block < 4; block++) t.same(machine.registerOf(block), { term: 0, seq: 0, owner: A })
    }
    t.equal(a.isOwn(0), true)
    t.same(drain(a), [], 'nothing is stated anew')
  })

t.test('any change of a byte of a proof takes nothing from anybody but by what was given', async t => {
  const value = record([{ first: 0, count: 3, owners: [A, B, C] }], RANGE)
  fc.assert(
    fc.property(fc.nat(value.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
      const b = ipam({ self: B, range: RANGE })
      b.setStatements(A, 0, record([{ ...ALL, owners: [A] }], RANGE), 0)
      const bytes = value.slice()
      bytes[at]! ^= change
      b.setStatements(LIAR, 0, bytes, 1)
      for (let block = 0; block < 4; block++) {
        const register = b.registerOf(block)
        assert.ok(register !== undefined)
        const { seq, owner } = register
        // Of the three blocks that went to B and then to C, and of no other.
        assert.ok([A, B, C][seq] === owner && (block < 3 || seq === 0), `${block}: ${seq} ${owner}`)
      }
    }),
    { numRuns: 2000 },
  )
  t.pass('the law holds')
})

t.test('what an owner hands on is proved to whoever knows only the new owner', async t => {
  const a = ipam({ self: A, range: RANGE })
  const b = ipam({ self: B, range: RANGE })
  const c = ipam({ self: C, range: RANGE })
  a.found(SALT, 0)
  share(a, A, [b], 0)
  a.handleRequest(B, { kind: 'ipam-request', id: 1, subnet: RANGE }, 1)
  share(a, A, [b], 1)
  share(b, B, [c], 2)
  t.same(c.registerOf(3), { term: 0, seq: 1, owner: B })
  t.equal(c.registerOf(0), undefined, 'of others it was told nothing')
})

t.test('a peer that owes many proofs writes several parts, which are read as one', async t => {
  const wide = cidr('10.32.0.0/18')
  const a = ipam({ self: A, range: wide })
  const b = ipam({ self: B, range: wide })
  const c = ipam({ self: C, range: wide })
  a.found(SALT, 0)
  share(a, A, [b, c], 0)
  a.setReachable(new Set([B]), 0)
  b.setReachable(new Set([A]), 0)
  for (let block = 0; block < 256; block++) {
    a.handleRequest(B, { kind: 'ipam-request', id: block + 1, subnet: wide, address: wide.address + 64 * block + 1 }, 1)
    share(a, A, [b], 1)
  }
  const parts = new Set<number>()
  for (const output of share(b, B, [a, c], 2)) {
    if (output.type !== 'publish') continue
    parts.add(output.page)
    t.ok((output.value?.length ?? 0) <= 16_384)
  }
  t.equal(parts.size, 3)
  for (let block = 0; block < 256; block++) assert.equal(c.registerOf(block)?.owner, B)
  share(a, A, [b, c], 3)
  t.equal(a.report().perPeer.length, 1, 'the giver states none of them any more')
})

t.test('who owes more proofs than his share waits, and others do not', async t => {
  const wide = cidr('10.32.0.0/12')
  const space = new BlockSpace(wide, 26)
  const scope = { meshId: MESH_ID, range: wide, blockPrefix: 26 }
  const b = ipam({ self: B, range: wide })
  // Each block of 18 segments was given to the liar by a grant of its own.
  let pages = 0
  for (let segment = 0; segment < 18; segment++) {
    const runs = Array.from({ length: 120 }, (_, first) => {
      const stretch = { first: segment * 256 + first, count: 1 }
      return { first, count: 1, title: grant(giver(A), scope, FOUNDED, stretch, LIAR) }
    })
    const [page] = writePages(runs, segment, space)
    b.setStatements(LIAR, page!.page, encodeBlocksRecord(page!.record), 0)
    pages++
  }
  const owned = () => b.report().perPeer.find(one => one.peer === LIAR)?.blocks ?? 0
  t.equal(pages, 18)
  t.equal(owned(), PROOFS_BURST)
  const given = grant(giver(A), scope, FOUNDED, { first: 5000, count: 1 }, C)
  const [page] = writePages([{ first: 5000 % 256, count: 1, title: given }], Math.floor(5000 / 256), space)
  b.setStatements(C, page!.page, encodeBlocksRecord(page!.record), 0)
  t.equal(b.registerOf(5000)?.owner, C)
  t.equal(b.pollTimeout()?.reason, 'ipam proof')
  const at = b.pollTimeout()!.at
  t.equal(at, 1000)
  b.handleTimeout(at)
  t.equal(owned(), Math.min(18 * 120, PROOFS_BURST + PROOFS_PER_SECOND))
})

t.test('16,384 blocks, each given by a grant of its own, make less than 4 MiB of records', async t => {
  const wide = cidr('10.32.0.0/12')
  const space = new BlockSpace(wide, 26)
  const scope = { meshId: MESH_ID, range: wide, blockPrefix: 26 }
  t.equal(space.blockCount, 16_384)
  let bytes = 0
  for (let segment = 0; segment < space.segmentCount; segment++) {
    const runs = Array.from({ length: 256 }, (_, first) => {
      const stretch = { first: segment * 256 + first, count: 1 }
      return { first, count: 1, title: grant(giver(A), scope, FOUNDED, stretch, B) }
    })
    for (const { record } of writePages(runs, segment, space)) bytes += encodeBlocksRecord(record).length
  }
  t.ok(bytes > 1024 * 1024 && bytes < 4 * 1024 * 1024, `${bytes} bytes`)
})

t.test(
  'whose key signed is found once for all grants of one giver, and a wrong key is none of his all the same',
  async t => {
    let hashed = 0
    const counting = {
      ...suite,
      hash: (data: Uint8Array, length?: number) => {
        hashed++
        return suite.hash(data, length)
      },
    }
    const machine = ipam({ self: C, range: RANGE, suite: counting })
    const runs = [0, 1, 2].map(first => ({
      ...{ first, count: 1 },
      title: grant(giver(A), SCOPE, FOUNDED, { first, count: 1 }, B),
    }))
    const [page] = writePages(runs, 0, new BlockSpace(RANGE, 26))
    machine.setStatements(B, 0, encodeBlocksRecord(page!.record), 0)
    t.equal(machine.registerOf(2)?.owner, B)
    t.equal(hashed, 2, 'the mesh id, and the key')
    const foreign = grant({ ...giver(LIAR), peerId: A }, SCOPE, FOUNDED, { first: 3, count: 1 }, LIAR)
    t.match(machine.setStatements(LIAR, 0, stating({ ...foreign, ...ALL }), 1), { reason: 'blocks-unproved' })
    t.equal(machine.registerOf(3), undefined)
  },
)

t.test(
  'what others state of 16,384 blocks is merged segment by segment, and nothing looks through all blocks each time',
  async t => {
    const wide = cidr('10.32.0.0/12')
    const space = new BlockSpace(wide, 26)
    const scope = { meshId: MESH_ID, range: wide, blockPrefix: 26 }
    const owners = [B, C, LIAR]
    const self = peer(0)
    const machine = ipam({ self, range: wide })
    // The least id: it is the one that would take over what is nobody's.
    machine.setReachable(new Set(owners), 0)
    const stated = Array.from({ length: space.segmentCount }, (_, segment) => {
      const owner = owners[segment % owners.length]!
      const title = grant(giver(A), scope, FOUNDED, { first: segment * 256, count: 256 }, owner)
      const [page] = writePages([{ first: 0, count: 256, title }], segment, space)
      return { owner, page: page!.page, value: encodeBlocksRecord(page!.record) }
    })
    const { get } = RegisterTable.prototype
    let reads = 0
    RegisterTable.prototype.get = function (block) {
      reads++
      return get.call(this, block)
    }
    t.teardown(() => (RegisterTable.prototype.get = get))
    const began = performance.now()
    for (const { owner, page, value } of stated) machine.setStatements(owner, page, value, 1)
    const tookMs = performance.now() - began
    const readsPerBlock = reads / space.blockCount
    t.comment(`16,384 blocks: ${tookMs.toFixed(1)} ms, ${readsPerBlock.toFixed(1)} reads a block`)
    t.ok(
      reads > space.blockCount && readsPerBlock < 16,
      `${readsPerBlock} reads a block; a search at each record makes 128`,
    )
    t.equal(machine.registerOf(16_383)?.owner, owners[63 % 3])
  },
)
