import t from 'tap'
import { isDrop, type Millis } from '../../../lib/base/mod.ts'
import { decodePeerInfo, encodePeerInfo } from '../../../lib/topology/mod.ts'
import { encodeProbe } from '../../../lib/wire/mod.ts'
import { SimMesh } from '../../support/sim-mesh.ts'

const SELF_ADDRESS = Uint8Array.of(192, 168, 0, 9)

function pair(): SimMesh {
  const mesh = new SimMesh({ seed: 3, peers: 2, sealing: 'none' })
  mesh.launchAll(50)
  mesh.run(5_000)
  return mesh
}

t.test('a peer record without a port is dropped, for nobody can be reached at port 0', t => {
  const info = {
    nickname: 'n',
    incarnation: '0011223344556677',
    softwareVersion: '',
    protocolVersion: 1,
    udpPort: 0,
    capabilities: 0,
    endpoints: [],
  }
  t.ok(isDrop(decodePeerInfo(encodePeerInfo(info))))
  t.end()
})

t.test('a genuine datagram whose source port was made 0 on the way changes nothing', t => {
  const { node } = pair().host(0)
  const [path] = [...node.paths.all]
  t.equal(path?.state.kind, 'direct')
  const now: Millis = 6_000
  const source = { ip: SELF_ADDRESS, port: 0 }
  node.handleControl(path!.peerIndex, 1, encodeProbe(1), source, now)
  node.handleMoved(path!.peerIndex, source, now)
  t.equal(path?.state.kind, 'direct')
  for (let output = node.pollOutput(); output !== undefined; output = node.pollOutput())
    t.not(output.type === 'engine' && output.op.op === 'send-control' && output.op.endpoint?.port === 0, true)
  t.end()
})

t.test('a session that one side alone made anew is there again at once', t => {
  const mesh = pair()
  const [a, b] = [mesh.host(0), mesh.host(1)]
  const idOf = (host: typeof a) => host.identity.peerId
  for (const [one, other] of [
    [a, b],
    [b, a],
  ] as const) {
    // As when a link ends that the far side still believes in.
    for (let i = 0; i < 3; i++) {
      one.input((node, now) => {
        node.paths.stop(idOf(other), now)
        node.paths.update(now)
      })
      const isUp = () => one.node.paths.isDirect(idOf(other)) && other.node.paths.isDirect(idOf(one))
      mesh.run(500)
      t.not(mesh.until(isUp, 15_000), undefined)
    }
  }
  t.end()
})
t.test('a forgotten contact that was connected again stays when the one who forgot starts again', t => {
  const mesh = pair()
  const [a, b] = [mesh.host(0), mesh.host(1)]
  const contact = '192.168.0.77:6783'
  b.input((node, now) => node.connect([contact], false, now))
  a.input((node, now) => node.forgetContacts([contact], now))
  mesh.run(1_000)
  t.notOk(b.node.dialler.configured.includes(contact), 'forgotten')
  b.input((node, now) => node.connect([contact], false, now))
  a.crash(false)
  mesh.run(1_000)
  a.launch()
  mesh.run(20_000)
  t.equal(b.node.neighbours.count, 1)
  t.ok(b.node.dialler.configured.includes(contact), 'kept')
  t.end()
})
