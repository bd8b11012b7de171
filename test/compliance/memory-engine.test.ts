import t from 'tap'
import { endpointOf, type EndpointParts } from '../../lib/address/mod.ts'
import { MemoryEngine } from '../support/memory-engine.ts'
import { packetEngineSuite, type SuiteEngine, type SuiteMesh } from './packet-engine-suite.ts'

const STRANGER: EndpointParts = { ip: Uint8Array.of(10, 0, 0, 99), port: 7000 }

packetEngineSuite(t, 'memory', makeMesh)

function makeMesh(count: number): SuiteMesh {
  const places = new Map<string, MemoryEngine>()
  const caught: Uint8Array[] = []
  const engines: SuiteEngine[] = []
  for (let i = 0; i < count; i++) {
    const endpoint: EndpointParts = { ip: Uint8Array.of(10, 0, 0, i + 1), port: 6783 }
    const engine = new MemoryEngine({
      onDatagram(bytes, to) {
        const place = endpointOf(to.ip, to.port)
        if (place === endpointOf(STRANGER.ip, STRANGER.port)) caught.push(bytes)
        else places.get(place)?.receiveDatagram(bytes, endpoint)
      },
    })
    places.set(endpointOf(endpoint.ip, endpoint.port), engine)
    engines.push({
      control: engine,
      lane: engine,
      endpoint,
      pushTap: frame => engine.pushTap(frame),
      takeTap: () => engine.takeTap(),
    })
  }
  return {
    engines,
    strangerEndpoint: STRANGER,
    strangerSend: (to, bytes) => places.get(endpointOf(to.ip, to.port))?.receiveDatagram(bytes, STRANGER),
    strangerTake: () => caught.splice(0),
    close: () => undefined,
  }
}
