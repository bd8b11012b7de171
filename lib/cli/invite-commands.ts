import { Command } from 'commander'
import { WeaveError } from '../base/mod.ts'
import { stateDirOf } from './paths.ts'
import { clientOf, print, settingsOf, withSettings } from './settings.ts'

export function addInviteCommands(program: Command): void {
  withSettings(
    program
      .command('invite')
      .description(
        'print one line with which another host joins this mesh: addresses, mesh id and the secret. Hand it on like the secret: ' +
          'weave-ts invite | ssh HOST weave-ts join -',
      ),
  )
    .option('--password-file <file>', 'file with the mesh secret, where the last launch had none')
    .action(async ({ passwordFile }: { passwordFile?: string }, command: Command) => {
      const settings = settingsOf(command)
      const { inviteText } = await import('./invite.ts')
      const invitation = inviteText(await clientOf(settings).call('status'), passwordFile)
      print(settings, { invitation }, invitation)
    })
  withSettings(
    program
      .command('join')
      .description(
        'launch the daemon as a member of the mesh of an invitation, and return once it is one (30 s at most); the secret is kept in the state directory',
      )
      .argument(
        '<invitation>',
        'what `weave-ts invite` prints; - reads it from standard input, which keeps it out of the process list',
      )
      .argument('[options...]', 'options of launch')
      // One of launch that stands before the invitation is told where it belongs.
      .allowUnknownOption()
      .passThroughOptions(),
  ).action(async (word: string, words: string[], _options: object, command: Command) => {
    const { invitedAs, launchWordsOf, otherMeshNote, readInvite, requireNoOtherMesh, withKeptSecret } =
      await import('./join.ts')
    const { stateLockHolder } = await import('../io/mod.ts')
    const { readRememberedLaunch } = await import('../daemon/mod.ts')
    if (word.startsWith('-') && word !== '-')
      throw new WeaveError(
        'USAGE',
        `${word.split('=')[0]!} stands where the invitation belongs: options of launch stand behind it`,
        'give the invitation first: weave-ts join - and then the options',
      )
    const invite = readInvite(word)
    const settings = joinSettings(command, words)
    const { stateDir } = settings
    const running = stateLockHolder(stateDir) === undefined ? undefined : await clientOf(settings).call('status')
    const runs = readRememberedLaunch(stateDir)?.options ?? {}
    const isWaiting = running !== undefined && invitedAs(invite, running, runs) === 'waiting'
    if (running !== undefined && !isWaiting) {
      const { renderRunning } = await import('./launch-words.ts')
      return print(settings, running, renderRunning(running))
    }
    requireNoOtherMesh(invite, stateDir)
    // It waits for that mesh: who can be dialled now is told to it, and waited for as by a launch.
    if (isWaiting) await clientOf(settings).call('connect', { targets: [...invite.endpoints], replace: false })
    const launch = program.commands.find(one => one.name() === 'launch')!
    const given = [...words, '--state-dir', stateDir, ...(settings.isJson ? ['--json'] : [])]
    const launched = (file: string) =>
      launch.parseAsync(['--wait=30', ...launchWordsOf(invite, file), ...given], { from: 'user' })
    if (isWaiting) await launched(String(runs['passwordFile']))
    else await withKeptSecret(invite, stateDir, launched)
    const note = words.includes('--foreground')
      ? undefined
      : otherMeshNote(invite, await clientOf(settings).call('status'))
    if (note !== undefined) console.error(`weave-ts: ${note}`)
  })
}

/** Those before the invitation, and those among the options of launch. */
function joinSettings(command: Command, words: readonly string[]) {
  const among = withSettings(new Command().allowUnknownOption().allowExcessArguments())
  const { stateDir, json } = among.parse(words, { from: 'user' }).opts<{ stateDir?: string; json?: boolean }>()
  const before = settingsOf(command)
  return { stateDir: stateDir === undefined ? before.stateDir : stateDirOf(stateDir), isJson: json ?? before.isJson }
}
