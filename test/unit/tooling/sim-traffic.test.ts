import t from 'tap'
import { SimMesh } from '../../support/sim-mesh.ts'
import { SimTraffic, trafficBetween, type Traffic } from '../../support/sim-traffic.ts'

const bytesOf = (traffic: Traffic, isUdp: boolean) =>
  Object.entries(traffic.kinds)
    .filter(([kind]) => kind.startsWith('udp ') === isUdp)
    .reduce((sum, [, { bytes }]) => sum + bytes, 0)

t.test('every byte of every stream and datagram is counted under a known kind', async t => {
  const mesh = new SimMesh({ seed: 3, peers: 4, sealing: 'none', isLogged: false })
  const traffic = new SimTraffic(mesh.network)
  mesh.launchAll(50)
  t.type(
    mesh.until(() => mesh.agrees(), 30_000),
    'number',
  )
  mesh.run(20_000)
  const start = traffic.totals()
  t.equal(bytesOf(start, false), start.tcpBytes)
  t.equal(bytesOf(start, true), start.udpBytes)
  t.same(
    Object.keys(start.kinds).filter(kind => /kind \d/.test(kind)),
    [],
  )
  for (const kind of ['handshake', 'ping', 'routed session-handshake', 'udp control probe'])
    t.ok((start.kinds[kind]?.count ?? 0) > 0, kind)
  // Two links or more; each has a preamble and three messages of a handshake.
  t.ok(start.kinds['handshake']!.count >= 4 * 3)
  t.notOk('routed ipam-request' in start.kinds)

  mesh.attach(3)
  mesh.run(3_000)
  const attached = trafficBetween(start, traffic.totals())
  t.equal(bytesOf(attached, false), attached.tcpBytes)
  t.ok((attached.kinds['routed ipam-request']?.count ?? 0) > 0)
  t.notOk('handshake' in attached.kinds)
})
