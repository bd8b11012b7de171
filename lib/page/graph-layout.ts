import {
  forceCollide,
  forceLink,
  forceManyBody,
  forceSimulation,
  forceX,
  forceY,
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
const MARGIN = 44
/** The work of a layout is rounds × vertices, and bounded. */
const ROUND_VERTICES_MAX = 30_000
const ROUNDS_MAX = 300
/** When all but a few are where they were. */
const ROUNDS_AGAIN = 60
/** More would not be seen, and take time: of more each second, third or so pulls. */
const PULLING_EDGES_MAX = 1_500
/** What is few is drawn large. */
const SCALE_MAX = 1.8

interface Body extends SimulationNodeDatum {
  readonly id: string
}

/**
 * Where each vertex is drawn. Those that had a place begin there, so that a picture changes no more than it must; the
 * same input gives the same places.
 */
export function layOut({ vertices, edges }: MeshPicture, before: ReadonlyMap<string, Spot>): Map<string, Spot> {
  const bodies: Body[] = vertices.map(({ id }) => ({ id, ...before.get(id) }))
  const known = vertices.filter(({ id }) => before.has(id)).length
  const isNew = known * 2 < vertices.length
  const rounds = isNew
    ? Math.min(ROUNDS_MAX, Math.ceil(ROUND_VERTICES_MAX / Math.max(1, vertices.length)))
    : Math.min(ROUNDS_AGAIN, ROUNDS_MAX)
  const stride = Math.ceil(edges.length / PULLING_EDGES_MAX)
  const pulling = edges.filter((_, i) => i % stride === 0).map(({ from, to }) => ({ source: from, target: to }))
  const radius = vertices.length > 100 ? 5 : 26
  const simulation = forceSimulation(bodies)
    .stop()
    .alpha(isNew ? 1 : 0.2)
    .alphaDecay(1 - 0.001 ** (1 / rounds))
    .force(
      'apart',
      forceManyBody<Body>()
        .strength(vertices.length > 100 ? -30 : -400)
        .theta(1.2),
    )
    .force(
      'together',
      forceLink<Body, { source: string; target: string }>(pulling)
        .id(({ id }) => id)
        .distance(90),
    )
    .force('collide', forceCollide<Body>(radius))
    .force('x', forceX<Body>(0).strength(0.1))
    .force('y', forceY<Body>(0).strength(0.16))
  simulation.tick(rounds)
  return fitted(bodies)
}

/** Whether two pictures have the same vertices and edges, however they are drawn. */
export function isSameShape(a: MeshPicture, b: MeshPicture): boolean {
  return shapeOf(a) === shapeOf(b)
}

function shapeOf({ vertices, edges }: MeshPicture): string {
  return [...vertices.map(({ id }) => id), ...edges.map(({ from, to }) => `${from} ${to}`)].sort().join()
}

function fitted(bodies: readonly Body[]): Map<string, Spot> {
  const xs = bodies.map(({ x }) => x ?? 0)
  const ys = bodies.map(({ y }) => y ?? 0)
  const x = spanOf(xs, PICTURE_WIDTH)
  const y = spanOf(ys, PICTURE_HEIGHT)
  return new Map(bodies.map((body, i) => [body.id, { x: x(xs[i]!), y: y(ys[i]!) }]))
}

/** Moves values into the picture, and makes less of what is too far apart. */
function spanOf(values: readonly number[], size: number): (value: number) => number {
  const least = values.reduce((a, b) => Math.min(a, b), Infinity)
  const most = values.reduce((a, b) => Math.max(a, b), -Infinity)
  const room = size - 2 * MARGIN
  const scale = Math.min(SCALE_MAX, room / Math.max(1, most - least))
  const middle = (least + most) / 2
  return value => Math.round((size / 2 + (value - middle) * scale) * 10) / 10
}
