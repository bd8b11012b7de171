import t, { type Test } from 'tap'
import { parseCidr } from '../../lib/address/mod.ts'
import { SimMesh, type SimMeshOptions } from './sim-mesh.ts'

/** Small, so that what one peer hands on another soon gives. */
const RANGE = parseCidr('10.32.0.0/25')!
const CONFIG = { range: RANGE, defaultSubnet: RANGE, blockPrefix: 29 }

/** Lets three hosts live through the same once for each seed, up to the first that ends badly, which is told. */
export function playStory(
  name: string,
  seeds: readonly number[],
  options: Partial<SimMeshOptions>,
  tell: (t: Test, mesh: SimMesh) => void,
): void {
  void t.test(name, t => {
    for (const seed of seeds) {
      const mesh = new SimMesh({ seed, peers: 3, sealing: 'none', config: CONFIG, ...options })
      try {
        tell(t, mesh)
      } catch (error) {
        t.comment(mesh.story())
        throw error
      }
      if (t.passing()) continue
      t.comment(mesh.story())
      break
    }
    t.end()
  })
}

/** Containers come and go on these hosts, so that blocks change hands. */
export function live(mesh: SimMesh, numbers: readonly number[], steps: number): void {
  for (let step = 0; step < steps; step++) {
    const number = numbers[Math.floor(mesh.chance() * numbers.length)]!
    const { containers } = mesh.host(number)
    if (containers.size > 50 || mesh.chance() < 0.25) {
      const [one] = containers.keys()
      if (one !== undefined) mesh.detach(number, one)
    } else mesh.attach(number)
    mesh.run(50 + Math.floor(mesh.chance() * 400))
  }
}

/** All containers of a host are gone. */
export function clear(mesh: SimMesh, number: number): void {
  for (const id of [...mesh.host(number).containers.keys()]) mesh.detach(number, id)
}
