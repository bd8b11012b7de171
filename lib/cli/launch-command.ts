import { networkInterfaces } from 'node:os'
import { Option, type Command } from 'commander'
import type { GivenOptions } from '../daemon/mod.ts'
import type { Wanted } from './launch-memory.ts'
import type { LaunchOptions } from './launch-options.ts'
import { clientOf, collected, print, settingsOf, withSettings } from './settings.ts'

interface Options extends Omit<LaunchOptions, 'stateDir'> {
  readonly foreground?: boolean
  readonly replace?: boolean
  readonly force?: boolean
  readonly resume?: boolean
  readonly forgetOptions?: boolean
  readonly forgetOption: string[]
  readonly wait?: string
}

export function addLaunchCommand(program: Command): void {
  withSettings(
    program
      .command('launch')
      .description(
        'start the daemon; without peers it founds a mesh, or goes on with what its state directory holds. Options that ' +
          'are not given are those of the last launch of the state directory (`status` shows them)',
      )
      .argument('[peers...]', 'peers to join: host, host:port'),
  )
    .option('--password-file <file>', 'file with the mesh secret (see `keygen`)')
    .option('--password <secret>', 'the mesh secret itself: visible in the process list, prefer --password-file')
    .option('--other-password-file <file>', 'a second secret that is accepted too, while the secret is being changed')
    .option('--open', 'mean it: no secret, any stranger may join, also where the last launch had a secret')
    .option('--nickname <name>', 'label shown beside the peer id (default: the host name)')
    .option('--host <address>', 'listen on this address only')
    .option('--port <number>', 'TCP and UDP port', '6783')
    .option('--no-discovery', 'link only to the peers given; the rest of the mesh is reached through them')
    .option('--conn-limit <number>', 'at most so many links (0: no limit)', '200')
    .option(
      '--ipalloc-range <cidr>',
      'addresses that the mesh hands out, /8 to /30; the same on every peer',
      '10.32.0.0/12',
    )
    .option('--ipalloc-default-subnet <cidr>', 'subnet of containers that ask for none (default: the range)')
    .option(
      '--ipalloc-init <plan>',
      'how hosts that start by one command decide who founds: consensus=N, seed=PEER,… or observer',
    )
    .option('--mesh <id>', 'the only mesh that this host may come into, as invitations name it; it founds none')
    .option('--ephemeral', 'hold no address blocks, only what containers here use: for hosts that come and go')
    .option('--bridge <name>', 'name of the bridge', 'weave')
    .option('--adopt-bridge', 'take over a bridge of that name that weave-ts did not make; `reset` gives it back')
    .option('--device <name>', 'name of the TAP device', 'weave-tap')
    .option('--mtu <bytes>', 'MTU of the overlay (default: made from the underlay)')
    .option('--clamp-mss', 'let TCP connections begin with segments that fit the path, both ways')
    .option(
      '--flood-limit <frames>',
      'broadcasts and multicasts that each host may send in a second, each container of this one half of it (0: no limit)',
      '10000',
    )
    .option(
      '--perf-limit <rate>',
      'what other hosts may measure by `perf` to and from this one, as in 100M, or off',
      '1G',
    )
    .option('--flood-arp', 'ask all hosts for MAC addresses, not only the host to which an address was given')
    .option('--allow-ra', 'let router advertisements and redirects pass between hosts')
    .option('--flood-multicast', 'send multicast to all hosts, and take all, not only where somebody listens')
    .option('--allow-dhcp', 'let answers of DHCP servers pass between hosts')
    .option('--no-ipv6', 'give no IPv6 addresses to containers and this host')
    .option(
      '--advertise <ip[:port]>',
      'an address that other peers may reach this one at, for instance of a NAT; repeatable',
      collected,
      [],
    )
    .addOption(
      new Option('--disable-offload <name>', 'leave an offload off: tap-gso, udp-gso, udp-gro, checksum; repeatable')
        .argParser(collected)
        .default([]),
    )
    .option('--no-docker', 'do not follow Docker: a container that stops gives its addresses back; no network driver')
    .option('--docker-plugin-dir <dir>', 'where Docker looks for the network driver weave-ts', '/run/docker/plugins')
    .addOption(
      new Option('--lanes <number>', 'packet workers: 2 is one per direction').choices(['1', '2']).default('2'),
    )
    .option('--no-dns', 'answer no DNS queries; names are still published and looked up')
    .option('--dns-domain <name>', 'domain under which containers are found by name', 'weave.local')
    .option(
      '--dns-listen-address <ip[:port]>',
      'answer DNS queries there (default: at every address of the bridge); repeatable',
      collected,
      [],
    )
    .option('--dns-ttl <seconds>', 'how long answers may be kept', '1')
    .option('--dns-local-first', 'answer with addresses of this host before all others')
    .option('--resolv-conf <file>', 'where the servers for all other names are read from', '/etc/resolv.conf')
    .option(
      '--metrics <ip[:port]>',
      'let Prometheus ask there by HTTP, without a password: 127.0.0.1 for this host alone (port 6782 unless given)',
    )
    .option(
      '--group <name>',
      'let its members look (status, ps, events, …) and change nothing, by a socket of their own; the rest is for root',
    )
    .addOption(new Option('--log-level <level>').choices(['trace', 'debug', 'info', 'warn', 'error']).default('info'))
    .addOption(
      new Option('--log-format <format>', 'of the log with --foreground; auto: text on a terminal, JSON elsewhere')
        .choices(['auto', 'json', 'text'])
        .default('auto'),
    )
    .option('--foreground', 'stay in the foreground and log to standard error (for service managers)')
    .option('--replace', 'take the place of a daemon that runs, once this one is ready to (see `restart`)')
    .option('--force', 'with --replace: also with another mesh secret than that by which this host has links')
    .option('--resume', 'fail where no launch is remembered, instead of founding a mesh')
    .option('--forget-option <name>', 'back to the default of an option of earlier launches; repeatable', collected, [])
    .option('--forget-options', 'back to the defaults of all options of earlier launches, the password file too')
    .option('--wait [seconds]', 'return once it is of a mesh; fail when it is of none by then (30 s unless given)')
    .action(async (peers: string[], options: Options, command: Command) => {
      const settings = settingsOf(command)
      const { daemonConfigOf } = await import('./launch-options.ts')
      const { derivedSettingsOf, readRememberedLaunch } = await import('../daemon/mod.ts')
      const { groupId, stateLockHolder } = await import('../io/mod.ts')
      const { repeatedOptions } = await import('./launch-memory.ts')
      const { decidedStatus, meshedStatus, waitMs } = await import('./prime.ts')
      const { statusIfAny } = await import('./patient-status.ts')
      const { stateDir } = settings
      const limitMs = options.wait === undefined ? undefined : waitMs(options.wait)
      const statusOf = () =>
        limitMs === undefined
          ? decidedStatus(clientOf(settings), peers)
          : meshedStatus(clientOf(settings), limitMs, peers)
      const wanted = wantedOf(command, options)
      const remembered = readRememberedLaunch(stateDir)
      if (typeof wanted.given['mesh'] === 'string') {
        const { requireNoOtherMesh } = await import('./join.ts')
        requireNoOtherMesh({ mesh: wanted.given['mesh'] }, stateDir)
      }
      const repetition = repeatedOptions(remembered, wanted, stateDir)
      const isRunning = stateLockHolder(stateDir) !== undefined
      const isReplacing = options.replace === true && isRunning
      const asIs = isReplacing ? await statusIfAny(clientOf(settings)) : undefined
      const keepsSecret = (asIs?.links.count ?? 0) > 0 && options.force !== true
      const configOf = () =>
        daemonConfigOf(
          peers,
          { ...options, ...repetition.options, stateDir },
          { ...repetition, isReplacing, keepsSecret },
        )
      const { renderLaunched, renderRunning } = await import('./launch-words.ts')
      if (isRunning && options.replace !== true && options.foreground !== true) {
        const running = await statusIfAny(clientOf(settings))
        if (running !== undefined) {
          const { checkRunsAsAsked } = await import('./running-launch.ts')
          const asked = { peers, options: repetition.remember, ...askedOf(command, options) }
          try {
            checkRunsAsAsked(asked, remembered?.options ?? {}, running)
          } catch (error) {
            // What can be asked of no daemon is said first.
            derivedSettingsOf(configOf(), networkInterfaces())
            throw error
          }
          const status = await statusOf()
          return print(settings, status, renderRunning(status))
        }
      }
      const config = configOf()
      // One that is remembered may be gone by now, and keeps no daemon from running.
      if (wanted.given['group'] !== undefined) groupId(String(wanted.given['group']))
      if (options.foreground === true) {
        const { runInForeground } = await import('../daemon/process.ts')
        return runInForeground(config)
      }
      const begun = performance.now()
      const { launchDetached } = await import('./launch.ts')
      const { replaceDaemon } = await import('./replace.ts')
      const notes = await (isReplacing ? replaceDaemon(config) : launchDetached(config))
      for (const note of notes) console.error(`weave-ts: ${note}`)
      const status = await statusOf()
      for (const warning of status.warnings) console.error(`weave-ts: ${warning}`)
      if (!status.isReady) for (const reason of status.waiting) console.error(`weave-ts: waiting: ${reason}`)
      const facts = {
        meshBefore: remembered?.member?.mesh,
        tookMs: performance.now() - begun,
        isUncertain: config.ipallocInit !== null || (remembered !== undefined && remembered.member === undefined),
      }
      print(settings, status, renderLaunched(status, facts))
    })
  withSettings(
    program
      .command('restart')
      .description(
        'replace the daemon by a new one with the same options, for an upgrade: it makes ready while the old one still ' +
          'forwards, which stays when it cannot; with other options: `launch --replace`',
      ),
  ).action(async (_options: object, command: Command) => {
    const settings = settingsOf(command)
    const { reloadUnit } = await import('./service.ts')
    if (reloadUnit(settings.stateDir)) return print(settings, await clientOf(settings).call('status'), '')
    const launch = program.commands.find(one => one.name() === 'launch')!
    const json = settings.isJson ? ['--json'] : []
    await launch.parseAsync(['--replace', '--resume', '--state-dir', settings.stateDir, ...json], { from: 'user' })
  })
}

/** What is compared with a daemon that runs. */
function askedOf(command: Command, options: Options) {
  const secrets = [options.password, options.passwordFile, process.env['WEAVE_PASSWORD']]
  return {
    defaults: Object.fromEntries(
      command.options.map(option => [
        option.attributeName(),
        option.negate ? true : (option.defaultValue ?? (option.isBoolean() ? false : undefined)),
      ]),
    ),
    isOpen: options.open === true,
    hasSecret: secrets.some(secret => secret !== undefined && secret !== ''),
  }
}

function wantedOf(command: Command, options: Options): Wanted {
  const known = command.options.map(option => option.attributeName())
  const given = known.filter(key => command.getOptionValueSource(key) === 'cli')
  return {
    known,
    given: Object.fromEntries(given.map(key => [key, command.getOptionValue(key) as GivenOptions[string]])),
    isResuming: options.resume === true,
    isForgettingAll: options.forgetOptions === true,
    forgotten: options.forgetOption,
    hasSecretOutside: (process.env['WEAVE_PASSWORD'] ?? '') !== '',
  }
}
