import { WeaveError } from '../base/mod.ts'
import { NAMED_CONTAINERS_MAX, type Domain } from '../names/mod.ts'
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
   * Sets all names of a container id, in the place of those that it had; none without names or addresses. `names`: as
   * `Domain.parse` gives them; `addresses`: without prefix length. They end with the last lease of the container, if
   * the service does not end them before.
   * @throws WeaveError NAMES_FULL
   */
  set(container: string, addresses: readonly string[], names: readonly string[]): void {
    const record = { container, addresses: addresses.slice(0, NAME_ADDRESSES_MAX), names: names.slice(0, NAMES_MAX) }
    if (this.#runner.input((node, now) => node.setNames(record, now)) !== false) return
    throw new WeaveError(
      'NAMES_FULL',
      `the names of ${container} cannot be published: a peer gives names to ${NAMED_CONTAINERS_MAX} containers and addresses at most, and has a share of the mesh's memory`,
      'take names away that are no longer needed; see them with `weave-ts status dns`',
    )
  }
}
