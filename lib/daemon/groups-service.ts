import { formatIp } from '../address/mod.ts'
import type { CallHandlers, CallAnswer, PeerRef } from '../api/mod.ts'
import { compareBytes, fromHex, toHex } from '../base/mod.ts'
import type { PeerGroups } from '../node/mod.ts'
import type { NodeRunner } from './node-runner.ts'
import type { Service } from './service.ts'

const WHY: Readonly<Record<NonNullable<PeerGroups['everything']>, string>> = {
  learning: 'it was launched a moment ago and asks who listens',
  router: 'a multicast router is on its bridge, or was within the last four minutes',
  'too-many': 'more groups are listened to there than it tells of',
  missed: 'more was reported there at once than it could take',
  off: 'it was launched with --flood-multicast',
  told: 'it says so: it does not tell groups apart, or cannot now',
  unknown: 'it has not said to which groups it listens',
}

/** Who listens to which multicast groups: `status groups`. */
export class GroupsService implements Service {
  readonly name = 'groups'
  readonly calls: Pick<CallHandlers, 'groups'>
  readonly #runner: Pick<NodeRunner, 'node'>

  constructor(runner: Pick<NodeRunner, 'node'>) {
    this.#runner = runner
    this.calls = { groups: () => this.#groups() }
  }

  #groups(): CallAnswer<'groups'> {
    const { node } = this.#runner
    const byGroup = new Map<string, PeerRef[]>()
    const everything: { peer: PeerRef; why: string }[] = []
    for (const { peer: id, everything: why, groups } of node.groups()) {
      const peer = { id, nickname: node.view.nicknameOf(id) }
      if (why !== undefined) everything.push({ peer, why: WHY[why] })
      for (const ip of groups) {
        const key = toHex(ip)
        byGroup.set(key, [...(byGroup.get(key) ?? []), peer])
      }
    }
    const groups = [...byGroup]
      .map(([key, peers]) => ({ ip: fromHex(key)!, peers }))
      .sort((a, b) => a.ip.length - b.ip.length || compareBytes(a.ip, b.ip))
      .map(({ ip, peers }) => ({ group: formatIp(ip), peers }))
    return { groups, everything }
  }
}
