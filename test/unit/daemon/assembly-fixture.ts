import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { WeaveError } from '../../../lib/base/mod.ts'
import type { AssemblySeams, CacheSeam } from '../../../lib/daemon/assembly-seams.ts'
import { parseDockerHost } from '../../../lib/docker/mod.ts'
import { nodeSuite } from '../../../lib/io/mod.ts'
import type { DataPlaneEvents } from '../../../lib/overlay/mod.ts'
import { daemonConfig } from '../../support/daemon-config.ts'
import { labelledChance, seededEntropy } from '../../support/sim-randomness.ts'

/** Every port of an assembly that can fail, in the order in which they are used. */
export const STEPS = [
  'lock',
  'preflight',
  'engine',
  'listen',
  'identity',
  'store',
  'cache',
  'secrets',
  'bridge',
  'tap',
  'data plane',
  'serve',
] as const
export type Step = (typeof STEPS)[number]
/** What a daemon that replaces another may fail at, besides. */
type Early = 'namespace' | 'verify' | 'take over'

const FIREWALL = {
  isBridgeFiltered: true,
  accepting: [],
  warnings: [{ what: 'a firewall drops' }],
  restored: [],
  hasRules: false,
  hasLegacyRules: false,
}

/** What a machine without root does instead: doubles of every seam, which note what is opened and let go of. */
export function machine(t: { teardown(fn: () => void): unknown }) {
  const stateDir = mkdtempSync(join(tmpdir(), 'weave-ts-assembly-'))
  t.teardown(() => rmSync(stateDir, { recursive: true, force: true }))
  const events: string[] = []
  const logged: { event?: string; level?: number }[] = []
  const hooks: {
    failing: Step | Early | undefined
    hasBridge: boolean
    hasTrouble: string | undefined
    underlay: number
  } = {
    underlay: 1_546,
    failing: undefined,
    hasBridge: false,
    hasTrouble: undefined,
  }
  const at = (step: Step | Early) => {
    if (hooks.failing === step) throw new WeaveError('LAUNCH_FAILED', `${step} fails`, 'mend it')
    events.push(step)
  }
  const gone = (what: string) => {
    events.push(`-${what}`)
    if (hooks.hasTrouble === what) throw new Error(`${what} is stuck`)
  }
  const planes: DataPlaneEvents[] = []
  const records = new Map<string, Uint8Array>()
  /** What is remembered; nothing, unless a test says otherwise. */
  const cacheOf: { current: (take: Parameters<CacheSeam['restore']>[0]) => Promise<readonly string[]> } = {
    current: async () => [],
  }
  const handlers: { current: Parameters<AssemblySeams['serve']>[1] | undefined } = { current: undefined }
  const metrics: { current: Parameters<AssemblySeams['serveMetrics']>[1] | undefined } = { current: undefined }
  const seams: AssemblySeams = {
    now: () => Math.floor(performance.now()),
    suite: nodeSuite(),
    askerOf: () => undefined,
    entropy: seededEntropy('assembly'),
    chance: labelledChance('assembly'),
    hasAes: true,
    interfaces: () => ({}),
    checkNamespace: () => at('namespace'),
    takeOver: async () => at('take over'),
    verifyStore: () => {
      at('verify')
      return [...records]
    },
    lock: () => {
      at('lock')
      return { notices: [], release: () => gone('lock') }
    },
    preflight: async () => at('preflight'),
    examineHost: async () => Promise.reject(new WeaveError('COMMAND_FAILED', 'this is no host', 'take another')),
    freeBytes: () => Number.NaN,
    releaseMemory: () => undefined,
    openEngine: () => {
      at('engine')
      return {
        start: planeEvents => {
          at('data plane')
          planes.push(planeEvents)
          return {
            order: () => undefined,
            changeTable: () => undefined,
            deliver: () => undefined,
            forgetPeer: () => undefined,
            sample: () => undefined,
            sendMeasured: () => 0,
            countMeasured: () => ({
              counts: () => ({ received: 0, reordered: 0, jitterMicros: 0, spanMicros: 0 }),
              end: () => undefined,
            }),
            offloads: () => ({}),
            counters: () => ({}),
            macs: () => [],
            forgetMac: () => undefined,
            sessionTotals: () => undefined,
            stop: async () => gone('data plane'),
          }
        },
        close: () => gone('engine'),
      }
    },
    listen: async () => {
      at('listen')
      return { port: 6783, strangers: 0, refused: { strangers: 0, rate: 0 }, close: async () => gone('listen') }
    },
    loadIdentity: () => {
      at('identity')
      return {
        identity: { seed: new Uint8Array(32).fill(1), machineHash: undefined },
        origin: 'created',
        notices: ['new'],
      }
    },
    openStore: () => {
      at('store')
      return {
        notices: ['mended'],
        isNew: true,
        fullness: undefined,
        tend: () => undefined,
        get: key => records.get(key),
        range: prefix => [...records].filter(([key]) => key.startsWith(prefix)),
        write: (puts, deletes = []) => {
          for (const [key, value] of puts) records.set(key, value)
          for (const key of deletes) records.delete(key)
        },
        close: async () => gone('store'),
      }
    },
    openCache: () => {
      at('cache')
      return {
        restore: take => cacheOf.current(take),
        handleTimeout: () => undefined,
        pollTimeout: () => undefined,
        write: () => undefined,
        skip: () => undefined,
        close: async () => gone('cache'),
      }
    },
    secrets: async () => {
      at('secrets')
      return [{ psk: new Uint8Array(32), hint: new Uint8Array(4) }]
    },
    boot: () => ({ id: 'this one', uptimeS: 9 }),
    networkPlace: () => ({ boot: 'this one', namespace: 'net:[1]' }),
    isInterface: async () => hooks.hasBridge,
    host: ({ bridge = '', tap = '' }) => ({
      bridge,
      tap,
      prepareBridge: async () => {
        at('bridge')
        return { mtu: 1_376, underlay: hooks.underlay, isAdopted: false, firewall: FIREWALL }
      },
      plugTap: async () => at('tap'),
      look: all => all(),
      noteChange: () => undefined,
      mend: async () => [],
      reconcileFirewall: async () => FIREWALL,
      resolve: async () => Promise.reject(new WeaveError('TARGET_NOT_FOUND', 'no such target', 'name another')),
      list: async () => [],
      inspect: async () => undefined,
      unplug: async () => undefined,
      makePair: async () => Promise.reject(new Error('not to be called')),
      isPlugged: async () => Promise.resolve(true),
      adoptPair: async () => Promise.reject(new Error('not to be called')),
      inspectPair: async () => Promise.reject(new Error('not to be called')),
      removePair: async () => undefined,
      attach: async () => Promise.reject(new Error('not to be called')),
      detach: async () => [],
      expose: async () => ({ added: [], foreign: [], isIpv6Off: false }),
      hide: async () => undefined,
      exposed: async () => [],
      isForwarding: async () => true,
      routeInto: async () => undefined,
      remove: async () => gone('host'),
    }),
    watchFirewall: () => ({ isListening: false, set: () => undefined }),
    watchBridge: () => ({ set: () => undefined }),
    watchHostEnds: () => ({ set: () => undefined }),
    docker: () => ({
      endpoint: parseDockerHost(undefined),
      inspect: async () => Promise.reject(new Error('not to be called')),
      list: async () => [],
      networks: async () => [],
      network: async () => undefined,
      inspectNetworked: async () => Promise.reject(new Error('not to be called')),
      events: () => ({ isUp: false, start: () => undefined, stop: () => undefined, giveUp: () => undefined }),
    }),
    serveDriver: async () => ({ close: async () => undefined }),
    listenDns: async endpoint => {
      events.push(`dns ${endpoint}`)
      return { close: async () => gone(`dns ${endpoint}`) }
    },
    upstream: () => ({ servers: [], ask: async () => undefined, stop: () => undefined }),
    resolve: async () => ({ endpoints: [], failure: 'no such name' }),
    serve: async (_path, calls) => {
      at('serve')
      handlers.current = calls
      return { close: async () => gone('serve') }
    },
    serveReaders: async (_stateDir, group) => {
      events.push(`readers ${group}`)
      return { path: '/run/read.sock', close: async () => gone(`readers ${group}`) }
    },
    serveMetrics: async (endpoint, answers) => {
      events.push(`metrics ${endpoint}`)
      metrics.current = answers
      return { close: async () => gone(`metrics ${endpoint}`) }
    },
  }
  const log = pino(
    { level: 'trace' },
    { write: (line: string) => void logged.push(JSON.parse(line) as (typeof logged)[number]) },
  )
  const config = daemonConfig({ stateDir, warnings: ['the launch warns'] })
  return { seams, cacheOf, events, hooks, log, logged, planes, records, handlers, metrics, config }
}
