import type { SimContainer } from './sim-container.ts'
import type { SimHost } from './sim-host.ts'
import type { SimMesh } from './sim-mesh.ts'

export const ECHO_GAP_MS = 100
let nextEcho = 1_000_000

/** The number of one more echo request. */
export function newEcho(): number {
  return nextEcho++
}

export function containerOf(host: SimHost): SimContainer {
  return [...host.containers.values()][0]!
}

/** Sends echo requests for so long; the longest time without an answer that came within half a second. */
export function outageMs(mesh: SimMesh, from: SimHost, to: SimHost, forMs: number): number {
  const near = containerOf(from)
  const { ip } = containerOf(to)
  const sent: { readonly number: number; readonly at: number }[] = []
  let [lastAt, longest] = [mesh.clock.now, 0]
  for (let passedMs = 0; passedMs < forMs; passedMs += ECHO_GAP_MS) {
    const number = newEcho()
    sent.push({ number, at: mesh.clock.now })
    near.ping(ip!, number, false)
    mesh.run(ECHO_GAP_MS)
    for (const echo of sent) if (near.isAnswered(echo.number)) lastAt = Math.max(lastAt, echo.at)
    longest = Math.max(longest, mesh.clock.now - ECHO_GAP_MS - lastAt)
  }
  return longest
}
