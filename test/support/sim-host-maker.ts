import type { WeaveError } from '../../lib/base/mod.ts'
import { identityOf, type CryptoSuite } from '../../lib/crypto/mod.ts'
import type { NodeConfig, PartFactory } from '../../lib/node/mod.ts'
import type { Sealing } from './memory-session.ts'
import { SimHost, type SimHostOptions } from './sim-host.ts'
import { labelledChance, seededEntropy } from './sim-randomness.ts'
import type { Clash } from './sim-rules.ts'
import { SimSecrets } from './sim-secrets.ts'
import { lightSuite, memoisedSuite, toySuite } from './sim-suite.ts'

export interface SimMeshOptions {
  readonly seed: number
  readonly peers: number
  /** `aead` (the default) also lets the underlay be searched for clear text. */
  readonly sealing?: Sealing
  /** The mesh secret of a host, as a byte; 7 for all when undefined. */
  readonly secretOf?: (host: number) => number
  /** False: events are only counted, for measuring. */
  readonly isLogged?: boolean
  /** Where nothing is sealed: nor are there curves, which is fast. */
  readonly isToy?: boolean
  /** Whose identity a host has; its own when undefined. */
  readonly identityOf?: (host: number) => number
  readonly config?: Partial<NodeConfig>
  /** What one host has besides. */
  readonly configOf?: (host: number) => Partial<NodeConfig>
  readonly features?: readonly PartFactory[]
  /** Whether a clash may be, because an operator brought it about. None when undefined. */
  readonly isExcused?: (clash: Clash) => boolean
  readonly onRefused?: (host: SimHost, container: string, error: WeaveError) => void
}

const ownSecrets = new SimSecrets()

const trueSuites = new Map<SimSecrets, CryptoSuite>()

/** One for all meshes of a thread. */
function trueSuiteOn(secrets: SimSecrets): CryptoSuite {
  const suite = trueSuites.get(secrets) ?? memoisedSuite(secrets)
  trueSuites.set(secrets, suite)
  return suite
}

/** Makes the hosts of a mesh; each is the same whichever others are made. */
export function hostMaker(
  options: SimMeshOptions,
  surroundings: Pick<SimHostOptions, 'clock' | 'network' | 'watcher'>,
  secrets = ownSecrets,
): (number: number) => SimHost {
  const trueSuite = trueSuiteOn(secrets)
  const unsealed = options.isToy === true ? toySuite(trueSuite) : lightSuite(trueSuite)
  const suite = options.sealing === 'none' ? unsealed : trueSuite
  return number => {
    const label = `host ${number} of ${options.seed}`
    const identityLabel = `host ${options.identityOf?.(number) ?? number} of ${options.seed}`
    const secret = options.secretOf?.(number) ?? 7
    return new SimHost({
      ...surroundings,
      number,
      identity: identityOf(suite, seededEntropy(identityLabel).bytes(32)),
      suite,
      entropy: seededEntropy(label),
      chance: labelledChance(label),
      secret: { psk: new Uint8Array(32).fill(secret), hint: new Uint8Array(4).fill(secret) },
      sealing: options.sealing ?? 'aead',
      get config() {
        return { ...options.config, ...options.configOf?.(number) }
      },
      ...(options.features && { features: options.features }),
    })
  }
}
