import type { Status } from './answers.ts'
import { beginOfId, countOf, sentence, spanText } from './words.ts'

/** What is said of this host before all else. */
export interface Headline {
  readonly host: string
  readonly isReady: boolean
  readonly state: string
  readonly details: readonly string[]
}

const WITHOUT_MESH: Readonly<Record<Status['mesh']['founding'], string>> = {
  done: 'It is of a mesh.',
  nobody: 'It is of no mesh: nobody has founded one.',
  deciding: 'It is of no mesh: it is not decided yet who founds.',
  waiting: 'It is of no mesh: it waits for a peer to join.',
}

export function headlineOf({ isReady, mesh, ipam, peers, encryption, version, uptimeSeconds, peer }: Status): Headline {
  const gone = peers.filter(({ isReachable, isSelf }) => !isReachable && !isSelf).length
  const hosts = `${countOf(peers.length, 'host')}${gone === 0 ? '' : `, ${gone} not reached`}`
  return {
    host: peer.nickname === '' ? beginOfId(peer.id) : peer.nickname,
    isReady,
    state: isReady
      ? `Ready: this host gives addresses of ${ipam.range}.`
      : `Not ready. ${mesh.id === null ? WITHOUT_MESH[mesh.founding] : `${sentence(ipam.reason ?? 'no addresses can be given yet')}.`}`,
    details: [
      mesh.id === null ? 'no mesh' : `mesh ${mesh.id.slice(0, 8)}`,
      hosts,
      encryption === 'secret' ? 'closed by a secret' : 'open to anybody',
      `weave-ts ${version}`,
      `up ${spanText(uptimeSeconds)}`,
    ],
  }
}
