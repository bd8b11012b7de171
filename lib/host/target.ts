import { readFile, stat } from 'node:fs/promises'
import { WeaveError } from '../base/mod.ts'
import { inNetns } from './ip-json.ts'
import type { CommandRunner, ContainerLookup, ContainerView } from './seams.ts'

const NETNS_DIRECTORY = '/run/netns'
const NETNS_NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}$/
/** With it an alias stays below what the kernel keeps. */
const NETNS_PATH_CHARACTERS_MAX = 200
/** `container:` references that are followed. */
const SHARED_NETWORK_DEPTH_MAX = 4

/** Where to attach. */
export interface Target {
  /** Stable: `netns:NAME`, `netns:/PATH`, `pid:N`, or a container's 64 hex characters. Addresses are kept by it. */
  readonly id: string
  readonly netnsPath: string
  readonly netnsInode: bigint
  /** For people. */
  readonly description: string
  /** What it is called where it comes from: a container's name, host name and aliases. */
  readonly names?: readonly string[]
  /** The names that whoever started it asks for, as they were written. */
  readonly askedNames?: readonly string[]
}

export interface TargetSources {
  /** Runs in the host's own namespace; used to tell which that is. */
  readonly runner: CommandRunner
  readonly containers: ContainerLookup | undefined
}

/**
 * Finds what `netns:NAME`, `netns:/PATH`, `/PATH` (of a network namespace), `pid:N`, or a container's id or name stands
 * for.
 *
 * Fails with TARGET_NOT_FOUND (nothing there, or a container that does not run), BAD_TARGET (malformed, or the host's
 * own network namespace), or DOCKER_UNREACHABLE.
 */
export async function resolveTarget(text: string, sources: TargetSources): Promise<Target> {
  const where = await placeOf(text, sources.containers)
  const netnsInode = await namespaceInode(where)
  if (where.isByPath) await checkIsNetwork(where, sources.runner)
  const { stdout } = await sources.runner.run(['readlink', '/proc/self/ns/net'])
  if (stdout.trim() === `net:[${netnsInode}]`) {
    throw new WeaveError(
      'BAD_TARGET',
      `${where.description} is in the host's own network namespace: it has no network of its own to attach to`,
      'use a container with a network of its own (not --network=host)',
    )
  }
  const { id, netnsPath, description, names = [], askedNames = [] } = where
  return { id, netnsPath, netnsInode, description, names, askedNames }
}

interface Place {
  readonly id: string
  readonly netnsPath: string
  readonly description: string
  readonly howToList: string
  readonly names?: readonly string[]
  readonly askedNames?: readonly string[]
  /** Somebody named the file: it may be a namespace of another kind. */
  readonly isByPath?: boolean
}

function placeOf(text: string, containers: ContainerLookup | undefined): Place | Promise<Place> {
  if (text.startsWith('/')) return ofPath(text, text)
  if (text.startsWith('netns:/')) return ofPath(text, text.slice('netns:'.length))
  if (text.startsWith('netns:')) return ofNamespace(text)
  if (text.startsWith('pid:')) return ofProcess(text)
  return ofContainer(text, containers)
}

/** As orchestrators name it. What has a shorter name is the same target under either. */
function ofPath(text: string, path: string): Place {
  const isPlain = /^(\/[A-Za-z0-9_.@:+~-]+)+$/.test(path) && path.length <= NETNS_PATH_CHARACTERS_MAX
  if (!isPlain || path.split('/').some(part => part === '.' || part === '..'))
    throw badTarget(text, 'that is no plain absolute path of a network namespace')
  const name = /^(?:\/var)?\/run\/netns\/([^/]+)$/.exec(path)?.[1]
  if (name !== undefined && NETNS_NAME.test(name)) return ofNamespace(`netns:${name}`)
  const pid = /^\/proc\/([1-9]\d{0,9})\/ns\/net$/.exec(path)?.[1]
  if (pid !== undefined) return ofProcess(`pid:${pid}`)
  return {
    id: `netns:${path}`,
    netnsPath: path,
    description: `network namespace ${path}`,
    howToList: '`lsns -t net` shows what there is.',
    isByPath: true,
  }
}

function ofNamespace(text: string): Place {
  const name = text.slice('netns:'.length)
  if (!NETNS_NAME.test(name)) throw badTarget(text, 'that is no name of a network namespace')
  return {
    id: text,
    netnsPath: `${NETNS_DIRECTORY}/${name}`,
    description: `network namespace ${name}`,
    howToList: 'choose one that `ip netns list` shows',
  }
}

function ofProcess(text: string): Place {
  const pid = text.slice('pid:'.length)
  if (!/^[1-9]\d{0,9}$/.test(pid)) throw badTarget(text, 'that is no process id')
  return {
    id: text,
    netnsPath: `/proc/${pid}/ns/net`,
    description: `process ${pid}`,
    howToList: 'choose one that `ps -e` shows',
  }
}

async function ofContainer(text: string, containers: ContainerLookup | undefined): Promise<Place> {
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]{0,254}$/.test(text)) {
    throw badTarget(text, 'that is neither netns:NAME nor a path nor pid:N nor the id or name of a container')
  }
  if (containers === undefined) {
    throw new WeaveError(
      'TARGET_NOT_FOUND',
      `no container ${text}: this daemon is not connected to a container engine`,
      'use netns:NAME or pid:N',
    )
  }
  const container = await ownerOfNetwork(await containers.inspect(text), containers)
  if (!container.isRunning || container.pid <= 0) {
    throw new WeaveError(
      'TARGET_NOT_FOUND',
      `container ${container.name} is not running (it is ${container.state}), so it has no network yet`,
      `start it first: \`docker start ${container.name}\``,
    )
  }
  if (container.networkMode === 'host') {
    throw new WeaveError(
      'BAD_TARGET',
      `container ${container.name} uses the host's network (--network=host): it has none of its own to attach to`,
      'run it with a network of its own, for instance --network=none or the default bridge',
    )
  }
  if (!container.isEngineLocal) await checkIsHere(container)
  const { name, hostname = '', aliases = [], askedNames = [] } = container
  return {
    id: container.id,
    netnsPath: `/proc/${container.pid}/ns/net`,
    description: `container ${name}`,
    howToList: 'choose one that `docker ps` shows',
    names: [name, hostname, ...aliases].filter(text => text !== ''),
    askedNames,
  }
}

/** A container that shares another's network is that other one, as far as addresses go. */
async function ownerOfNetwork(container: ContainerView, containers: ContainerLookup): Promise<ContainerView> {
  let owner = container
  for (let depth = 0; owner.networkMode.startsWith('container:') && depth < SHARED_NETWORK_DEPTH_MAX; depth++) {
    owner = await containers.inspect(owner.networkMode.slice('container:'.length))
  }
  return owner
}

/** An engine reached by TCP may be another machine's: the process id would then name something else here. */
async function checkIsHere(container: ContainerView): Promise<void> {
  const groups = await readFile(`/proc/${container.pid}/cgroup`, 'utf8').catch(() => '')
  if (groups.includes(container.id)) return
  throw new WeaveError(
    'BAD_TARGET',
    `container ${container.name} (process ${container.pid}) does not run on this machine; DOCKER_HOST leads elsewhere`,
    'run `weave-ts attach` on the machine where the container runs',
  )
}

async function namespaceInode(place: Place): Promise<bigint> {
  const own = await stat('/proc/self/ns/net', { bigint: true })
  const found = await stat(place.netnsPath, { bigint: true }).catch((error: unknown) => error as NodeJS.ErrnoException)
  // All namespaces live on one kernel file system: anything else is a left-over file.
  if (!(found instanceof Error) && found.dev === own.dev) return found.ino
  if (found instanceof Error && found.code !== 'ENOENT' && found.code !== 'ENOTDIR')
    throw new WeaveError(
      'BAD_TARGET',
      `${place.description} cannot be entered: ${found.message}`,
      'name a target that this process may look into',
    )
  throw new WeaveError(
    'TARGET_NOT_FOUND',
    `there is no ${place.description}: ${place.netnsPath} ${found instanceof Error ? 'does not exist' : 'is no network namespace'}`,
    place.howToList,
  )
}

/** Namespaces of all kinds lie on one file system: only entering tells. */
async function checkIsNetwork(place: Place, runner: CommandRunner): Promise<void> {
  const { status } = await runner.run(inNetns(place.netnsPath, ['true']), { okStatuses: [0, 1] })
  if (status === 0) return
  throw new WeaveError(
    'TARGET_NOT_FOUND',
    `there is no ${place.description}: ${place.netnsPath} is a namespace of another kind`,
    place.howToList,
  )
}

function badTarget(text: string, why: string): WeaveError {
  return new WeaveError(
    'BAD_TARGET',
    `\`${text.slice(0, 80)}\` is no target: ${why}`,
    'give the id or name of a container, netns:NAME, the path of a network namespace, or pid:N',
  )
}
