import type { PeerId } from '../lib/address/mod.ts'
import type { Millis } from '../lib/base/mod.ts'
import { DATAGRAM_HEADER_BYTES, DATAGRAM_KIND } from '../lib/wire/mod.ts'
import { ethernetFrame } from '../test/support/frames.ts'
import type { SimHost } from '../test/support/sim-host.ts'
import { SimShard } from '../test/support/sim-shard.ts'
import type { SimTeam } from '../test/support/sim-team.ts'
import { SimTraffic, trafficBetween, trafficOf, type Traffic } from '../test/support/sim-traffic.ts'

/** A stretch of a run. */
export interface Phase extends Traffic {
  readonly virtualMs: Millis
  /** Processor time of the whole simulation, all peers and the simulator; and how long it took. */
  readonly cpuSeconds: number
  readonly wallSeconds: number
}

export interface AttachCost {
  /** Until the container had its address, and until all agreed about the registers. */
  readonly allocatedMs: Millis | undefined
  readonly agreedMs: Millis | undefined
  /** Beyond what is sent in so much time anyway. */
  readonly bytes: number
  readonly phase: Phase
}

/** Times are virtual; undefined where the peers did not come to agree in time. */
export interface ScaleRun {
  readonly peers: number
  readonly seed: number
  /** From the last launch until all agreed. */
  readonly agreedMs: Millis | undefined
  /** From the first launch until then. */
  readonly start: Phase
  /** The minute after. */
  readonly settling: Phase
  /** From the last launch until the last look of that minute that saw somebody disagree. */
  readonly lastDisagreementMs: Millis
  /** As long as it was asked for, from the end of that minute. */
  readonly steady: Phase
  readonly links: { readonly min: number; readonly mean: number; readonly max: number }
  readonly attach: AttachCost
  /** The same on a host that owned no addresses, if there was one. */
  readonly firstAttach: AttachCost
  /** One peer published a new record, as an attach or a name does: until all had it. */
  readonly change: { readonly reachedMs: Millis | undefined; readonly phase: Phase }
  /** Frames to everybody, of FRAME_BYTES, from one host. */
  readonly broadcast: {
    readonly frames: number
    /** Hosts that each frame came to, on average, the sender's aside. */
    readonly reached: number
    /** That were sent on UDP for a frame: by the mean peer, and by the one that sent most. */
    readonly meanBytes: number
    readonly mostBytes: number
  }
  /** Half of the peers were killed at one moment. */
  readonly killed: { readonly peers: number; readonly agreedMs: Millis | undefined; readonly phase: Phase }
  readonly residentBytes: number
}

const LAUNCH_GAP_MS = 50
/** More than a hundred come faster. */
const LAUNCH_GAP_MANY_MS = 20
const START_LIMIT_MS = 180_000
const MINUTE_MS = 60_000
const ATTACH_LIMIT_MS = 60_000
const KILLED_LIMIT_MS = 180_000
const LOOK_MS = 100
const LOOK_RARELY_MS = 1_000
const PROGRESS_MS = 5_000
const PROGRESS_PEERS = 200
const LOOK_OFTEN_MS = 50
const CHANGE_LIMIT_MS = 30_000
/** For a record that no part of a node reads. */
const CHANGE_KIND = 240
const BROADCASTS = 20
const BROADCAST_GAP_MS = 10
const FRAME_BYTES = 1_000
const EVERYBODY = 0xffff_ffff_ffff
const SENDER_MAC = 0x0200_0000_0001

/** What is measured, and how. */
export interface ScaleOrder {
  readonly peers: number
  readonly seed: number
  readonly steadyMinutes: number
  /** Whether it is told how it goes. */
  readonly isTold: boolean
}

/** A program for a team: one mesh from its first launch to the loss of half of it. */
export function play(team: SimTeam, order: ScaleOrder): ScaleRun {
  return new ScaleRunner(team, order).run()
}

class ScaleRunner {
  readonly #order: ScaleOrder
  readonly #mesh: SimShard
  readonly #traffic: SimTraffic

  constructor(team: SimTeam, order: ScaleOrder) {
    const { seed, peers } = order
    this.#order = order
    this.#mesh = new SimShard(team, { seed, peers, sealing: 'none', isLogged: false })
    this.#traffic = new SimTraffic(this.#mesh.lines)
  }

  run(): ScaleRun {
    const mesh = this.#mesh
    const { peers, seed, steadyMinutes } = this.#order
    const gapMs = peers > 100 ? LAUNCH_GAP_MANY_MS : LAUNCH_GAP_MS
    const lastLaunchAt = (peers - 1) * gapMs
    const [agreedMs, start] = this.#phase('start', () => {
      for (const host of mesh.hosts)
        mesh.clock.after(host.number * gapMs, () => host.launch(host.number === 0 ? undefined : [0]))
      for (let at = 0; at < lastLaunchAt; at = mesh.clock.now) {
        mesh.run(Math.min(PROGRESS_MS, lastLaunchAt - at))
        this.#tellProgress()
      }
      const isAgreed = () => {
        if (mesh.agrees()) return true
        if ((mesh.clock.now - lastLaunchAt) % PROGRESS_MS === 0) this.#tellProgress()
        return false
      }
      return mesh.until(isAgreed, START_LIMIT_MS, LOOK_MS)
    })
    const [lastDisagreementAt, settling] = this.#phase('settling', () => {
      let last = lastLaunchAt + (agreedMs ?? START_LIMIT_MS)
      for (let waitedMs = 0; waitedMs < MINUTE_MS; waitedMs += LOOK_RARELY_MS) {
        mesh.run(LOOK_RARELY_MS)
        if (!mesh.agrees()) last = mesh.clock.now
      }
      return last
    })
    const [, steady] = this.#phase('steady', () => mesh.run(steadyMinutes * MINUTE_MS))
    const counts = mesh.team.gather(mesh.hosts.map(host => host.node.neighbours.count)).flat()
    const links = {
      min: Math.min(...counts),
      mean: counts.reduce((sum, count) => sum + count, 0) / counts.length,
      max: Math.max(...counts),
    }
    const change = this.#change()
    const broadcast = this.#broadcast()
    const attach = this.#attach(this.#owner(), steady)
    const firstAttach = this.#attach(this.#landless(), steady)
    const killed = this.#kill()
    return {
      peers,
      seed,
      agreedMs,
      start,
      settling,
      lastDisagreementMs: lastDisagreementAt - lastLaunchAt,
      steady,
      links,
      change,
      broadcast,
      attach,
      firstAttach,
      killed,
      residentBytes: process.memoryUsage().rss,
    }
  }

  #change(): ScaleRun['change'] {
    const mesh = this.#mesh
    const writer = mesh.peers - 1
    const peerId = mesh.of(writer, host => host.identity.peerId)
    const key = new Uint8Array(0)
    const [reachedMs, phase] = this.#phase('one change', () => {
      mesh.here(writer)?.input((node, now) => {
        node.ledger.put(CHANGE_KIND, key, new Uint8Array(64).fill(1))
        // What is written by a part is passed on with the input that it did it in.
        node.handleTimeout(now)
      })
      const lacking = new Set(mesh.hosts)
      const isEverywhere = () => {
        for (const one of lacking) if (one.node.ledger.held(peerId, CHANGE_KIND, key)) lacking.delete(one)
        return mesh.sum(lacking.size) === 0
      }
      return mesh.until(isEverywhere, CHANGE_LIMIT_MS, LOOK_OFTEN_MS)
    })
    return { reachedMs, phase }
  }

  /** Each frame is a broadcast of its own; a host has it when it would hand it to its bridge. */
  #broadcast(): ScaleRun['broadcast'] {
    const mesh = this.#mesh
    const { lines } = mesh
    const sentHere = new Float64Array(mesh.peers)
    const before = lines.onWire
    lines.onWire = (from, bytes, end) => {
      before?.(from, bytes, end)
      if (end === undefined && bytes[DATAGRAM_HEADER_BYTES] === DATAGRAM_KIND.broadcast)
        sentHere[from.number]! += bytes.length
    }
    const seen = () =>
      mesh.sum(mesh.hosts.reduce((sum, host) => sum + (host.plane.counters()['tap-tx-frames'] ?? 0), 0))
    const seenBefore = seen()
    this.#phase('broadcast', () => {
      for (let frame = 0; frame < BROADCASTS; frame++) {
        mesh.here(1)?.sendFrame(ethernetFrame(EVERYBODY, SENDER_MAC, new Uint8Array(FRAME_BYTES)))
        mesh.run(BROADCAST_GAP_MS)
      }
      mesh.run(MINUTE_MS / 60)
    })
    lines.onWire = before
    const sent = mesh.team.gather(mesh.hosts.map(host => sentHere[host.number]!)).flat()
    // Paths that have carried something are looked at for a while.
    mesh.run(MINUTE_MS / 6)
    return {
      frames: BROADCASTS,
      reached: (seen() - seenBefore) / BROADCASTS,
      meanBytes: sent.reduce((sum, bytes) => sum + bytes, 0) / sent.length / BROADCASTS,
      mostBytes: Math.max(...sent) / BROADCASTS,
    }
  }

  #attach(number: number, steady: Phase): AttachCost {
    const mesh = this.#mesh
    const container = `on ${number}`
    let allocatedMs: Millis | undefined
    const [agreedMs, phase] = this.#phase('attach', () => {
      const begun = mesh.clock.now
      mesh.here(number)?.attach(container)
      const isDone = () => {
        if (!mesh.of(number, host => host.containers.get(container)?.ip !== undefined)) return false
        allocatedMs ??= mesh.clock.now - begun
        return mesh.agrees()
      }
      return mesh.until(isDone, ATTACH_LIMIT_MS, LOOK_OFTEN_MS)
    })
    const anyway = (steady.tcpBytes + steady.udpBytes) * (phase.virtualMs / steady.virtualMs)
    return { allocatedMs, agreedMs, bytes: phase.tcpBytes + phase.udpBytes - anyway, phase }
  }

  /** A host that owns blocks, and did not found the mesh. */
  #owner(): number {
    return this.#numbersWhere(isOwner => isOwner).find(number => number > 0) ?? 0
  }

  /** A host that owns no block: it has to be given one first. */
  #landless(): number {
    return this.#numbersWhere(isOwner => !isOwner).at(-1) ?? this.#mesh.peers - 1
  }

  /** Hosts by whether they own addresses, as the first one sees it; in order. */
  #numbersWhere(isWanted: (isOwner: boolean) => boolean): number[] {
    const mesh = this.#mesh
    const ownersOf = ({ node }: SimHost) => {
      const { blockCount, ownerOf } = node.addresses.ipam.ownership()
      return [...new Set(Array.from({ length: blockCount }, (_, block) => ownerOf(block)))]
    }
    const owners = new Set<PeerId | undefined>(mesh.of(0, ownersOf))
    const here = mesh.hosts.filter(({ identity }) => isWanted(owners.has(identity.peerId)))
    return mesh.team
      .gather(here.map(({ number }) => number))
      .flat()
      .sort((a, b) => a - b)
  }

  /** Every second one, and so the one that all were launched towards. */
  #kill(): ScaleRun['killed'] {
    const mesh = this.#mesh
    const dying = mesh.hosts.filter(host => host.number % 2 === 0)
    const peers = mesh.sum(dying.length)
    const [agreedMs, phase] = this.#phase('half killed', () => {
      for (const host of dying) host.crash(false)
      return mesh.until(() => mesh.agrees(), KILLED_LIMIT_MS, LOOK_MS)
    })
    return { peers, agreedMs, phase }
  }

  /** A start of many takes long: whoever ends it early knows how far it came. */
  #tellProgress(): void {
    if (this.#order.peers < PROGRESS_PEERS) return
    const { user, system } = process.cpuUsage()
    const { tcpBytes, udpBytes } = this.#traffic.totals()
    const here = ((tcpBytes + udpBytes) / 1e6).toFixed(0)
    this.#tell(
      `at ${this.#mesh.clock.now / 1000} s, after ${((user + system) / 1e6).toFixed(0)} s of processor: ${here} MB by this thread`,
    )
  }

  #phase<T>(name: string, play: () => T): [T, Phase] {
    const mesh = this.#mesh
    const at = mesh.clock.now
    const before = this.#traffic.totals()
    const cpu = process.cpuUsage()
    const begun = performance.now()
    const result = play()
    const here = trafficBetween(before, this.#traffic.totals())
    // All have ended it then: the processor time is that of all.
    const traffic = trafficOf(mesh.team.gather(here))
    const used = process.cpuUsage(cpu)
    const cpuSeconds = (used.user + used.system) / 1e6
    const wallSeconds = (performance.now() - begun) / 1000
    const phase = { virtualMs: mesh.clock.now - at, cpuSeconds, wallSeconds, ...traffic }
    const megabytes = ((phase.tcpBytes + phase.udpBytes) / 1e6).toFixed(2)
    this.#tell(
      `${name}: ${phase.virtualMs / 1000} s virtual, ${cpuSeconds.toFixed(1)} s of processor in ` +
        `${wallSeconds.toFixed(1)} s, ${megabytes} MB`,
    )
    return [result, phase]
  }

  #tell(text: string): void {
    if (this.#order.isTold && this.#mesh.team.index === 0)
      console.error(`${String(this.#order.peers).padStart(4)} peers  ${text}`)
  }
}
