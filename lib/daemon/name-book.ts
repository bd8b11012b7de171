import { WeaveError } from '../base/mod.ts'
import { TOLD_CONTAINERS_MAX, type Domain } from '../names/mod.ts'
import { NAME_ADDRESSES_MAX, NAMES_MAX } from '../wire/mod.ts'
import type { AttachmentRecord } from './attachment-records.ts'
import type { NodeRunner } from './node-runner.ts'

/** Services publish the names of what they plug in with this. */
export class NameBook {
  readonly domain: Domain
  readonly #runner: Pick<NodeRunner, 'input'>

  constructor(domain: Domain, runner: Pick<NodeRunner, 'input'>) {
    this.domain = domain
    this.#runner = runner
  }

  /** Publishes what is recorded of an attachment. @throws WeaveError NAMES_FULL */
  publish({ id, cidrs, ipv6 = [], names = [] }: Pick<AttachmentRecord, 'id' | 'cidrs' | 'ipv6' | 'names'>): void {
    const addresses = [...cidrs, ...ipv6].map(cidr => cidr.split('/')[0]!)
    this.set(id, addresses, names)
  }

  /**
   * Tells the mesh where a container id is found, and all its names, in the place of those that it had; without addresses
   * nothing. `names`: as `Domain.parse` gives them; `addresses`: without prefix length. That ends with the last lease of
   * the container, if the service does not end it before. What has no name is told as far as there is room.
   * @throws WeaveError NAMES_FULL
   */
  set(container: string, addresses: readonly string[], names: readonly string[]): void {
    const record = { container, addresses: addresses.slice(0, NAME_ADDRESSES_MAX), names: names.slice(0, NAMES_MAX) }
    if (this.#runner.input((node, now) => node.setNames(record, now)) !== false || names.length === 0) return
    throw new WeaveError(
      'NAMES_FULL',
      `the names of ${container} cannot be published: a peer tells of ${TOLD_CONTAINERS_MAX} containers and named addresses at most, and has a share of the mesh's memory`,
      'take names away that are no longer needed; see them with `weave-ts status dns`',
    )
  }
}
