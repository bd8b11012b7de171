import t from 'tap'
import { fromHex, toHex } from '../../../lib/base/bytes.ts'
import { encodeAcks } from '../../../lib/ipam/acks-record.ts'
import { TERM_MAX } from '../../../lib/ipam/constants.ts'
import { makeTakeover, type Takeover, type TakeoverPlan } from '../../../lib/ipam/takeover-record.ts'
import { TakeoverRules } from '../../../lib/ipam/takeover-rules.ts'
import { TakeoverVotes } from '../../../lib/ipam/takeover-votes.ts'
import { Mesh, NO_FAULTS, type Host } from './mesh.ts'
import { MESH_ID, SALT, cidr, giver, ipam, peer, record, suite, takenOver } from './support.ts'

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
  'that one of them took them over from the other, who says so too': (_, liars) => ({ victim: liars[1]!.id }),
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
  made.pass(20_000)
  t.equal(alone.machine.registerOf(5)?.owner, victim.id, 'it may just restart')
  made.pass(20_000)
  t.equal(alone.machine.registerOf(5)?.owner, liars[0]!.id, 'it cannot know better')
  t.equal(alone.machine.takeovers.removals.isRemoved(victim.id), true)
  made.heal()
  made.pass(10_000)
  t.equal(alone.machine.takeovers.removals.isRemoved(victim.id), false)
  t.ok(isVictims(honest, victim))
})

t.test('who restart one after the other, and reach the liars first, do not add up to a majority', async t => {
  const { made, honest, liars, victim } = mesh()
  made.expectDisputes()
  const takeover = lie(made, liars, { victim: victim.id })
  for (const host of honest.slice(1)) {
    made.split(one => (one === host || liars.includes(one) ? 1 : 0))
    made.pass(40_000)
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

/** A takeover of a liar whose id starts so; terms are tried for that. */
function ground(liar: Host, prefix: string, plan: Partial<TakeoverPlan> & Pick<TakeoverPlan, 'victim'>): Takeover {
  for (let term = plan.term ?? 77; ; term++) {
    const made = makeTakeover(suite, giver(liar.id), SCOPE, { isForced: false, runs: ALL, ...plan, term })
    if (made.id.startsWith(prefix)) return made
  }
}

t.test('what comes to nothing is in nobody’s way, however small its id, and is not taken for under way', async t => {
  const victims = (victim: Host, liar: Host) => [victim.id, liar.id, peer(99)]
  for (const prefix of ['00', 'ff'])
    for (const which of [0, 1, 2])
      for (const isForced of [false, true]) {
        const { made, honest, liars, victim } = mesh()
        const [liar] = liars as [Host]
        made.expectDisputes()
        publish(made, liar, [ground(liar, prefix, { victim: victims(victim, liar)[which]!, isForced })])
        made.stop(victim)
        made.pass(10_000)
        const author = honest[1]!
        made.act(author, machine => void machine.removePeer(victim.id, isForced, made.now))
        made.pass(10_000)
        const register = { term: 1, seq: 0, owner: author.id }
        for (const host of honest.slice(1))
          t.same(host.machine.registerOf(5), register, `${prefix} ${which} ${isForced}`)
      }
})

t.test('what waits for its author who is gone too is in nobody’s way, and is not told as the outcome', async t => {
  const made = new Mesh(5, RANGE, 1, { ...NO_FAULTS, isLazy: true })
  const [victim, author, b, c, d] = made.hosts as [Host, Host, Host, Host, Host]
  made.act(victim, machine => machine.found(SALT, 0))
  made.pass(1000)
  made.expectDisputes()
  made.stop(victim)
  made.split(host => (host === author || host === b ? 1 : 0))
  made.pass(4000)
  made.act(author, machine => void machine.removePeer(victim.id, false, made.now))
  made.pass(4000)
  t.match(b.machine.takeovers.all(), [{ isSettled: false, agreed: 2, needed: 3 }])
  made.stop(author)
  made.heal()
  for (const host of [b, c, d]) made.tellAll(host)
  made.pass(4000)
  made.act(b, machine => void machine.removePeer(victim.id, false, made.now))
  made.pass(10_000)
  for (const host of [b, c, d]) t.same(host.machine.registerOf(5), { term: 1, seq: 0, owner: b.id })
  made.act(c, machine =>
    t.match(machine.removePeer(victim.id, false, made.now), { takeovers: [{ author: b.id, isSettled: true }] }),
  )
})

t.test('no term of two who lie makes blocks unusable, their own neither: the next ones are still read', async t => {
  for (const isConceded of [false, true]) {
    const { made, honest, liars, victim } = mesh()
    const [author, accomplice] = liars as [Host, Host]
    made.expectDisputes()
    made.ask(honest[1]!, 'x', machine => machine.allocate({ id: 'x', container: 'c' }, made.now))
    lie(made, liars, { victim: isConceded ? accomplice.id : author.id, term: TERM_MAX, runs: [{ first: 0, count: 8 }] })
    made.stop(victim)
    made.pass(60_000)
    for (const host of honest.slice(1)) t.match(host.machine.takeovers.all(), [{ isSettled: false }])
    made.act(honest[1]!, machine => void machine.removePeer(victim.id, false, made.now))
    made.pass(10_000)
    for (const host of honest.slice(1)) t.same(host.machine.registerOf(1), { term: 1, seq: 0, owner: honest[1]!.id })
  }
})

t.test('a peer that restarts keeps its blocks, though two said before that it is gone', async t => {
  for (const awayMs of [3500, 8000, 25_000])
    for (const term of [1, 2, TERM_MAX]) {
      const { made, honest, liars, victim } = mesh()
      made.expectDisputes()
      lie(made, liars, { victim: victim.id, term })
      made.pass(5000)
      made.stop(victim)
      made.pass(awayMs)
      made.start(victim)
      for (const host of made.hosts) made.tellAll(host)
      made.pass(10_000)
      t.ok(isVictims(honest, victim), `away for ${awayMs} ms, term ${term}`)
    }
})

t.test('what is agreed to of blocks of nobody changes when another takeover of them comes into force', async t => {
  const [self, author, victim] = [peer(1), peer(2), peer(3)]
  const votes = new TakeoverVotes(self)
  votes.presence.set(new Set([author]), new Set([author]), 0)
  const takeover = makeTakeover(suite, giver(author), SCOPE, { victim, term: 1, isForced: false, runs: ALL })
  const title = { type: 'takeover', term: 1, seq: 0, owner: author, takeover: takeover.id } as const
  const standing = { isSettled: false, isInForce: false, isRecent: false, doubtedSince: undefined }
  const entry = { takeover, title, publishers: new Set([author]), seenAt: 0, ...standing }
  let termInForce = 0
  const rules = new TakeoverRules({
    self,
    entries: new Map([[takeover.id, entry]]),
    votes,
    blocks: {
      rightTo: () => undefined,
      registersVersion: () => 1,
      isHeldBeside: () => false,
      statementsVersion: () => 1,
    },
    termOf: () => termInForce,
    termsVersion: () => termInForce,
  })
  t.equal(rules.mayAgree(entry, 60_000), true)
  termInForce = 1
  t.equal(rules.mayAgree(entry, 60_000), false)
})

t.test('what nobody will agree to is not shown as settling', async t => {
  const [owner, author, self] = [peer(1), peer(2), peer(3)]
  const machine = ipam({ self, range: RANGE, blockPrefix: 28 })
  machine.setStatements(owner, 0, record([{ first: 0, count: 16, owners: [owner] }], RANGE, 28), 0)
  machine.setReachable(new Set([author]), 0, new Set([owner, author]))
  const shown = () => machine.report().takeovers.map(({ victim, isSettled }) => ({ victim, isSettled }))
  const publishes = (plan: TakeoverPlan) => {
    const made = makeTakeover(suite, giver(author), SCOPE, plan)
    machine.setTakeover(author, fromHex(made.id)!, made.value, 1)
  }
  const plan = { victim: owner, term: 1, isForced: false, runs: ALL }
  publishes({ ...plan, term: 9 })
  publishes({ ...plan, victim: peer(7) })
  t.equal(machine.takeovers.all().length, 2)
  t.same(shown(), [], "of a term that is not the next one; of blocks that are not the victim's")
  publishes(plan)
  t.same(shown(), [{ victim: owner, isSettled: false }])
  machine.setReachable(new Set([author, owner]), 2, new Set([owner, author]))
  t.same(shown(), [], 'the victim is there')
})
