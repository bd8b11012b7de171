import { Argument, Command, Option } from 'commander'
import { ApiClient, type Status } from '../api/mod.ts'
import { WeaveError } from '../base/mod.ts'
import { systemEntropy } from '../io/entropy.ts'
import { generateSecret } from '../io/secret.ts'
import { SOFTWARE_VERSION } from '../daemon/version.ts'
import { fail } from './fail.ts'
import type { LaunchOptions } from './launch-options.ts'
import { lastWords } from './last-words.ts'
import { socketPathOf, stateDirOf } from './paths.ts'
import { withNotice } from './waiting.ts'
import { renderConnections, renderIpam, renderPeers, renderPs, renderStatus, renderTargets } from './render.ts'

interface CommonOptions {
  readonly stateDir?: string
  readonly json?: boolean
}

const EXIT_NOT_READY = 3

const STATUS_PARTS: Readonly<Record<string, (status: Status) => { text: string; value: unknown }>> = {
  peers: status => ({ text: renderPeers(status), value: status.peers }),
  connections: status => ({ text: renderConnections(status.connections), value: status.connections }),
  targets: status => ({ text: renderTargets(status), value: status.targets }),
  ipam: status => ({ text: renderIpam(status), value: status.ipam }),
}

export async function main(argv: readonly string[]): Promise<void> {
  const program = new Command('weave-ts')
    .description('An encrypted layer-2 overlay mesh for hosts and containers, without a controller.')
    .version(SOFTWARE_VERSION, '--version')
    .helpOption('-h, --help')
    .showHelpAfterError('(add --help for usage)')
    .exitOverride()
    .addHelpText('after', EXIT_STATUS_HELP)
  addLaunch(program)
  addMesh(program)
  addStatus(program)
  addAttachments(program)
  addLifecycle(program)
  try {
    await program.parseAsync([...argv], { from: 'user' })
  } catch (thrown) {
    const code = (thrown as { code?: string; exitCode?: number }).code ?? ''
    if (code.startsWith('commander.')) process.exit((thrown as { exitCode: number }).exitCode === 0 ? 0 : 2)
    fail(withLastWords(thrown, argv), argv.includes('--json'))
  }
}

/** Where no daemon answers: how the last one ended. */
function withLastWords(thrown: unknown, argv: readonly string[]): unknown {
  if (!(thrown instanceof WeaveError) || thrown.code !== 'DAEMON_DOWN') return thrown
  const at = argv.indexOf('--state-dir')
  const words = lastWords(stateDirOf(at < 0 ? undefined : argv[at + 1]))
  return words === undefined ? thrown : new WeaveError(thrown.code, `${thrown.message}; ${words}`, thrown.remedy)
}

const EXIT_STATUS_HELP = `
Exit status: 0 done · 1 refused · 2 wrong usage · 3 status: not ready · 4 no such target · 7 no daemon
             65 damaged state · 69 something missing · 70 failed · 75 busy, try again · 77 not root · 78 configuration
Environment: WEAVE_TS_STATE_DIR (as --state-dir), WEAVE_PASSWORD (mesh secret), DOCKER_HOST`

function common(command: Command): Command {
  return command
    .option('--state-dir <dir>', 'state directory, which names the daemon instance (default: /var/lib/weave-ts)')
    .option('--json', 'print JSON')
}

function clientOf(options: CommonOptions): ApiClient {
  return new ApiClient(socketPathOf(stateDirOf(options.stateDir)))
}

/** Prints either the JSON value, or the text unless it is empty. */
function print(options: CommonOptions, value: unknown, text: string): void {
  if (options.json === true) console.log(JSON.stringify(value, undefined, 2))
  else if (text !== '') console.log(text)
}

const collect = (value: string, previous: string[]) => [...previous, ...value.split(',').filter(part => part !== '')]

function addLaunch(program: Command): void {
  common(
    program
      .command('launch')
      .description('start the daemon; without peers it founds a mesh, or goes on with what its state directory holds')
      .argument('[peers...]', 'peers to join: host, host:port'),
  )
    .option('--password-file <file>', 'file with the mesh secret (see `keygen`)')
    .option('--password <secret>', 'the mesh secret itself: visible in the process list, prefer --password-file')
    .option('--other-password-file <file>', 'a second secret that is accepted too, while the secret is being changed')
    .option('--nickname <name>', 'label shown beside the peer id (default: the host name)')
    .option('--host <address>', 'listen on this address only')
    .option('--port <number>', 'TCP and UDP port', '6783')
    .option('--no-discovery', 'link only to the peers given; the rest of the mesh is reached through them')
    .option('--conn-limit <number>', 'at most so many links (0: no limit)', '200')
    .option('--ipalloc-range <cidr>', 'addresses that the mesh hands out', '10.32.0.0/12')
    .option('--ipalloc-default-subnet <cidr>', 'subnet of containers that ask for none (default: the range)')
    .option('--bridge <name>', 'name of the bridge', 'weave')
    .option('--device <name>', 'name of the TAP device', 'weave-tap')
    .option('--mtu <bytes>', 'MTU of the overlay (default: made from the underlay)')
    .option(
      '--advertise <ip[:port]>',
      'an address that other peers may reach this one at, for instance of a NAT; repeatable',
      collect,
      [],
    )
    .addOption(
      new Option('--disable-offload <name>', 'leave an offload off: tap-gso, udp-gso, udp-gro, checksum; repeatable')
        .argParser(collect)
        .default([]),
    )
    .addOption(
      new Option('--lanes <number>', 'packet workers: 2 is one per direction').choices(['1', '2']).default('2'),
    )
    .addOption(new Option('--log-level <level>').choices(['trace', 'debug', 'info', 'warn', 'error']).default('info'))
    .option('--foreground', 'stay in the foreground and log to standard error (for service managers)')
    .addOption(new Option('--from-parent').hideHelp())
    .action(
      async (
        peers: string[],
        options: LaunchOptions & CommonOptions & { foreground?: boolean; fromParent?: boolean },
      ) => {
        if (options.fromParent === true) {
          const { runFromParent } = await import('../daemon/process.ts')
          return runFromParent()
        }
        const { daemonConfigOf } = await import('./launch-options.ts')
        const config = daemonConfigOf(peers, options)
        if (options.foreground === true) {
          const { runInForeground } = await import('../daemon/process.ts')
          return runInForeground(config)
        }
        const { launchDetached } = await import('./launch.ts')
        const notes = await launchDetached(config)
        const status = await clientOf(options).status()
        for (const note of [...notes, ...status.warnings]) console.error(`weave-ts: ${note}`)
        print(options, status, '')
      },
    )
}

function addMesh(program: Command): void {
  common(
    program
      .command('connect')
      .description('add peers to connect to, and keep trying; prints the list')
      .argument('[peers...]', 'host, host:port'),
  )
    .option('--replace', 'make the given peers the whole list')
    .action(async (peers: string[], options: CommonOptions & { replace?: boolean }) => {
      if (peers.length === 0 && options.replace !== true)
        throw new WeaveError('USAGE', 'no peer was named', 'give at least one: weave-ts connect HOST[:PORT]')
      const targets = await clientOf(options).connect(peers, options.replace === true)
      print(options, { targets }, '')
    })
  common(
    program
      .command('forget')
      .description('stop connecting to peers, everywhere in the mesh; existing links are not cut')
      .argument('<peers...>', 'as they were given to launch or connect'),
  ).action(async (peers: string[], options: CommonOptions) => {
    const targets = await clientOf(options).forget(peers)
    print(options, { targets }, '')
  })
  program
    .command('keygen')
    .description('print a strong mesh secret, for a file that every peer is given with --password-file')
    .option('--json', 'print JSON')
    .action((options: CommonOptions) => {
      const secret = generateSecret(systemEntropy)
      print(options, { secret }, secret)
    })
}

function addStatus(program: Command): void {
  common(
    program
      .command('status')
      .description('show the state of the daemon and of the mesh as it sees it')
      .addArgument(new Argument('[part]').choices(Object.keys(STATUS_PARTS))),
  ).action(async (part: string | undefined, options: CommonOptions) => {
    const status = await clientOf(options).status()
    const shown = part === undefined ? { text: renderStatus(status), value: status } : STATUS_PARTS[part]!(status)
    print(options, shown.value, shown.text)
    if (part === undefined && !status.isReady) process.exitCode = EXIT_NOT_READY
  })
  common(program.command('report').description('print everything that the daemon knows, as JSON')).action(
    async (options: CommonOptions) => {
      console.log(JSON.stringify(await clientOf(options).report(), undefined, 2))
    },
  )
  common(program.command('version').description('print the version of this program and of the running daemon')).action(
    async (options: CommonOptions) => {
      const daemon = await clientOf(options)
        .status()
        .then(
          status => status.version,
          () => null,
        )
      const text = `weave-ts ${SOFTWARE_VERSION}\n${daemon === null ? 'no daemon is running' : `daemon ${daemon}`}`
      print(options, { version: SOFTWARE_VERSION, daemon }, text)
    },
  )
}

function addAttachments(program: Command): void {
  const target = 'netns:NAME, pid:N, or the id or name of a Docker container'
  const addresses = 'CIDR or ip:CIDR (this one), net:CIDR (one of that subnet), net:default'
  common(
    program
      .command('attach')
      .description('plug a container into the overlay; prints its addresses')
      .argument('<args...>', `[addresses...] target: ${addresses}; ${target}`),
  )
    .usage('[options] [addresses...] <target>')
    .option('--no-multicast-route', 'do not route multicast of the container into the overlay')
    .action(async (args: string[], options: CommonOptions & { multicastRoute: boolean }) => {
      const client = clientOf(options)
      const answer = client.attach(args.at(-1)!, args.slice(0, -1), options.multicastRoute)
      const cidrs = await withNotice(client, 'attach', answer)
      print(options, { cidrs }, cidrs.join(' '))
    })
  common(
    program
      .command('detach')
      .description('take addresses, or all and the interface, from a container; prints what was removed')
      .argument('<args...>', `[addresses...] target: ${target}`),
  )
    .usage('[options] [addresses...] <target>')
    .action(async (args: string[], options: CommonOptions) => {
      const cidrs = await clientOf(options).detach(args.at(-1)!, args.slice(0, -1))
      print(options, { cidrs }, cidrs.join(' '))
    })
  common(
    program.command('ps').description('list what is attached: id, MAC, addresses').argument('[targets...]'),
  ).action(async (targets: string[], options: CommonOptions) => {
    const all = await clientOf(options).ps()
    const shown =
      targets.length === 0
        ? all
        : all.filter(one => targets.some(text => one.id.startsWith(text) || one.description === text))
    print(options, shown, renderPs(shown))
  })
}

function addLifecycle(program: Command): void {
  common(
    program
      .command('stop')
      .description(
        'stop the daemon; containers keep their interfaces and talk within the host, all is resumed by the next launch',
      ),
  ).action(async (options: CommonOptions) => {
    const { stopDaemon } = await import('./stop.ts')
    await stopDaemon(stateDirOf(options.stateDir))
    print(options, { ok: true }, '')
  })
  common(
    program
      .command('reset')
      .description('leave the mesh for good: hand the addresses on, remove the bridge, all interfaces and the state'),
  )
    .option('--force', 'also without a running daemon; its address blocks are then lost to the mesh until taken over')
    .action(async (options: CommonOptions & { force?: boolean }) => {
      const { resetInstance } = await import('./stop.ts')
      const notes = await resetInstance(stateDirOf(options.stateDir), options.force === true)
      for (const note of notes) console.error(`weave-ts: ${note}`)
      print(options, { ok: true, notes }, '')
    })
}
