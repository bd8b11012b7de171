import { Beat } from '../../lib/base/mod.ts'
import { parseCidr, type Endpoint } from '../../lib/address/mod.ts'
import { identityOf } from '../../lib/crypto/mod.ts'
import { NodeRunner, type RunnerSeams } from '../../lib/daemon/node-runner.ts'
import { nodeSuite } from '../../lib/io/mod.ts'
import { Node, type NodeConfig } from '../../lib/node/mod.ts'
import { labelledChance, seededEntropy } from './sim-randomness.ts'

const suite = nodeSuite()
const RANGE = parseCidr('10.32.0.0/24')!

/** What the daemon would give a node of this name in an open mesh. */
export function nodeConfig(name: string, port = 6783): NodeConfig {
  const entropy = seededEntropy(name)
  return {
    identity: identityOf(suite, entropy.bytes(32)),
    suite,
    entropy,
    chance: labelledChance(name),
    beat: new Beat(labelledChance(name)),
    incarnation: entropy.bytes(8),
    nickname: name,
    software: '1.2.3',
    port,
    secrets: [{ psk: new Uint8Array(32), hint: new Uint8Array(4) }],
    hasAes: true,
    range: RANGE,
    defaultSubnet: RANGE,
    blockPrefix: 26,
    isDiscovering: true,
    linksMax: 10,
    advertised: [],
    underlayBytes: 1_500,
    sessionTotals: () => undefined,
  }
}

/** A runner on seams that note what it does: the store is a map, names resolve to what is given, time is the system's. */
export function nodeRunner(t: { teardown(fn: () => void): unknown }, name: string, parts: Partial<RunnerSeams> = {}) {
  const store = new Map<string, Uint8Array>()
  const done: string[] = []
  const fatal: unknown[] = []
  const addresses = new Map<string, Endpoint[]>()
  const runner = new NodeRunner(new Node(nodeConfig(name), () => [], 0), {
    now: () => Math.floor(performance.now()),
    persist: (puts, deletes) => {
      done.push('persist')
      for (const [key, value] of puts) store.set(key, value)
      for (const key of deletes) store.delete(key)
    },
    remember: () => done.push('remember'),
    resolve: async contact => {
      const endpoints = addresses.get(contact)
      return endpoints === undefined ? { endpoints: [], failure: 'no such name' } : { endpoints }
    },
    engine: op => done.push(`engine ${op.op}`),
    forwarding: () => done.push('forwarding'),
    deliver: () => done.push('deliver'),
    log: line => done.push(`log ${line.event}`),
    fatal: thrown => fatal.push(thrown),
    ...parts,
  })
  t.teardown(() => runner.stop())
  return { runner, store, done, fatal, addresses }
}
