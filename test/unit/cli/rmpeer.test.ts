import t from 'tap'
import type { CallAnswer } from '../../../lib/api/mod.ts'
import { removalWait, removePeers, renderRemoved } from '../../../lib/cli/rmpeer.ts'

type Removed = CallAnswer<'rmpeer'>

const WAITING: Removed = {
  peer: { id: 'aaaa', nickname: 'host3' },
  blocks: 16,
  state: 'waiting',
  by: { id: 'bbbb', nickname: 'host1' },
  agreed: 1,
  needed: 2,
  waitsFor: [{ id: 'cccc', nickname: 'host2' }],
  unreachedSeconds: 61,
}

t.test('it asks again until the others agree, by the id that the name had, and forces once', async t => {
  const asked: object[] = []
  const answers = [WAITING, WAITING, { ...WAITING, state: 'settled' as const }]
  const client = {
    call: (_name: string, input: object) => {
      asked.push(input)
      return Promise.resolve(answers[asked.length - 1])
    },
  }
  const [removed] = await removePeers(client as never, ['host3'], true, 60_000)
  t.equal(removed?.state, 'settled')
  t.strictSame(asked, [
    { peer: 'host3', force: true },
    { peer: 'aaaa', force: false },
    { peer: 'aaaa', force: false },
  ])
  const waiting = await removePeers({ call: () => Promise.resolve(WAITING) } as never, ['host3'], false, 0)
  t.match(waiting, [{ state: 'waiting' }])
})

t.test('a name that nobody has fails before anything is waited for', async t => {
  const asked: string[] = []
  const call = (_name: string, { peer }: { peer: string }) => {
    asked.push(peer)
    return peer === 'typo' ? Promise.reject(new Error('unknown')) : Promise.resolve(WAITING)
  }
  await t.rejects(removePeers({ call } as never, ['host3', 'typo'], false, 60_000), { message: 'unknown' })
  t.strictSame(asked, ['host3', 'typo'])
})

t.test('the notice says who has not agreed', async t => {
  const takeover = {
    victim: WAITING.peer,
    author: WAITING.by!,
    ...{ blocks: 0, isForced: false, isSettled: false, agreed: 1, needed: 2 },
    waitsFor: WAITING.waitsFor,
  }
  const reasonOf = (...takeovers: object[]) => removalWait({ ipam: { takeovers } } as never)
  t.equal(reasonOf(takeover), '1 of 2 peers agree that aaaa(host3) is gone; not yet: cccc(host2)')
  t.equal(reasonOf({ ...takeover, isSettled: true }), undefined)
})

t.test('each end is said in words', async t => {
  t.match(
    renderRemoved(WAITING),
    /16 address blocks of aaaa\(host3\) wait .*1 of 2 do; not yet: cccc\(host2\)\n.*--force/,
  )
  t.match(renderRemoved({ ...WAITING, blocks: 0 }), /^that aaaa\(host3\) is gone waits for more peers/)
  t.equal(
    renderRemoved({ ...WAITING, state: 'settled' }),
    '16 address blocks of aaaa(host3) taken over by bbbb(host1); host3 was not reached for 1m1s',
  )
  t.match(renderRemoved({ ...WAITING, state: 'settled', unreachedSeconds: null }), /by bbbb\(host1\)$/)
  t.match(renderRemoved({ ...WAITING, state: 'settled', blocks: 0 }), /is removed; it owned no address block/)
  t.match(
    renderRemoved({ ...WAITING, state: 'forced', blocks: 1 }),
    /^1 address block of .* by force.*disputed if host3/,
  )
})
