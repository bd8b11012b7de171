import type { ApiClient, CallAnswer, Status } from '../api/mod.ts'
import { counted } from '../base/mod.ts'
import { peerName } from './render.ts'
import { duration } from './table.ts'

type Removed = CallAnswer<'rmpeer'>

const LOOK_MS = 250

/**
 * Removes peers, and waits until all of that is settled, forced, or the time is over. Each is asked for before any is
 * waited for: a name that nobody has fails at once. `timeoutMs`: for all together; the votes go on without this command.
 */
export async function removePeers(
  client: Pick<ApiClient, 'call'>,
  peers: readonly string[],
  isForced: boolean,
  timeoutMs: number,
): Promise<Removed[]> {
  const begun = performance.now()
  const removed: Removed[] = []
  for (const peer of peers) removed.push(await client.call('rmpeer', { peer, force: isForced }))
  while (removed.some(({ state }) => state === 'waiting') && performance.now() - begun < timeoutMs) {
    await new Promise(resolve => setTimeout(resolve, LOOK_MS))
    for (const [at, { peer, state, unreachedSeconds }] of removed.entries())
      if (state === 'waiting')
        removed[at] = { ...(await client.call('rmpeer', { peer: peer.id, force: false })), unreachedSeconds }
  }
  return removed
}

/** Who of the mesh has not agreed yet, for the notice while it is waited for. */
export function removalWait({ ipam }: Pick<Status, 'ipam'>): string | undefined {
  const waiting = ipam.takeovers.filter(({ isSettled, isForced }) => !isSettled && !isForced)
  if (waiting.length === 0) return undefined
  return waiting
    .map(
      ({ victim, agreed, needed, waitsFor }) =>
        `${agreed} of ${needed} peers agree that ${peerName(victim)} is gone; not yet: ${waitsFor.map(nameOf).join(', ')}`,
    )
    .join('; ')
}

/** What became of it, for people. */
export function renderRemoved(removed: Removed): string {
  const { peer, blocks, state, by, agreed, needed, waitsFor, unreachedSeconds } = removed
  const name = peerName(peer)
  const what = counted(blocks, 'address block')
  const seen = unreachedSeconds === null ? '' : `; ${peer.nickname} was not reached for ${duration(unreachedSeconds)}`
  if (state === 'settled' && blocks === 0) return `${name} is removed; it owned no address block${seen}`
  if (state === 'settled') return `${what} of ${name} taken over by ${nameOf(by)}${seen}`
  const waits = waitsFor.map(nameOf).join(', ')
  if (state === 'forced')
    return (
      `${what} of ${name} taken over by force: addresses of them are given now, though only ${agreed} of the ${needed} peers needed agree; ` +
      `what is given is disputed if ${peer.nickname} comes back first${seen}`
    )
  const waiting = blocks === 0 ? `that ${name} is gone waits` : `${what} of ${name} ${blocks === 1 ? 'waits' : 'wait'}`
  return (
    `${waiting} for more peers to agree: ${agreed} of ${needed} do; not yet: ${waits}\n` +
    'It goes on by itself as they can be reached; `weave-ts status ipam` shows it. Peers that are gone too: rmpeer them. ' +
    `--force gives addresses at once: should ${peer.nickname} live and come back, both may have given the same ones${seen}.`
  )
}

function nameOf(peer: Removed['by']): string {
  return peer === null ? 'another peer' : peerName(peer)
}
