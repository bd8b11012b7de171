import t from 'tap'
import { electionOf } from '../../../lib/daemon/status/election.ts'
import { Names } from '../../../lib/daemon/status/names.ts'
import { FOUNDER_AWAITED_MS } from '../../../lib/node/constants.ts'
import type { NodeContext } from '../../../lib/node/context.ts'
import { Electorate } from '../../../lib/node/electorate.ts'
import { FounderElection } from '../../../lib/node/founder-election.ts'
import { NO_MESH, type Membership } from '../../../lib/node/membership.ts'
import { encodeElection, electionSignedBytes } from '../../../lib/wire/mod.ts'
import { fakeIdentity, fakeSuite } from '../../support/fake-suite.ts'
import { nodeReport } from '../../support/node-reports.ts'

const PLAN = { type: 'consensus', size: 5 } as const

/** A peer that decides among five who founds, with one neighbour. */
function setUp() {
  const context = {
    config: { identity: fakeIdentity('here'), suite: fakeSuite, election: PLAN, nickname: 'here', chance: () => 0.5 },
    neighbours: { neighbours: [], neighbour: () => ({ hello: { meshId: NO_MESH } }), send: () => true },
    log: () => undefined,
    emit: () => undefined,
    drop: (reason: string) => t.fail(reason),
  } as unknown as NodeContext
  const mesh = { isMember: false, meshId: NO_MESH } as unknown as Membership
  const election = new FounderElection(context, mesh, () => t.fail('it is not elected'))
  election.restore([], 0)
  election.handleNeighbour(fakeIdentity('neighbour').peerId, 0)
  return election
}

/** How status and launch put it. */
function told(election: FounderElection, now: number) {
  const mesh = { id: undefined, isPristine: false, isUnused: false, ipv6Prefix: undefined }
  const report = nodeReport({ mesh: { ...mesh, election: election.report(now) } })
  return electionOf(report, new Names(report))
}

t.test('where made-up electors elect a founder that is not there, it is said within seconds what to do', async t => {
  const election = setUp()
  const electorate = new Electorate(PLAN, fakeSuite)
  const madeUp = Array.from({ length: 12 }, (_, at) => fakeIdentity(`made up ${at}`))
  const [founder] = madeUp
  const ballot = { round: 9, proposer: founder!.peerId }
  const statements = madeUp.map((identity, at) => {
    const statement = {
      signingPublic: identity.signingPublic,
      revision: 1,
      electorate: electorate.id,
      size: electorate.size,
      promised: ballot,
      accepted: { ballot, founder: founder!.peerId },
      meshId: NO_MESH,
      nickname: `liar${at}`,
    }
    return { statement, signature: identity.sign(electionSignedBytes(statement)) }
  })
  const from = fakeIdentity('neighbour').peerId
  election.handleMessage(from, { type: 'election', body: encodeElection(statements) } as never, 100)
  t.match(told(election, 1000), { state: 'deciding', wait: /liar0\) is elected to found the mesh/ })
  t.match(told(election, 100 + FOUNDER_AWAITED_MS), {
    state: 'nobody',
    wait: /liar0\) is elected .* start that host; if there is none, or it is gone for good, run `weave-ts found` on one/,
  })
})
