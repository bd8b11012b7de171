import t from 'tap'
import { makeTakeover } from '../../../lib/ipam/takeover-record.ts'
import { Verdicts } from '../../../lib/ipam/verdicts.ts'
import { MESH_ID, cidr, giver, peer, suite } from './support.ts'

const SCOPE = { meshId: MESH_ID, range: cidr('10.32.0.0/24'), blockPrefix: 28 }

t.test('a verdict is found once for all that it rests on, and anew when that changes', async t => {
  const of = (term: number) =>
    makeTakeover(suite, giver(peer(2)), SCOPE, {
      victim: peer(1),
      term,
      isForced: false,
      runs: [{ first: 0, count: 1 }],
    })
  const [one, other] = [of(1), of(2)]
  const verdicts = new Verdicts()
  const asked: string[] = []
  const ask = (takeover: typeof one, key: string, verdict: boolean) =>
    verdicts.of(takeover, key, () => {
      asked.push(key)
      return verdict
    })
  t.equal(ask(one, 'a', false), false)
  t.equal(ask(one, 'a', true), false, 'as it was found')
  t.equal(ask(other, 'a', true), true, 'of each takeover its own')
  t.equal(ask(one, 'b', true), true)
  t.equal(ask(one, 'a', true), true, 'only the last is kept')
  t.same(asked, ['a', 'a', 'b', 'a'])
})
