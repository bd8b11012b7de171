import type { Cidr, Endpoint } from '../address/mod.ts'
import { errorText, type LogLine, type Millis } from '../base/mod.ts'
import { dial, type LinkSocket } from '../io/mod.ts'
import { checkedFor } from './checked-for.ts'
import type { AddressForm, LeaseHolder } from '../ipam/mod.ts'
import { AddressRequests } from './address-requests.ts'
import { DIAL_TIMEOUT_MS, STORE_LOOK_INTERVAL_MS } from './constants.ts'
import { DurableWrites, type WriteSeams } from './durable-writes.ts'
import { LinkTraffic } from './link-traffic.ts'
import { groupOutputs } from './output-group.ts'
import type { EngineOp, ForwardingChange } from '../overlay/mod.ts'
import type { NeighbourCheck, Node, NodeOutput, NodeReport } from '../node/mod.ts'

/** What the runner needs of the outside. */
export interface RunnerSeams extends WriteSeams {
  now(): Millis
  /** What could be learnt from others again: need not last, and never throws. */
  remember(puts: readonly (readonly [string, Uint8Array])[], deletes: readonly string[]): void
  resolve(contact: string): Promise<{ readonly endpoints: readonly Endpoint[]; readonly failure?: string }>
  engine(op: EngineOp): void
  forwarding(change: ForwardingChange): void
  deliver(frame: Uint8Array): void
  log(line: LogLine): void
  /** The node itself failed, or too much waits that the disk refuses: the daemon must end rather than go on so. */
  fatal(thrown: unknown): void
}

/**
 * Drives a node: gives it what the sockets and the clock bring, and carries out what it asks, in order. Owns the
 * control links' sockets and the only timer.
 */
export class NodeRunner {
  readonly node: Node
  readonly links = new LinkTraffic()
  readonly #seams: RunnerSeams
  readonly #sockets = new Map<number, LinkSocket>()
  readonly #dials = new Map<number, AbortController>()
  readonly #ending = new AbortController()
  readonly #requests: AddressRequests
  readonly #writes: DurableWrites
  #isStoreWritable = true
  #storeTimer: NodeJS.Timeout | undefined
  #timer: NodeJS.Timeout | undefined
  /** What waits for `release`; undefined: nothing need wait. */
  #held: (() => void)[] | undefined
  #isRunning = false
  #isStopped = false

  constructor(node: Node, seams: RunnerSeams) {
    this.node = node
    this.#seams = seams
    this.#writes = new DurableWrites(seams)
    this.#requests = new AddressRequests(node, give => this.input(give))
  }

  /** Why nothing can be changed now that must last over a restart; undefined while it can. */
  get storeTrouble(): string | undefined {
    return this.#writes.trouble?.message
  }

  /** To be called before anything is asked of the node that must last. @throws WeaveError STATE_IO */
  requireStore(): void {
    const { trouble } = this.#writes
    if (trouble !== undefined) throw trouble
  }

  /** Carries out what the node asked for at its making, and starts the timer. */
  start(): void {
    this.input(() => undefined)
  }

  /** Makes no link, and takes none, until `release`. */
  hold(): void {
    this.#held ??= []
  }

  release(): void {
    const held = this.#held ?? []
    this.#held = undefined
    if (!this.#isStopped) for (const go of held) go()
  }

  /** The node as it is now, as plain data. */
  report(): NodeReport {
    return this.node.report(this.#seams.now())
  }

  /** Gives the node an input and carries out the consequences before it returns. */
  input<T>(give: (node: Node, now: Millis) => T): T | undefined {
    if (this.#isStopped) return undefined
    if (this.#isRunning) throw new Error('the node is not re-entrant')
    this.#isRunning = true
    try {
      const result = give(this.node, this.#seams.now())
      this.#drain()
      this.#lookAtStore()
      return result
    } catch (thrown) {
      this.#isStopped = true
      this.#seams.fatal(thrown)
      return undefined
    } finally {
      this.#isRunning = false
      this.#arm()
    }
  }

  /** A connection that the link server accepted. */
  accept(socket: LinkSocket): void {
    if (this.#held !== undefined) return socket.close('not ready')
    const connection = this.input((node, now) => {
      const number = node.handleAccepted(socket.remoteEndpoint, now)
      this.#sockets.set(number, socket)
      return number
    })
    if (connection === undefined) socket.close('stopped')
    else this.#read(connection, socket)
  }

  /** Asks the node for an address, `waitMs` at most; an abort cancels the request. */
  requestAddress(
    container: string,
    form: AddressForm,
    signal: AbortSignal,
    holder?: LeaseHolder,
    waitMs?: Millis,
  ): Promise<readonly Cidr[]> {
    return this.#requests.ask(container, form, signal, holder, waitMs)
  }

  /** Says goodbye, and closes what is open. */
  stop(): void {
    this.input((node, now) => node.shutdown(now))
    this.#isStopped = true
    clearTimeout(this.#timer)
    clearTimeout(this.#storeTimer)
    this.#ending.abort()
    for (const abort of this.#dials.values()) abort.abort()
    for (const socket of this.#sockets.values()) socket.close('stopped')
    this.#requests.stop()
  }

  /** What must last is on disk before anything else of it is carried out. */
  #drain(): void {
    for (let outputs = takeOutputs(this.node); outputs.length > 0; outputs = takeOutputs(this.node))
      for (const output of groupOutputs(outputs)) this.#carryOut(output)
  }

  /** Lets the node know whether what it promises would last, and looks again for as long as it would not. */
  #lookAtStore(): void {
    const isWritable = this.#writes.trouble === undefined
    if (isWritable !== this.#isStoreWritable) {
      this.#isStoreWritable = isWritable
      this.node.handleStore(isWritable, this.#seams.now())
      this.#drain()
    }
    if (isWritable || this.#storeTimer !== undefined) return
    this.#storeTimer = setTimeout(() => {
      this.#storeTimer = undefined
      this.input((_node, now) => this.#writes.tend(now))
    }, STORE_LOOK_INTERVAL_MS)
  }

  #carryOut(output: NodeOutput): void {
    switch (output.type) {
      case 'persist':
        if (output.isCache === true) return this.#seams.remember(output.puts, output.deletes)
        return this.#writes.write(output.puts, output.deletes)
      case 'resolve':
        return this.#resolve(output.contact)
      case 'dial':
        return this.#dial(output.connection, output.endpoint)
      case 'write':
        return this.#write(output.connection, output.bytes)
      case 'close':
        return this.#close(output.connection)
      case 'established':
        this.links.noteEstablished(output.connection)
        return this.#sockets.get(output.connection)?.markEstablished()
      case 'check':
        return this.#check(output.check)
      case 'engine':
        return this.#seams.engine(output.op)
      case 'forwarding':
        return this.#seams.forwarding(output.change)
      case 'deliver':
        return this.#seams.deliver(output.frame)
      case 'allocated':
        return this.#requests.allocated(output.id, output.cidrs, this.#writes.failure, this.#seams.now())
      case 'refused':
        return this.#requests.refused(output.id, output.error)
      case 'log':
        return this.#seams.log(output.line)
    }
  }

  #write(connection: number, bytes: Uint8Array): void {
    const socket = this.#sockets.get(connection)
    if (socket === undefined) return
    this.links.sentBytes += bytes.length
    socket.write(bytes)
  }

  /** Looks at what a neighbour asks: its word costs it a connection to itself, which is closed at once. */
  #check(check: NeighbourCheck): void {
    void checkedFor(check, this.#ending.signal).then(result =>
      this.input((node, now) => node.handleChecked(check, result, now)),
    )
  }

  #resolve(contact: string): void {
    if (this.#held !== undefined) return void this.#held.push(() => this.#resolve(contact))
    this.#seams.resolve(contact).then(
      ({ endpoints, failure }) => this.input((node, now) => node.handleResolved(contact, failure ?? endpoints, now)),
      (error: unknown) => this.input((node, now) => node.handleResolved(contact, errorText(error), now)),
    )
  }

  #dial(connection: number, endpoint: Endpoint): void {
    const abort = new AbortController()
    this.#dials.set(connection, abort)
    if (this.#held === undefined) this.#open(connection, endpoint, abort.signal)
    else this.#held.push(() => this.#open(connection, endpoint, abort.signal))
  }

  #open(connection: number, endpoint: Endpoint, signal: AbortSignal): void {
    if (signal.aborted) return
    dial(endpoint, DIAL_TIMEOUT_MS, signal).then(
      socket => {
        if (!this.#dials.delete(connection) || this.#isStopped) return socket.close('no longer wanted')
        this.#sockets.set(connection, socket)
        this.input((node, now) => node.handleDialled(connection, endpoint, now))
        this.#read(connection, socket)
      },
      (error: unknown) => {
        if (!this.#dials.delete(connection)) return
        this.input((node, now) => node.handleDialFailed(connection, errorText(error), now))
      },
    )
  }

  #read(connection: number, socket: LinkSocket): void {
    socket.start({
      onBytes: bytes => {
        this.links.receivedBytes += bytes.length
        this.input((node, now) => node.handleBytes(connection, bytes, now))
      },
      onBacklog: isBehind => this.input((node, now) => node.handleBacklog(connection, isBehind, now)),
      onClose: () => {
        if (this.#sockets.get(connection) !== socket) return
        this.#sockets.delete(connection)
        this.links.noteClosed(connection)
        this.input((node, now) => node.handleClosed(connection, now))
      },
    })
  }

  #close(connection: number): void {
    this.#dials.get(connection)?.abort()
    this.#dials.delete(connection)
    const socket = this.#sockets.get(connection)
    this.#sockets.delete(connection)
    this.links.noteClosed(connection)
    socket?.close('closed by this side')
  }

  #arm(): void {
    clearTimeout(this.#timer)
    if (this.#isStopped) return
    const next = this.node.pollTimeout()
    if (next === undefined) return
    const waitMs = Math.max(0, next.at - this.#seams.now())
    this.#timer = setTimeout(() => this.input((node, now) => node.handleTimeout(now)), waitMs)
  }
}

function takeOutputs(node: Node): readonly NodeOutput[] {
  const outputs: NodeOutput[] = []
  for (let output = node.pollOutput(); output !== undefined; output = node.pollOutput()) outputs.push(output)
  return outputs
}
