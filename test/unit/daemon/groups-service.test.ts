import t from 'tap'
import { parseIp, type PeerId } from '../../../lib/address/mod.ts'
import type { CallContext, CallAnswer } from '../../../lib/api/mod.ts'
import { renderGroups } from '../../../lib/cli/render-groups.ts'
import { GroupsService } from '../../../lib/daemon/groups-service.ts'
import type { PeerGroups } from '../../../lib/node/mod.ts'
import { peerNumber } from '../../support/graphs.ts'

const [A, B, C] = [1, 2, 3].map(peerNumber) as [PeerId, PeerId, PeerId]
const context: CallContext = { signal: new AbortController().signal, afterAnswer: () => undefined }
const ips = (...texts: string[]) => texts.map(text => parseIp(text)!)

async function shown(...all: PeerGroups[]): Promise<CallAnswer<'groups'>> {
  const nickname = (id: PeerId) => `n${[A, B, C].indexOf(id)}`
  const node = { groups: () => all, view: { nicknameOf: nickname } }
  return new GroupsService({ node } as never).calls.groups({}, context)
}

t.test('groups are told in order with all who listen, and who gets everything with the reason', async t => {
  const reply = await shown(
    { peer: A, everything: undefined, groups: ips('239.1.2.3', 'ff05::1:3') },
    { peer: B, everything: undefined, groups: ips('239.0.9.9', '239.1.2.3') },
    { peer: C, everything: 'unknown', groups: [] },
  )
  t.strictSame(
    reply.groups.map(({ group, peers }) => [group, peers.map(peer => peer.nickname)]),
    [
      ['239.0.9.9', ['n1']],
      ['239.1.2.3', ['n0', 'n1']],
      ['ff05::1:3', ['n0']],
    ],
  )
  t.match(reply.everything, [{ peer: { id: C, nickname: 'n2' }, why: /^it has not said/ }])
  const lines = renderGroups(reply).split('\n')
  t.match(lines[0], /^GROUP {6}LISTENERS$/)
  t.match(lines[2], /^239\.1\.2\.3 {2}\w+\(n0\) \w+\(n1\)$/)
  t.match(lines[4], /^all {8}\w+\(n2\): it has not said/)
})

t.test('a host with a router on its bridge shows its groups too', async t => {
  const reply = await shown({ peer: A, everything: 'router', groups: ips('239.1.2.3') })
  t.match(reply, { groups: [{ group: '239.1.2.3' }], everything: [{ why: /a multicast router/ }] })
  t.equal(renderGroups(await shown()), 'GROUP  LISTENERS')
})
