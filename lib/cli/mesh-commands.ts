import type { Command } from 'commander'
import type { Status } from '../api/mod.ts'
import { WeaveError } from '../base/mod.ts'
import { prime } from './prime.ts'
import { removalWait, removePeers, renderRemoved } from './rmpeer.ts'
import { clientOf, print, settingsOf, withSettings } from './settings.ts'
import { milliseconds, withNotice } from './waiting.ts'

/** What was asked for is under way, and not done. */
const EXIT_WAITING = 75

export function addMeshCommands(program: Command): void {
  withSettings(
    program
      .command('connect')
      .description('add peers to connect to, and keep trying; `status connections` shows how it goes')
      .argument('[peers...]', 'host, host:port'),
  )
    .option('--replace', 'make the given peers the whole list')
    .action(async (peers: string[], { replace = false }: { replace?: boolean }, command: Command) => {
      if (peers.length === 0 && !replace)
        throw new WeaveError('USAGE', 'no peer was named', 'give at least one: weave-ts connect HOST[:PORT]')
      const settings = settingsOf(command)
      const client = clientOf(settings)
      const answer = await client.call('connect', { targets: peers, replace })
      const note = givesWayNote((await client.call('status')).mesh)
      if (note !== undefined) console.error(`weave-ts: ${note}`)
      print(settings, answer, connectText(peers, replace))
    })
  withSettings(
    program
      .command('forget')
      .description('stop connecting to peers, everywhere in the mesh; existing links are not cut')
      .argument('<peers...>', 'as they were given to launch or connect'),
  ).action(async (peers: string[], _options: object, command: Command) => {
    const settings = settingsOf(command)
    const answer = await clientOf(settings).call('forget', { targets: [...new Set(peers)] })
    print(settings, answer, forgetText(peers, answer))
  })
  withSettings(
    program
      .command('found')
      .description(
        'found a mesh here, where no peer has yet: on one host only, the others join it; refused by a peer of a mesh',
      ),
  )
    .option('--force', 'also where peers that were named are not reached, or refuse this host: they may be of a mesh')
    .action(async ({ force = false }: { force?: boolean }, command: Command) => {
      const settings = settingsOf(command)
      const answer = await clientOf(settings).call('found', { force })
      print(settings, answer, `founded the mesh ${answer.mesh}`)
    })
  withSettings(
    program.command('prime').description('wait until addresses can be given; says meanwhile what is waited for'),
  )
    .option('--timeout <seconds>', 'fail when it takes longer (default: wait for ever)')
    .action(async ({ timeout }: { timeout?: string }, command: Command) => {
      const settings = settingsOf(command)
      const status = await prime(clientOf(settings), timeout)
      print(settings, status, `addresses of ${status.ipam.range} can be given`)
    })
  withSettings(
    program
      .command('rmpeer')
      .description(
        'take over the addresses of peers that are gone for good, once more than half of the others agree; refused while they can be reached',
      )
      .argument('<peers...>', 'nickname, id or how it begins, or ID(NICKNAME), as outputs print them'),
  )
    .option('--force', 'give their addresses at once, before others agree: they may be given twice if the peer lives')
    .option('--timeout <seconds>', 'how long to wait for the others, for all peers together', '15')
    .action(async (peers: string[], options: { force?: boolean; timeout: string }, command: Command) => {
      const settings = settingsOf(command)
      const timeoutMs = milliseconds(options.timeout)
      const client = clientOf(settings)
      const removal = removePeers(client, peers, options.force ?? false, timeoutMs)
      for (const removed of await withNotice(client, 'rmpeer', removal, removalWait)) {
        print(settings, removed, renderRemoved(removed))
        if (removed.state === 'waiting') process.exitCode = EXIT_WAITING
      }
    })
}

/** That the named peers may be of another mesh, which this host then goes into; undefined where that cannot be. */
export function givesWayNote({ id, isUnused }: Pick<Status['mesh'], 'id' | 'isUnused'>): string | undefined {
  return id === null || !isUnused
    ? undefined
    : `no address was given in the mesh ${id} of this host yet: it is left for that of the peers, if they are of another one`
}

/** What a `connect` has begun, in words: whether anybody answers is not known yet. */
export function connectText(peers: readonly string[], isReplaced: boolean): string {
  const only = isReplaced ? ', and no other' : ''
  if (peers.length === 0) return 'no peer is named any more; links that are up stay'
  return `${[...new Set(peers)].join(', ')}${only}: tried from now on; \`weave-ts status connections\` shows how it goes`
}

/** What became of a `forget`, in words. */
export function forgetText(
  peers: readonly string[],
  { strange, told }: { readonly strange: readonly string[]; readonly told: number },
): string {
  const known = [...new Set(peers)].filter(peer => !strange.includes(peer))
  const others = told === 1 ? '1 other host is told' : `${told} other hosts are told`
  return [
    ...(known.length > 0 ? [`${known.join(', ')}: no target of this host any more; a link that is up stays`] : []),
    ...(strange.length > 0
      ? [`${strange.join(', ')}: no target of this host; targets are matched as they were given`]
      : []),
    told === 0 ? 'no other host is reached; whoever comes back is told then' : others,
  ].join('\n')
}
