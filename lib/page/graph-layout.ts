import {
  forceCollide,
  forceLink,
  forceManyBody,
  forceSimulation,
  forceX,
  forceY,
  type Simulation,
  type SimulationNodeDatum,
} from 'd3-force'
import type { MeshPicture } from './mesh-graph.ts'

export interface Spot {
  readonly x: number
  readonly y: number
}

/** What is laid out lies within 0 to these. */
export const PICTURE_WIDTH = 640
export const PICTURE_HEIGHT = 400
/** For names. */
const MARGIN_ACROSS = 66
const MARGIN_DOWN = 36
/** The work of a layout is rounds × vertices, and bounded. */
const ROUND_VERTICES_MAX = 30_000
const ROUNDS_MAX = 300
/** When all but a few are where they were. */
const ROUNDS_AGAIN = 60
/** Beyond, vertices are drawn small and without names. */
const LARGE_VERTICES = 100
/** More would not be seen, and take time: of more each second, third or so pulls. */
const PULLING_EDGES_MAX = 1_500
/** What is few is drawn large. */
const SCALE_MAX = 2.6

interface Body extends SimulationNodeDatum {
  readonly id: string
}

/**
 * Finds where each vertex is drawn, in rounds, so that a large mesh is drawn before it lies well. Those that had a place
 * begin there, so that a picture changes no more than it must; the same input gives the same places.
 */
export class GraphLayout {
  readonly #bodies: readonly Body[]
  readonly #simulation: Simulation<Body, undefined>
  readonly #rounds: number
  #done = 0

  constructor({ vertices, edges }: MeshPicture, before: ReadonlyMap<string, Spot>) {
    const bodies: Body[] = vertices.map(({ id }) => ({ id, ...before.get(id) }))
    const known = vertices.filter(({ id }) => before.has(id)).length
    const isNew = known * 2 < vertices.length
    const isLarge = vertices.length > LARGE_VERTICES
    this.#rounds = Math.min(
      isNew ? ROUNDS_MAX : ROUNDS_AGAIN,
      Math.ceil(ROUND_VERTICES_MAX / Math.max(1, vertices.length)),
    )
    const stride = Math.ceil(edges.length / PULLING_EDGES_MAX)
    const pulling = edges.filter((_, i) => i % stride === 0).map(({ from, to }) => ({ source: from, target: to }))
    this.#bodies = bodies
    this.#simulation = forceSimulation(bodies)
      .stop()
      .alpha(isNew ? 1 : 0.2)
      .alphaDecay(1 - 0.001 ** (1 / this.#rounds))
      .force(
        'apart',
        forceManyBody<Body>()
          .strength(isLarge ? -30 : -400)
          .theta(1.2),
      )
      .force(
        'together',
        forceLink<Body, { source: string; target: string }>(pulling)
          .id(({ id }) => id)
          .distance(90),
      )
      .force('x', forceX<Body>(0).strength(0.1))
      .force('y', forceY<Body>(0).strength(0.16))
    // In a large mesh it takes as long as all else, and the vertices are small.
    if (!isLarge) this.#simulation.force('collide', forceCollide<Body>(26))
  }

  /** So many rounds × vertices of work; true: there is nothing left to do. */
  advance(roundVertices: number): boolean {
    const rounds = Math.min(
      this.#rounds - this.#done,
      Math.max(1, Math.floor(roundVertices / Math.max(1, this.#bodies.length))),
    )
    this.#simulation.tick(rounds)
    this.#done += rounds
    return this.#done >= this.#rounds
  }

  /** As far as they are found. */
  spots(): Map<string, Spot> {
    return fitted(this.#bodies)
  }
}

/** Whether two pictures have the same vertices and edges, however they are drawn. */
export function isSameShape(a: MeshPicture, b: MeshPicture): boolean {
  return shapeOf(a) === shapeOf(b)
}

function shapeOf({ vertices, edges }: MeshPicture): string {
  return [...vertices.map(({ id }) => id), ...edges.map(({ from, to }) => `${from} ${to}`)].sort().join()
}

/** Moves all into the picture, and makes it as large as there is room; a large mesh fills the picture both ways. */
function fitted(bodies: readonly Body[]): Map<string, Spot> {
  const x = extentOf(bodies.map(body => body.x ?? 0))
  const y = extentOf(bodies.map(body => body.y ?? 0))
  const across = Math.min(SCALE_MAX, (PICTURE_WIDTH - 2 * MARGIN_ACROSS) / x.size)
  const down = Math.min(SCALE_MAX, (PICTURE_HEIGHT - 2 * MARGIN_DOWN) / y.size)
  const both = bodies.length > LARGE_VERTICES ? undefined : Math.min(across, down)
  return new Map(
    bodies.map(body => [
      body.id,
      {
        x: tenths(PICTURE_WIDTH / 2 + ((body.x ?? 0) - x.middle) * (both ?? across)),
        y: tenths(PICTURE_HEIGHT / 2 + ((body.y ?? 0) - y.middle) * (both ?? down)),
      },
    ]),
  )
}

function extentOf(values: readonly number[]): { readonly size: number; readonly middle: number } {
  const least = values.reduce((a, b) => Math.min(a, b), Infinity)
  const most = values.reduce((a, b) => Math.max(a, b), -Infinity)
  return { size: Math.max(1, most - least), middle: (least + most) / 2 }
}

function tenths(value: number): number {
  return Math.round(value * 10) / 10
}
