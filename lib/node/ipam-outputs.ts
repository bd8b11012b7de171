import { formatCidr } from '../address/mod.ts'
import type { Millis } from '../base/mod.ts'
import { encodeLease, encodePageKey, encodeStripKey, type Ipam, type Lease } from '../ipam/mod.ts'
import {
  RECORD_KIND,
  ROUTED_KIND,
  encodeIpamAnswer,
  encodeIpamRequest,
  encodeIpamReturn,
  type IpamMessage,
} from '../wire/mod.ts'
import type { NodeContext } from './context.ts'

export const LEASE_PREFIX = 'lease/'
export const KEPT_PREFIX = 'ipam/'

type IpamOutput = NonNullable<ReturnType<Ipam['pollOutput']>>

/** Carries out what address management wants: records of the ledger, entries of the store, messages, answers. */
export class IpamOutputs {
  readonly #context: NodeContext

  constructor(context: NodeContext) {
    this.#context = context
  }

  carryOut(output: IpamOutput, now: Millis): void {
    switch (output.type) {
      case 'publish':
        return this.#state(RECORD_KIND.blocks, encodePageKey(output.page), output.value)
      case 'takeover':
        return this.#state(RECORD_KIND[output.kind], output.key, output.value)
      case 'assign':
        return this.#state(RECORD_KIND.assigned, encodeStripKey(output.strip), output.value)
      case 'keep':
        return this.#keep(KEPT_PREFIX + output.key, output.value)
      case 'lease':
        return this.#keep(leaseKey(output.lease), encodeLease(output.lease))
      case 'unlease':
        return this.#keep(leaseKey(output.lease), undefined)
      case 'send': {
        // What was handed on must be in the store and on its way before anybody is told.
        this.#context.flush(now)
        const [kind, body] = routed(output.message)
        this.#context.route(output.to, kind, body, now)
        return
      }
      case 'done':
        this.#context.flush(now)
        return this.#context.emit({ type: 'allocated', id: output.id, cidrs: output.cidrs })
      case 'failed':
        return this.#context.emit({ type: 'refused', id: output.id, error: output.error })
    }
  }

  #state(kind: number, key: Uint8Array, value: Uint8Array | undefined): void {
    if (value === undefined) this.#context.ledger.remove(kind, key)
    else this.#context.ledger.put(kind, key, value)
  }

  #keep(key: string, value: Uint8Array | undefined): void {
    const isGone = value === undefined
    this.#context.emit({ type: 'persist', puts: isGone ? [] : [[key, value]], deletes: isGone ? [key] : [] })
  }
}

function routed(message: IpamMessage): [number, Uint8Array] {
  switch (message.kind) {
    case 'ipam-request':
      return [ROUTED_KIND.ipamRequest, encodeIpamRequest(message)]
    case 'ipam-answer':
      return [ROUTED_KIND.ipamAnswer, encodeIpamAnswer(message)]
    case 'ipam-return':
      return [ROUTED_KIND.ipamReturn, encodeIpamReturn(message)]
  }
}

function leaseKey(lease: Lease): string {
  return `${LEASE_PREFIX}${formatCidr({ address: lease.address, prefix: 32 })}`
}
