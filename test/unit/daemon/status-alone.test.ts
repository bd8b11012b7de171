import t from 'tap'
import { aloneWarnings } from '../../../lib/daemon/status/alone.ts'
import type { PeerInfo } from '../../../lib/topology/mod.ts'
import { nodeReport, peer } from '../../support/node-reports.ts'

const info: PeerInfo = {
  nickname: 'n',
  incarnation: '0011223344556677',
  softwareVersion: '1.2.3',
  protocolVersion: 1,
  udpPort: 6783,
  capabilities: 0,
  endpoints: [],
}
const AWAY = { info, isReachable: false }
const LONG_MS = 10_000

t.test('who reaches nobody of its mesh says so, and how many they are', async t => {
  t.match(aloneWarnings(nodeReport({ peers: [peer(1, AWAY)] }), LONG_MS), [/does not reach the other member of/])
  t.match(aloneWarnings(nodeReport({ peers: [peer(1, AWAY), peer(2, AWAY)] }), LONG_MS), [
    /does not reach any of the 2 other members of/,
  ])
})

t.test('nothing is said while links may still come, nor by who has no others, nor where one is reached', async t => {
  t.same(aloneWarnings(nodeReport({ peers: [peer(1, AWAY)] }), LONG_MS - 1), [])
  t.same(aloneWarnings(nodeReport({ peers: [] }), LONG_MS), [])
  t.same(aloneWarnings(nodeReport({ peers: [peer(1, { isReachable: false })] }), LONG_MS), [], 'nobody that is known')
  t.same(aloneWarnings(nodeReport({ peers: [peer(1, AWAY), peer(2, { info })] }), LONG_MS), [])
})
