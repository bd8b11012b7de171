import { formatCidr, type Cidr } from '../address/mod.ts'
import { WeaveError, type Millis } from '../base/mod.ts'
import { LEASE_HOLDER, type AddressForm, type LeaseHolder } from '../ipam/mod.ts'
import type { Node } from '../node/mod.ts'
import { GROUP_REQUESTS_MAX } from './constants.ts'

interface Waiter {
  readonly container: string
  readonly holder: LeaseHolder
  readonly form: AddressForm
  readonly waitMs: Millis | undefined
  /** What the container had before, on disk. */
  held: ReadonlySet<string>
  resolve(cidrs: readonly Cidr[]): void
  reject(error: WeaveError): void
}

const NONE_HELD: ReadonlySet<string> = new Set()

/**
 * Whoever waits for an address of the node: each request ends once, by an address, a refusal, or its caller. Those that
 * come in the same turn of the event loop are one input of the node, so that one durable write serves them all.
 */
export class AddressRequests {
  readonly #node: Node
  readonly #input: (give: (node: Node, now: Millis) => void) => void
  readonly #waiters = new Map<string, Waiter>()
  /** Asked in this turn. */
  #gathered: string[] = []
  #next = 1

  /** `input`: how the node is spoken to. */
  constructor(node: Node, input: (give: (node: Node, now: Millis) => void) => void) {
    this.#node = node
    this.#input = input
  }

  /** Asks the node for an address; an abort cancels the request. `waitMs`: WAIT_MS when undefined. */
  ask(
    container: string,
    form: AddressForm,
    signal: AbortSignal,
    holder: LeaseHolder = LEASE_HOLDER.attachment,
    waitMs?: Millis,
  ): Promise<readonly Cidr[]> {
    const id = `r${this.#next++}`
    return new Promise((resolve, reject) => {
      const cancel = () => {
        if (!this.#waiters.delete(id)) return
        this.#input((node, now) => node.cancelRequest(id, now))
        reject(givenUp())
      }
      if (signal.aborted) return reject(givenUp())
      signal.addEventListener('abort', cancel, { once: true })
      this.#waiters.set(id, {
        ...{ container, holder, form, waitMs },
        held: NONE_HELD,
        resolve: cidrs => {
          signal.removeEventListener('abort', cancel)
          resolve(cidrs)
        },
        reject: error => {
          signal.removeEventListener('abort', cancel)
          reject(error)
        },
      })
      this.#gathered.push(id)
      if (this.#gathered.length === 1) setImmediate(() => this.#giveGathered())
    })
  }

  /** The node gave addresses. What is not on disk (`failure`) is not given: it could be given again after a crash. */
  allocated(id: string, cidrs: readonly Cidr[], failure: WeaveError | undefined, now: Millis): void {
    const waiter = this.#take(id)
    if (waiter === undefined || failure === undefined) return waiter?.resolve(cidrs)
    const fresh = cidrs.filter(cidr => !waiter.held.has(formatCidr(cidr)))
    if (fresh.length === 0) return waiter.resolve(cidrs)
    for (const { address } of fresh) this.#node.freeAddresses(waiter.container, address, now, waiter.holder)
    waiter.reject(failure)
  }

  refused(id: string, error: WeaveError): void {
    this.#take(id)?.reject(error)
  }

  stop(): void {
    for (const waiter of this.#waiters.values())
      waiter.reject(new WeaveError('DAEMON_DOWN', 'the daemon was stopped', 'launch it again'))
    this.#waiters.clear()
  }

  #giveGathered(): void {
    const group = this.#gathered.splice(0, GROUP_REQUESTS_MAX)
    if (this.#gathered.length > 0) setImmediate(() => this.#giveGathered())
    this.#input((node, now) => {
      // Before any of them has anything: what one gives is not on disk when the next is asked.
      for (const { waiter } of this.#waiting(group))
        waiter.held = new Set(node.leasesOf(waiter.container, waiter.holder).map(formatCidr))
      for (const { id, waiter } of this.#waiting(group))
        node.requestAddress(id, waiter.container, waiter.form, now, waiter.holder, waiter.waitMs)
    })
  }

  /** Those that were not given up meanwhile. */
  #waiting(ids: readonly string[]): { readonly id: string; readonly waiter: Waiter }[] {
    return ids.flatMap(id => {
      const waiter = this.#waiters.get(id)
      return waiter === undefined ? [] : [{ id, waiter }]
    })
  }

  #take(id: string): Waiter | undefined {
    const waiter = this.#waiters.get(id)
    this.#waiters.delete(id)
    return waiter
  }
}

function givenUp(): WeaveError {
  return new WeaveError('DAEMON_BUSY', 'the request was given up by its caller', 'ask again')
}
