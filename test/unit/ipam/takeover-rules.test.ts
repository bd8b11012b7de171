import t from 'tap'
import { fromHex, toHex } from '../../../lib/base/bytes.ts'
import { encodeAcks } from '../../../lib/ipam/acks-record.ts'
import { makeTakeover, type Takeover, type TakeoverPlan } from '../../../lib/ipam/takeover-record.ts'
import { Mesh, NO_FAULTS, type Host } from './mesh.ts'
import { MESH_ID, SALT, cidr, giver, peer, suite, takenOver } from './support.ts'

const RANGE = cidr('10.32.0.0/24')
const SCOPE = { meshId: MESH_ID, range: RANGE, blockPrefix: 28 }
const ALL = [{ first: 0, count: 16 }]

/** Five honest hosts, of which the first founded, and two that belong to one who lies. All have known each other. */
function mesh(knownMs = 120_000) {
  const made = new Mesh(7, RANGE, 3, { ...NO_FAULTS, isLazy: true })
  made.act(made.hosts[0]!, machine => machine.found(SALT, 0))
  made.pass(knownMs)
  const liars = made.hosts.slice(5)
  for (const liar of liars) liar.isDeaf = true
  return { made, honest: made.hosts.slice(0, 5), liars, victim: made.hosts[0]! }
}

/** What a liar publishes, in its own ledger and everybody's; its machine never hears of it. */
function publish(made: Mesh, liar: Host, takeovers: readonly Takeover[]): void {
  const acks = encodeAcks(takeovers.map(({ id }) => ({ takeover: id, isSettled: true })))
  const records = takeovers.map(one => ({ kind: 'takeover' as const, takeoverKey: fromHex(one.id)!, value: one.value }))
  for (const one of [...records, { kind: 'acks' as const, takeoverKey: new Uint8Array(0), value: acks }]) {
    const record = { owner: liar.id, number: 0, version: 1, ...one }
    for (const host of made.hosts) {
      host.records.set(`${liar.id} ${one.kind} ${toHex(one.takeoverKey)}`, record)
      if (host.isDeaf) continue
      made.act(host, machine => {
        if (one.kind === 'takeover') machine.setTakeover(liar.id, one.takeoverKey, one.value, made.now)
        else machine.setAcks(liar.id, one.value, made.now)
      })
    }
  }
}

function lie(made: Mesh, liars: readonly Host[], plan: Partial<TakeoverPlan> & Pick<TakeoverPlan, 'victim'>): Takeover {
  const [author, witness] = liars as [Host, Host]
  const takeover = makeTakeover(suite, giver(author.id), SCOPE, { term: 1, isForced: false, runs: ALL, ...plan })
  publish(made, author, [takeover])
  publish(made, witness, [takeover])
  for (const [number, value] of takenOver(takeover, RANGE, 28)) {
    const record = { owner: author.id, kind: 'publish' as const, number, version: 99, value }
    for (const host of made.hosts) {
      host.records.set(`${author.id} publish ${number}`, record)
      if (!host.isDeaf) made.act(host, machine => machine.setStatements(author.id, number, value, made.now))
    }
  }
  return takeover
}

/** The block is the victim's, as everybody honest knows, and it may give of it. */
function isVictims(honest: readonly Host[], victim: Host): boolean {
  const isKnown = honest.every(host => host.machine.registerOf(5)?.owner === victim.id)
  return isKnown && victim.machine.isOwn(5)
}

const LIES: Record<string, (victim: Host, liars: readonly Host[]) => Partial<TakeoverPlan> & { victim: Host['id'] }> = {
  'that it is gone': victim => ({ victim: victim.id }),
  'that it is gone, and force it': victim => ({ victim: victim.id, isForced: true }),
  'that somebody who never was had its blocks': () => ({ victim: peer(99), term: 9 }),
  'that they are renewing blocks of their own': (_, liars) => ({ victim: liars[0]!.id, term: 9 }),
}

t.test(
  'two of seven take nothing from a live peer, whatever they say of it, and however long they are known',
  async t => {
    for (const [what, planOf] of Object.entries(LIES))
      for (const knownMs of [1000, 120_000]) {
        const { made, honest, liars, victim } = mesh(knownMs)
        lie(made, liars, planOf(victim, liars))
        made.pass(60_000)
        t.ok(isVictims(honest, victim), `${what}; known for ${knownMs} ms`)
        for (const host of honest) t.same(host.machine.report().disputed, [])
      }
  },
)

t.test('who was alone with two liars believes the others again soon after it is back', async t => {
  const { made, honest, liars, victim } = mesh()
  const [, alone] = honest as [Host, Host]
  made.expectDisputes()
  made.split(host => (host === alone || liars.includes(host) ? 1 : 0))
  made.pass(5000)
  lie(made, liars, { victim: victim.id })
  made.pass(10_000)
  t.equal(alone.machine.registerOf(5)?.owner, liars[0]!.id, 'it cannot know better')
  t.equal(alone.machine.takeovers.isRemoved(victim.id), true)
  made.heal()
  made.pass(10_000)
  t.equal(alone.machine.takeovers.isRemoved(victim.id), false)
  t.ok(isVictims(honest, victim))
})

t.test('who restart one after the other, and reach the liars first, do not add up to a majority', async t => {
  const { made, honest, liars, victim } = mesh()
  made.expectDisputes()
  const takeover = lie(made, liars, { victim: victim.id })
  for (const host of honest.slice(1)) {
    made.split(one => (one === host || liars.includes(one) ? 1 : 0))
    made.pass(10_000)
    t.equal(host.machine.takeovers.all()[0]?.isSettled, true, 'it cannot know better')
    made.heal()
    made.pass(10_000)
  }
  for (const host of honest) t.match(host.machine.takeovers.all(), [{ id: takeover.id, isSettled: false, agreed: 2 }])
  t.ok(isVictims(honest, victim))
})

t.test('who joins later believes what was settled before, and what is made up as little as others', async t => {
  const { made, honest, liars, victim } = mesh()
  const [, b, c, d, late] = honest as [Host, Host, Host, Host, Host]
  made.expectDisputes()
  made.stop(victim)
  made.act(b, machine => void machine.removePeer(victim.id, false, made.now))
  made.pass(10_000)
  made.stop(late)
  late.records.clear()
  lie(made, liars, { victim: liars[0]!.id, term: 9 })
  made.start(late)
  for (const host of [b, c, d]) made.tellAll(host)
  made.pass(10_000)
  for (const host of [b, c, d, late]) t.same(host.machine.registerOf(5), { term: 1, seq: 0, owner: b.id })
})
