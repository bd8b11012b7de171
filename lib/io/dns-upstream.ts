import { createSocket } from 'node:dgram'
import { randomInt } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { connect } from 'node:net'
import {
  RESOLV_CONF_BYTES_MAX,
  RCODE,
  isAnswerTo,
  parseNameServers,
  rcodeOf,
  withId,
  type DnsQuery,
} from '../names/mod.ts'
import { monotonicMillis } from './clock.ts'

/** Whoever asks is told within so long that nobody answered. */
export const UPSTREAM_DEADLINE_MS = 4_500
/** A server that has not answered for so long has company: the next is asked too. */
export const UPSTREAM_NEXT_MS = 1_000
/** A query that nobody answered in time fails at once for so long. */
const UPSTREAM_FAILED_MS = 1_000
/** Queries that wait for an answer, those that joined another one included; beyond, they fail at once. */
export const UPSTREAM_QUERIES_MAX = 512
/** How often it is looked whether the file has changed. */
const FILE_LOOK_MS = 1_000

export interface UpstreamOptions {
  /** As resolv.conf. */
  readonly file: string
  readonly port: number
  /** True for an address where this daemon itself answers. */
  isOwn(address: string): boolean
}

/**
 * Asks the name servers that resolv.conf names: one after the other and then once more, the one that answered last
 * first. Each query goes
 * out with an id and from a port that were drawn for it, and only an answer of that server, to that port, with that id
 * and that question is taken.
 *
 * A query that is asked already, byte for byte but the id, joins the one under way: so servers that name each other
 * upstream ask each other once, and not for ever. One that nobody answered in time fails for a second more (RFC 9520),
 * for the others of such a circle are told a little later.
 */
export class DnsUpstream {
  readonly #options: UpstreamOptions
  #servers: readonly string[] = []
  #stamp = ''
  #lookedAt = Number.NEGATIVE_INFINITY
  #best: string | undefined
  #open = 0
  /** By the bytes behind the id. */
  readonly #underWay = new Map<string, Promise<Uint8Array | undefined>>()
  readonly #aborts = new Set<AbortController>()

  constructor(options: UpstreamOptions) {
    this.#options = options
  }

  /** Never ourselves. */
  get servers(): readonly string[] {
    this.#look()
    return this.#servers.filter(server => !this.#options.isOwn(server))
  }

  /** Queries under way. */
  get outstanding(): number {
    return this.#open
  }

  /** The answer, with the id of the query; undefined when none came in time. Never rejects. */
  async ask(query: DnsQuery, bytes: Uint8Array, isTcp: boolean): Promise<Uint8Array | undefined> {
    if (this.#open >= UPSTREAM_QUERIES_MAX) return undefined
    this.#open++
    try {
      const key = `${Number(isTcp)}${Buffer.from(bytes.buffer, bytes.byteOffset + 2, bytes.length - 2).toString('latin1')}`
      const answer = await (this.#underWay.get(key) ?? this.#begin(key, query, bytes, isTcp))
      return answer && withId(answer, query.id)
    } finally {
      this.#open--
    }
  }

  /** Ends what is under way, without an answer. */
  stop(): void {
    for (const abort of this.#aborts) abort.abort()
  }

  #begin(key: string, query: DnsQuery, bytes: Uint8Array, isTcp: boolean): Promise<Uint8Array | undefined> {
    const { servers } = this
    const ordered = [...servers].sort((a, b) => Number(b === this.#best) - Number(a === this.#best))
    const abort = new AbortController()
    this.#aborts.add(abort)
    let isLate = false
    const deadline = setTimeout(() => {
      isLate = true
      abort.abort()
    }, UPSTREAM_DEADLINE_MS)
    const answered = this.#race([...ordered, ...ordered], query, bytes, isTcp, abort.signal).finally(() => {
      clearTimeout(deadline)
      this.#aborts.delete(abort)
      abort.abort()
      if (isLate) setTimeout(() => this.#underWay.delete(key), UPSTREAM_FAILED_MS).unref()
      else this.#underWay.delete(key)
    })
    this.#underWay.set(key, answered)
    return answered
  }

  /** Until the signal says that it is too late. */
  #race(
    servers: readonly string[],
    query: DnsQuery,
    bytes: Uint8Array,
    isTcp: boolean,
    signal: AbortSignal,
  ): Promise<Uint8Array | undefined> {
    return new Promise(resolve => {
      let failure: Uint8Array | undefined
      let next = 0
      let running = 0
      let isOver = false
      let timer: NodeJS.Timeout | undefined
      const finish = (answer: Uint8Array | undefined) => {
        isOver = true
        clearTimeout(timer)
        resolve(answer)
      }
      signal.addEventListener('abort', () => finish(failure), { once: true })
      const start = () => {
        clearTimeout(timer)
        const server = servers[next++]
        if (server === undefined) {
          if (running === 0) finish(failure)
          return
        }
        running++
        timer = setTimeout(start, UPSTREAM_NEXT_MS)
        const done = (answer: Uint8Array | undefined) => {
          running--
          if (isOver) return
          if (answer !== undefined && !isFailure(answer)) {
            this.#best = server
            return finish(answer)
          }
          failure ??= answer
          start()
        }
        const way = { server, port: this.#options.port, query, bytes, signal, done }
        if (isTcp) askTcp(way)
        else askUdp(way)
      }
      start()
    })
  }

  #look(): void {
    const now = monotonicMillis()
    if (now - this.#lookedAt < FILE_LOOK_MS) return
    this.#lookedAt = now
    try {
      const { mtimeMs, size, ino } = statSync(this.#options.file)
      const stamp = `${mtimeMs}/${size}/${ino}`
      if (stamp === this.#stamp) return
      this.#servers = size > RESOLV_CONF_BYTES_MAX ? [] : parseNameServers(readFileSync(this.#options.file, 'utf8'))
      this.#stamp = stamp
    } catch {
      // It is gone, perhaps only for the moment in which another takes its place.
      this.#stamp = ''
      this.#servers = []
    }
  }
}

interface Way {
  readonly server: string
  readonly port: number
  readonly query: DnsQuery
  readonly bytes: Uint8Array
  readonly signal: AbortSignal
  /** Called once: with the answer, or without when there will be none. */
  done(answer: Uint8Array | undefined): void
}

/** The kernel draws the port, and hands on only what comes from the server that the socket is connected to. */
function askUdp({ server, port, query, bytes, signal, done }: Way): void {
  const id = randomInt(0x1_0000)
  const socket = createSocket(server.includes(':') ? 'udp6' : 'udp4')
  const end = once((answer: Uint8Array | undefined) => {
    socket.close()
    done(answer)
  })
  signal.addEventListener('abort', () => end(undefined), { once: true })
  socket.on('error', () => end(undefined))
  socket.on('message', answer => {
    if (isAnswerTo(query, id, answer)) end(answer)
  })
  // Not by a callback of connect: it is called for a failure as well, and a socket that is not connected cannot send.
  socket.on('connect', () => {
    if (!signal.aborted) socket.send(withId(bytes, id), error => error && end(undefined))
  })
  socket.connect(port, server)
}

function askTcp({ server, port, query, bytes, signal, done }: Way): void {
  const id = randomInt(0x1_0000)
  const socket = connect({ host: server, port })
  const end = once((answer: Uint8Array | undefined) => {
    socket.destroy()
    done(answer)
  })
  signal.addEventListener('abort', () => end(undefined), { once: true })
  let pending = Buffer.alloc(0)
  socket.on('error', () => end(undefined))
  socket.on('close', () => end(undefined))
  socket.on('data', (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk])
    if (pending.length < 2 || pending.length < 2 + pending.readUInt16BE(0)) return
    const answer = pending.subarray(2, 2 + pending.readUInt16BE(0))
    end(isAnswerTo(query, id, answer) ? answer : undefined)
  })
  socket.on('connect', () => {
    const length = Buffer.alloc(2)
    length.writeUInt16BE(bytes.length)
    socket.write(Buffer.concat([length, withId(bytes, id)]))
  })
}

/** Another server may know better. */
function isFailure(answer: Uint8Array): boolean {
  const rcode = rcodeOf(answer)
  return rcode === RCODE.serverFailure || rcode === RCODE.refused || rcode === RCODE.notImplemented
}

function once<T>(run: (value: T) => void): (value: T) => void {
  let isDone = false
  return value => {
    if (isDone) return
    isDone = true
    run(value)
  }
}
