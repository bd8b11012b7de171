import type { ApiClient, CallReply } from '../api/mod.ts'
import { counted } from '../base/mod.ts'
import { peerName } from './render.ts'

type Removed = CallReply<'rmpeer'>

const LOOK_MS = 250

/**
 * Removes a peer, and waits until that is settled, forced, or the time is over. `timeoutMs`: how long; the vote goes on
 * without this command.
 */
export async function removePeer(
  client: Pick<ApiClient, 'call'>,
  peer: string,
  isForced: boolean,
  timeoutMs: number,
): Promise<Removed> {
  const begun = performance.now()
  let removed = await client.call('rmpeer', { peer, force: isForced })
  const { id } = removed.peer
  while (removed.state === 'waiting' && performance.now() - begun < timeoutMs) {
    await new Promise(resolve => setTimeout(resolve, LOOK_MS))
    removed = await client.call('rmpeer', { peer: id, force: false })
  }
  return removed
}

/** What became of it, for people. */
export function renderRemoved(removed: Removed): string {
  const { peer, blocks, state, by, agreed, needed, waitsFor } = removed
  const name = peerName(peer)
  const what = counted(blocks, 'address block')
  if (state === 'settled' && blocks === 0) return `${name} is removed; it owned no address block`
  if (state === 'settled') return `${what} of ${name} taken over by ${nameOf(by)}`
  const waits = waitsFor.map(nameOf).join(', ')
  if (state === 'forced')
    return (
      `${what} of ${name} taken over by force: addresses of them are given now, though only ${agreed} of the ${needed} peers needed agree; ` +
      `what is given is disputed if ${peer.nickname} comes back first`
    )
  return (
    `${what} of ${name} ${blocks === 1 ? 'waits' : 'wait'} for more peers to agree: ${agreed} of ${needed} do; not yet: ${waits}\n` +
    'It goes on by itself as they can be reached; `weave-ts status ipam` shows it. Peers that are gone too: rmpeer them. ' +
    `--force gives addresses at once: should ${peer.nickname} live and come back, both may have given the same ones.`
  )
}

function nameOf(peer: Removed['by']): string {
  return peer === null ? 'another peer' : peerName(peer)
}
