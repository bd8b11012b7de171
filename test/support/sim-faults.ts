import type { Chance, Millis } from '../../lib/base/mod.ts'
import type { SimHost } from './sim-host.ts'
import type { SimMesh } from './sim-mesh.ts'
import { endpointAt } from './sim-network.ts'

/** How many faults, how far apart at most. */
export interface FaultPlan {
  readonly count: number
  readonly gapMaxMs: Millis
}

const DOWN_MAX_MS = 40_000
const PARTITION_MAX_MS = 70_000
const WEATHER_MAX_MS = 30_000
const CONTAINERS_PER_HOST_MAX = 3

/** Draws faults and operators' actions from the seed of a mesh. Nothing is left to chance that the seed does not give. */
export class SimFaults {
  readonly #mesh: SimMesh
  readonly #chance: Chance
  /** What was connected besides the first host, and may be forgotten again. */
  readonly #connected: string[] = []
  #isWild = true

  constructor(mesh: SimMesh) {
    this.#mesh = mesh
    this.#chance = mesh.chance
  }

  /** Lets one fault follow another; then mends everything and starts what is down. */
  run({ count, gapMaxMs }: FaultPlan): void {
    for (let i = 0; i < count; i++) {
      this.#one()
      this.#mesh.run(Math.floor(this.#chance() * gapMaxMs))
    }
    this.#mend()
  }

  #one(): void {
    const kinds: readonly [number, () => void][] = [
      [5, () => this.#crash()],
      [2, () => this.#partition()],
      [3, () => this.#mesh.network.breakOne(this.#chance() < 0.5)],
      [2, () => this.#storm()],
      [6, () => this.#attach()],
      [3, () => this.#detach()],
      [1, () => this.#connect()],
      [1, () => this.#forget()],
    ]
    let draw = this.#chance() * kinds.reduce((sum, [weight]) => sum + weight, 0)
    for (const [weight, fault] of kinds) {
      draw -= weight
      if (draw < 0) return fault()
    }
  }

  #crash(): void {
    const host = this.#anyUp()
    if (host === undefined) return
    const downMs = Math.floor(this.#chance() * DOWN_MAX_MS)
    const kind = this.#chance()
    // In the middle of an input: what it asked for is carried out only in part.
    if (kind < 0.5) host.outputsToLive = 1 + Math.floor(this.#chance() * 12)
    else host.crash(kind < 0.75)
    const { life } = host
    this.#mesh.clock.after(downMs, () => {
      if (host.life !== life) return
      if (host.isUp) host.crash(false)
      host.launch(undefined, false)
    })
  }

  #partition(): void {
    const sides = this.#mesh.hosts.map(() => (this.#chance() < 0.5 ? 0 : 1))
    this.#note(`partition ${sides.join('')}`)
    this.#mesh.network.partition(sides)
    this.#later(PARTITION_MAX_MS, () => this.#mesh.network.partition(undefined))
  }

  /** Slow, lossy, repeating and overtaking for a while. */
  #storm(): void {
    const { weather } = this.#mesh.network
    Object.assign(weather, {
      extraMs: this.#chance() < 0.4 ? Math.floor(this.#chance() * 600) : 0,
      jitterMs: Math.floor(this.#chance() * 40),
      loss: this.#chance() * 0.2,
      duplicate: this.#chance() * 0.1,
      reorderMs: Math.floor(this.#chance() * 80),
    })
    this.#note(`weather ${JSON.stringify(weather)}`)
    this.#later(WEATHER_MAX_MS, () => this.#calm())
  }

  #calm(): void {
    Object.assign(this.#mesh.network.weather, { extraMs: 0, jitterMs: 1, loss: 0, duplicate: 0, reorderMs: 0 })
  }

  #attach(): void {
    const host = this.#anyUp()
    if (host !== undefined && host.containers.size < CONTAINERS_PER_HOST_MAX) this.#mesh.attach(host.number)
  }

  #detach(): void {
    const hosts = this.#mesh.hosts.filter(host => host.containers.size > 0)
    const host = this.#any(hosts)
    const id = host && this.#any([...host.containers.keys()])
    if (host !== undefined && id !== undefined && !host.isWaiting(id)) this.#mesh.detach(host.number, id)
  }

  #connect(): void {
    const host = this.#anyUp()
    const other = this.#any(this.#mesh.hosts)
    if (host === undefined || other === undefined || other.number === 0) return
    // What is forgotten later stays so: a host that alone leads to others is never forgotten.
    if (this.#mesh.hosts.some(third => !this.#mesh.network.hasRoute(host.number, third.number))) return
    const contact = endpointAt(other.number)
    this.#connected.push(contact)
    this.#note(`connect ${contact}`)
    host.input((node, now) => node.connect([contact], false, now))
  }

  #forget(): void {
    const host = this.#anyUp()
    const contact = this.#connected.pop()
    if (host === undefined || contact === undefined) return
    this.#note(`forget ${contact}`)
    host.input((node, now) => node.forgetContacts([contact], now))
  }

  #mend(): void {
    this.#isWild = false
    this.#note('faults end')
    this.#mesh.network.partition(undefined)
    this.#calm()
    for (const host of this.#mesh.hosts) {
      host.outputsToLive = undefined
      if (!host.isUp) host.launch(undefined, false)
    }
  }

  #later(maxMs: Millis, mend: () => void): void {
    this.#mesh.clock.after(Math.floor(this.#chance() * maxMs), () => {
      if (this.#isWild) mend()
    })
  }

  #anyUp(): SimHost | undefined {
    return this.#any(this.#mesh.hosts.filter(host => host.isUp))
  }

  #any<T>(items: readonly T[]): T | undefined {
    return items[Math.floor(this.#chance() * items.length)]
  }

  #note(text: string): void {
    this.#mesh.events.write(() => `${this.#mesh.clock.now} fault ${text}`)
  }
}
