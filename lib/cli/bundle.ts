import { readFileSync } from 'node:fs'
import { arch, hostname, release } from 'node:os'
import { join } from 'node:path'
import { SOFTWARE_VERSION, type ApiClient, type DoctorAnswer, type Status } from '../api/mod.ts'
import { errorText, WeaveError } from '../base/mod.ts'
import type { GivenOptions } from '../daemon/mod.ts'
import { tableOf, type CommandRunner } from '../host/mod.ts'
import { EventFile, LOG_FILE, readStateFileEnd } from '../io/mod.ts'
import { askDoctor } from './ask-doctor.ts'
import { redactedLines, redactedValue, redactor } from './redaction.ts'
import { renderConnections, renderStatus } from './render.ts'
import { renderDoctor } from './render-doctor.ts'
import type { KnownSecrets } from './bundle-secrets.ts'
import type { TarEntry } from './tar.ts'

const DAY_MS = 86_400_000
const EVENTS_MAX = 4_096
const LOG_BYTES_MAX = 512 * 1024
const JOURNAL_LINES = '2000'
const COMMAND_MS = 5_000

const ABOUT = `What \`weave-ts report --bundle\` put together, for whoever looks into a fault. Secrets were left out: the mesh secret, the
private key of this host, invitations, and what looks like a password or token. Names and addresses of hosts and
containers are in it: look through it before you give it away. missing.json says what could not be had, and why.
`

export interface BundleSources {
  readonly client: Pick<ApiClient, 'call'>
  readonly runner: CommandRunner
  readonly stateDir: string
  /** Of the bridge and its table of nftables. */
  readonly bridge: string
  /** What the last launch remembered. */
  readonly options: GivenOptions
  readonly secrets: KnownSecrets
  readonly now: Date
  /** What can be found without a daemon. */
  diagnoseDown(down: WeaveError): Promise<DoctorAnswer>
}

/** Everything that helps to look into a fault, without secrets. What cannot be had is said in it; never fails for that. */
export async function bundleFiles(sources: BundleSources): Promise<TarEntry[]> {
  const { secrets, now } = sources
  const redact = redactor(secrets.secrets)
  const files: TarEntry[] = [{ name: 'README.txt', content: ABOUT }]
  const missing: { readonly name: string; readonly why: string }[] = []
  const add = async (name: string, make: () => unknown) => {
    try {
      const made = await make()
      const content =
        typeof made === 'string'
          ? redactedLines(made, redact)
          : `${JSON.stringify(redactedValue(made, redact), undefined, 2)}\n`
      files.push({ name, content })
    } catch (error) {
      missing.push({ name, why: redact(errorText(error)) })
    }
  }
  await addMesh(sources, add)
  await addHost(sources, add)
  await add('launch.json', () => ({ options: sources.options, stateDir: sources.stateDir }))
  // Half a line is no JSON, and might hold half a secret.
  await add('daemon.log', () => readStateFileEnd(join(sources.stateDir, LOG_FILE), LOG_BYTES_MAX))
  await add('missing.json', () => ({ at: now.toISOString(), missing, secretsNotRead: secrets.unread }))
  return files
}

type Add = (name: string, make: () => unknown) => Promise<void>

async function addMesh({ client, now, stateDir, diagnoseDown }: BundleSources, add: Add): Promise<void> {
  let status: Status | undefined
  await add('status.json', async () => (status = await client.call('status')))
  await add('versions.json', () => ({
    ...{ program: SOFTWARE_VERSION, daemon: status?.version ?? null, schemaVersion: status?.schemaVersion ?? null },
    ...{ node: process.version, kernel: release(), arch: arch(), host: hostname(), system: systemName() },
  }))
  if (status !== undefined) {
    const { connections } = status
    await add('status.txt', () => `${renderStatus(status!)}\n`)
    await add('connections.json', () => connections)
    await add('connections.txt', () => `${renderConnections(connections)}\n`)
  }
  await add('report.json', () => client.call('report'))
  let found: DoctorAnswer | undefined
  await add('doctor.json', async () => (found = await askDoctor(client, diagnoseDown)))
  if (found !== undefined) await add('doctor.txt', () => `${renderDoctor(found!)}\n`)
  const since = new Date(now.getTime() - DAY_MS).toISOString()
  await add('events.jsonl', async () => {
    const events = await eventsSince(client, since, stateDir)
    return events.map(event => `${JSON.stringify(event)}\n`).join('')
  })
}

/** Of the daemon, or where none answers of what it kept. */
async function eventsSince(client: Pick<ApiClient, 'call'>, since: string, stateDir: string): Promise<unknown[]> {
  try {
    return (await client.call('events', { since, limit: EVENTS_MAX })).events
  } catch (error) {
    if (!(error instanceof WeaveError) || error.code !== 'DAEMON_DOWN') throw error
    const kept = new EventFile(stateDir).read(EVENTS_MAX) as { readonly time?: unknown }[]
    return kept.filter(({ time }) => typeof time === 'string' && time >= since)
  }
}

async function addHost({ runner, bridge }: BundleSources, add: Add): Promise<void> {
  const run = async (...argv: string[]) => (await runner.run(argv, { timeoutMs: COMMAND_MS })).stdout
  const json = async (...argv: string[]): Promise<unknown> => JSON.parse((await run(...argv)) || '[]')
  await add('host/ip-link.json', () => json('ip', '-d', '-j', 'link', 'show'))
  await add('host/ip-addr.json', () => json('ip', '-j', 'addr', 'show'))
  await add('host/ip-route.json', () => json('ip', '-4', '-j', 'route', 'show', 'table', 'all'))
  await add('host/ip-route-6.json', () => json('ip', '-6', '-j', 'route', 'show', 'table', 'all'))
  await add('host/nft-weave-ts.txt', () => run('nft', 'list', 'table', ...tableOf(bridge)))
  await add('journal.txt', () =>
    run('journalctl', '-u', 'weave-ts', '-n', JOURNAL_LINES, '--no-pager', '-o', 'short-iso'),
  )
}

function systemName(): string | null {
  try {
    return /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? null
  } catch {
    return null
  }
}
