import type { WeaveError } from '../../lib/base/mod.ts'
import { identityOf } from '../../lib/crypto/mod.ts'
import type { NodeConfig, PartFactory } from '../../lib/node/mod.ts'
import type { Sealing } from './memory-session.ts'
import { SimHost, type SimHostOptions } from './sim-host.ts'
import { labelledChance, seededEntropy } from './sim-randomness.ts'
import type { Clash } from './sim-rules.ts'
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

const trueSuite = memoisedSuite()
const fastSuite = lightSuite(trueSuite)
const cheapSuite = toySuite(trueSuite)

/** Makes the hosts of a mesh; each is the same whichever others are made. */
export function hostMaker(
  options: SimMeshOptions,
  surroundings: Pick<SimHostOptions, 'clock' | 'network' | 'watcher'>,
): (number: number) => SimHost {
  const unsealed = options.isToy === true ? cheapSuite : fastSuite
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
