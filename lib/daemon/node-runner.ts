import type { Cidr, Endpoint } from '../address/mod.ts'
import { WeaveError, errorText, type LogLine, type Millis } from '../base/mod.ts'
import { dial, type LinkSocket } from '../io/mod.ts'
import type { AddressForm } from '../ipam/mod.ts'
import { DIAL_TIMEOUT_MS } from './constants.ts'
import type { EngineOp, ForwardingTable } from '../overlay/mod.ts'
import type { Node, NodeOutput } from '../node/mod.ts'

/** What the runner needs of the outside. */
export interface RunnerPorts {
  now(): Millis
  /** Durable when it returns. */
  persist(puts: readonly (readonly [string, Uint8Array])[], deletes: readonly string[]): void
  resolve(target: string): Promise<{ readonly endpoints: readonly Endpoint[]; readonly failure?: string }>
  engine(op: EngineOp): void
  forwarding(table: ForwardingTable): void
  log(line: LogLine): void
  /** A write to the state store, or the node itself, failed: the daemon must end rather than go on without memory. */
  fatal(thrown: unknown): void
}

interface Waiter {
  resolve(cidrs: readonly Cidr[]): void
  reject(error: WeaveError): void
}

/**
 * Drives a node: gives it what the sockets and the clock bring, and carries out what it asks, in order. Owns the control
 * links' sockets and the only timer.
 */
export class NodeRunner {
  readonly node: Node
  readonly #ports: RunnerPorts
  readonly #sockets = new Map<number, LinkSocket>()
  readonly #dials = new Map<number, AbortController>()
  readonly #waiters = new Map<string, Waiter>()
  #timer: NodeJS.Timeout | undefined
  #isRunning = false
  #isStopped = false
  #nextRequest = 1

  constructor(node: Node, ports: RunnerPorts) {
    this.node = node
    this.#ports = ports
  }

  /** Carries out what the node asked for at its making, and starts the timer. */
  start(): void {
    this.input(() => undefined)
  }

  /** Gives the node an input and carries out the consequences before it returns. */
  input<T>(give: (node: Node, now: Millis) => T): T | undefined {
    if (this.#isStopped) return undefined
    if (this.#isRunning) throw new Error('the node is not re-entrant')
    this.#isRunning = true
    try {
      const result = give(this.node, this.#ports.now())
      for (let output = this.node.pollOutput(); output !== undefined; output = this.node.pollOutput())
        this.#carryOut(output)
      return result
    } catch (thrown) {
      this.#isStopped = true
      this.#ports.fatal(thrown)
      return undefined
    } finally {
      this.#isRunning = false
      this.#arm()
    }
  }

  /** A connection that the link server accepted. */
  accept(socket: LinkSocket): void {
    const connection = this.input((node, now) => {
      const number = node.handleAccepted(socket.remoteEndpoint, now)
      this.#sockets.set(number, socket)
      return number
    })
    if (connection === undefined) socket.close('stopped')
    else this.#read(connection, socket)
  }

  /** Asks the node for an address; an abort cancels the request. */
  requestAddress(container: string, form: AddressForm, signal: AbortSignal): Promise<readonly Cidr[]> {
    const id = `r${this.#nextRequest++}`
    return new Promise((resolve, reject) => {
      const cancel = () => {
        if (!this.#waiters.delete(id)) return
        this.input((node, now) => node.cancelRequest(id, now))
        reject(new WeaveError('DAEMON_BUSY', 'the request was given up by its caller', 'ask again'))
      }
      if (signal.aborted) return cancel()
      signal.addEventListener('abort', cancel, { once: true })
      this.#waiters.set(id, {
        resolve: cidrs => {
          signal.removeEventListener('abort', cancel)
          resolve(cidrs)
        },
        reject: error => {
          signal.removeEventListener('abort', cancel)
          reject(error)
        },
      })
      this.input((node, now) => node.requestAddress(id, container, form, now))
    })
  }

  /** Says goodbye, and closes what is open. */
  stop(): void {
    this.input((node, now) => node.shutdown(now))
    this.#isStopped = true
    clearTimeout(this.#timer)
    for (const abort of this.#dials.values()) abort.abort()
    for (const socket of this.#sockets.values()) socket.close('stopped')
    for (const waiter of this.#waiters.values())
      waiter.reject(new WeaveError('DAEMON_DOWN', 'the daemon was stopped', 'launch it again'))
    this.#waiters.clear()
  }

  #carryOut(output: NodeOutput): void {
    switch (output.type) {
      case 'persist':
        return this.#ports.persist(output.puts, output.deletes)
      case 'resolve':
        return this.#resolve(output.target)
      case 'dial':
        return this.#dial(output.connection, output.endpoint)
      case 'write':
        return void this.#sockets.get(output.connection)?.write(output.bytes)
      case 'close':
        return this.#close(output.connection)
      case 'established':
        return this.#sockets.get(output.connection)?.markEstablished()
      case 'engine':
        return this.#ports.engine(output.op)
      case 'forwarding':
        return this.#ports.forwarding(output.table)
      case 'allocated':
        return this.#finish(output.id)?.resolve(output.cidrs)
      case 'refused':
        return this.#finish(output.id)?.reject(output.error)
      case 'log':
        return this.#ports.log(output.line)
    }
  }

  #finish(id: string): Waiter | undefined {
    const waiter = this.#waiters.get(id)
    this.#waiters.delete(id)
    return waiter
  }

  #resolve(target: string): void {
    this.#ports.resolve(target).then(
      ({ endpoints, failure }) => this.input((node, now) => node.handleResolved(target, failure ?? endpoints, now)),
      (error: unknown) => this.input((node, now) => node.handleResolved(target, errorText(error), now)),
    )
  }

  #dial(connection: number, endpoint: Endpoint): void {
    const abort = new AbortController()
    this.#dials.set(connection, abort)
    dial(endpoint, DIAL_TIMEOUT_MS, abort.signal).then(
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
      onBytes: bytes => this.input((node, now) => node.handleBytes(connection, bytes, now)),
      onClose: () => {
        if (this.#sockets.get(connection) !== socket) return
        this.#sockets.delete(connection)
        this.input((node, now) => node.handleClosed(connection, now))
      },
    })
  }

  #close(connection: number): void {
    this.#dials.get(connection)?.abort()
    this.#dials.delete(connection)
    const socket = this.#sockets.get(connection)
    this.#sockets.delete(connection)
    socket?.close('closed by this side')
  }

  #arm(): void {
    clearTimeout(this.#timer)
    if (this.#isStopped) return
    const next = this.node.pollTimeout()
    if (next === undefined) return
    const waitMs = Math.max(0, next.at - this.#ports.now())
    this.#timer = setTimeout(() => this.input((node, now) => node.handleTimeout(now)), waitMs)
  }
}
