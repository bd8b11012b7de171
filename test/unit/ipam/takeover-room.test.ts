import t from 'tap'
import { fromHex } from '../../../lib/base/bytes.ts'
import { makeTakeover } from '../../../lib/ipam/takeover-record.ts'
import { MESH_ID, cidr, drain, giver, ipam, peer, suite } from './support.ts'

const RANGE = cidr('10.32.0.0/24')
const SCOPE = { meshId: MESH_ID, range: RANGE, blockPrefix: 28 }

t.test('13 who fill all the room keep out no takeover of one who has fewer', async t => {
  const machine = ipam({ self: peer(2), range: RANGE, blockPrefix: 28 })
  const members = new Set(Array.from({ length: 45 }, (_, i) => peer(i + 1)).filter(one => one !== peer(2)))
  machine.setReachable(members, 0, members)
  const set = (author: number, term: number) => {
    const plan = { term, isForced: false, runs: [{ first: 0, count: 1 }], victim: peer(200) }
    const made = makeTakeover(suite, giver(peer(author)), SCOPE, plan)
    return { id: made.id, drop: machine.setTakeover(peer(author), fromHex(made.id)!, made.value, 100) }
  }
  for (let liar = 31; liar < 44; liar++) for (let term = 10; term < 74; term++) set(liar, term)
  drain(machine)
  t.equal(machine.takeovers.all().length, 800)
  const honest = set(3, 1)
  t.equal(honest.drop, undefined)
  t.equal(machine.takeovers.all().length, 800)
  for (let liar = 31; liar < 44; liar++) for (let term = 100; term < 164; term++) set(liar, term)
  t.ok(machine.takeovers.all().some(one => one.id === honest.id))
})
