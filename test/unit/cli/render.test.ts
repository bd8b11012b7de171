import t from 'tap'
import type { ConnectionView, PathView, PeerRef, PeerView, Status } from '../../../lib/api/mod.ts'
import {
  renderConnections,
  renderDns,
  renderIpam,
  renderPeers,
  renderPs,
  renderStatus,
  renderTargets,
} from '../../../lib/cli/render.ts'
import { statusOf } from '../../../lib/daemon/status/status.ts'
import { peerNumber } from '../../support/graphs.ts'
import { NOW, nodeReport } from '../../support/node-reports.ts'
import { SERVICE_FIELDS } from '../../support/service-fields.ts'

const FACTS = { version: '1.2.3', pid: 42, stateDir: '/s', startedAt: NOW - 130_000, hasSecret: true, mtu: 1_376 }

function status(parts: Partial<Status> = {}): Status {
  return {
    ...statusOf(nodeReport(), FACTS, NOW),
    ...SERVICE_FIELDS,
    launchOptions: ['--port', '7000', '--no-discovery'],
    readers: { group: 'ops', socket: '/run/weave-ts/s/api-read.sock' },
    ...parts,
  }
}

const ref = (number: number): PeerRef => ({ id: peerNumber(number), nickname: `n${number}` })
const short = (number: number) => `${peerNumber(number).slice(0, 8)}(n${number})`

function connection(parts: Partial<ConnectionView>): ConnectionView {
  return {
    direction: 'outbound',
    address: '192.0.2.1:6783',
    state: 'established',
    peer: ref(1),
    info: 'encrypted udp',
    error: null,
    retryInSeconds: null,
    rttMs: null,
    path: null,
    mtu: null,
    ...parts,
  }
}

t.test('status names the version, the mesh and the service of addresses, one line each', t => {
  const lines = renderStatus(status()).split('\n')
  for (const line of [
    '        Version: 1.2.3 (pid 42, up 2m10s)',
    '        Service: router',
    `           Mesh: ${'ab'.repeat(16)}`,
    '     Encryption: enabled (mesh secret)',
    '  PeerDiscovery: enabled',
    '   LaunchedWith: --port 7000 --no-discovery',
    '        Readers: group ops, at /run/weave-ts/s/api-read.sock',
    '        Targets: 0',
    '    Connections: 0',
    '          Links: 0, at most 200 (--conn-limit)',
    '          Peers: 1',
    '        Overlay: bridge weave, device weave-tap, mtu 1376',
    '        Service: ipam',
    '         Status: ready',
    '          Range: 10.32.0.0/12 (10.32.0.0-10.47.255.255)',
    '      Addresses: 0 in use here, of 1048574 that the range can give',
    '        Service: docker',
    '         Engine: unix:///var/run/docker.sock is followed',
    '     Containers: 0 attached',
    '         Domain: weave.local.',
    '          Names: 3, of 2 containers, in the whole mesh',
  ])
    t.ok(lines.includes(line), line)
  t.end()
})

t.test('status names the addresses of the host when it has any', t => {
  t.notMatch(renderStatus(status()), 'Exposed')
  t.match(
    renderStatus(
      status({
        exposed: [
          { cidr: '10.32.0.1/12', isMasqueraded: true, ipv6: 'fd12:3456:789a:1::a20:1/64' },
          { cidr: '10.40.1.1/24', isMasqueraded: false, ipv6: null },
        ],
      }),
    ),
    '        Exposed: 10.32.0.1/12 10.40.1.1/24 fd12:3456:789a:1::a20:1/64\n',
  )
  t.end()
})

t.test('status says in words what is not as it should be', t => {
  const text = renderStatus(
    status({
      mesh: { id: null, isPristine: false, isUnused: false, founding: 'waiting', ipv6Prefix: null },
      encryption: 'open',
      isDiscovering: false,
      launchOptions: [],
      ipam: { ...status().ipam, state: 'waiting', reason: 'no owner is known' },
      waiting: ['no owner is known'],
      warnings: ['any stranger may join'],
    }),
  )
  t.match(text, 'Mesh: none yet: waiting to join one')
  t.match(text, 'Encryption: enabled, but OPEN TO STRANGERS')
  t.match(text, 'PeerDiscovery: disabled')
  t.match(text, 'LaunchedWith: no options')
  t.match(text, 'Status: waiting: no owner is known')
  t.match(text, '\n\nWaiting: no owner is known')
  t.match(text, '\n\nWARNING: any stranger may join')
  t.end()
})

t.test('status tells how many links may be, and when there have to be more', t => {
  const links = (count: number, limit: number | null) => renderStatus(status({ links: { count, limit } }))
  t.match(links(7, null), 'Links: 7, without a limit (--conn-limit 0)\n')
  t.match(links(7, 7), 'Links: 7, at most 7 (--conn-limit)\n')
  t.match(links(8, 7), 'Links: 8, at most 7 (--conn-limit): the others are needed, nobody else leads there\n')
  t.end()
})

t.test('status counts connections by state, and those of the whole mesh', t => {
  const connections = [
    connection({}),
    connection({}),
    connection({ state: 'failed' }),
    connection({ state: 'connecting' }),
  ]
  const link = (state: 'established' | 'pending') => ({
    direction: 'outbound' as const,
    address: 'a',
    peer: ref(1),
    state,
  })
  const peers: PeerView[] = [{ ...status().peers[0]!, connections: [link('established'), link('pending')] }]
  const text = renderStatus(status({ connections, peers }))
  t.match(text, 'Connections: 4 (2 established, 1 failed, 1 connecting)')
  t.match(text, 'Peers: 1 (with 1 established, 1 pending connections)')
  t.end()
})

t.test('connections are one line each: arrow, address, state, what and when', t => {
  t.equal(
    renderConnections([
      connection({ mtu: 1_376 }),
      connection({ direction: 'inbound', state: 'pending', info: 'no data path', mtu: 1_376 }),
      connection({ address: 'h1', state: 'retrying', info: 'ECONNREFUSED', retryInSeconds: 61.2 }),
      connection({ address: 'h2', state: 'failed', info: 'no such name', retryInSeconds: -3 }),
    ]),
    [
      '-> 192.0.2.1:6783        established encrypted udp mtu=1376',
      '<- 192.0.2.1:6783        pending     no data path',
      '-> h1                    retrying    ECONNREFUSED, retry: in 1m1s',
      '-> h2                    failed      no such name, retry: in 0s',
    ].join('\n'),
  )
  t.equal(renderConnections([]), '')
  const known = { endpoint: null, cipher: null, why: null }
  const path = { ...known, kind: 'relayed' as const, via: ref(2), rttMs: 0.4, keyAgeSeconds: 61 } as PathView
  t.match(renderConnections([connection({ state: 'relayed', path })]), / relayed .* rtt=<1ms( mtu=\d+)? keys=1m1s$/)
  const lossy = connection({ state: 'relayed', path: { ...path, lossPercent: 12 } })
  t.match(renderConnections([lossy]), / rtt=<1ms loss=12%( mtu=\d+)? keys=1m1s$/)
  t.end()
})

t.test('peers are shown with their links, and with what is out of reach', t => {
  const own = status().peers[0]!
  const away: PeerView = { ...own, ...ref(2), isSelf: false, isReachable: false, connections: [] }
  const linked: PeerView = {
    ...own,
    connections: [{ direction: 'inbound', address: '192.0.2.1:6783', peer: ref(1), state: 'established' }],
  }
  t.equal(
    renderPeers(status({ peers: [linked, away] })),
    [
      `${peerNumber(0).slice(0, 8)}(self)`,
      `   <- 192.0.2.1:6783        ${short(1).padEnd(37)} established`,
      `${short(2)} - unreachable!`,
    ].join('\n'),
  )
  t.end()
})

t.test('a link of this host is shown with what carries its data', t => {
  const [own] = status().peers
  const link = { direction: 'outbound' as const, address: '192.0.2.1:6783', peer: ref(1), state: 'pending' as const }
  const peers: PeerView[] = [
    { ...own!, connections: [link] },
    { ...own!, ...ref(1), isSelf: false, path: null, connections: [{ ...link, peer: ref(2) }] },
  ]
  const shown = (connections: ConnectionView[]) => renderPeers(status({ peers, connections })).match(/\w+$/gm)
  t.strictSame(shown([connection({ state: 'tcp' })]), ['tcp', 'pending'])
  t.strictSame(shown([connection({ state: 'relayed', address: '192.0.2.9:6783' })]), ['pending', 'pending'])
  t.end()
})

t.test('below a peer is the data path to it, with what that carries', t => {
  const path = {
    ...{
      kind: 'relayed' as const,
      endpoint: null,
      via: ref(1),
      rttMs: 1,
      cipher: null,
      lossPercent: null,
      keyAgeSeconds: 1,
      why: 'none',
    },
    ...{ mtu: 1_280, carries: 1_198 },
  }
  const [own] = status().peers
  const peers = [
    { ...own!, ...ref(2), isSelf: false, path, connections: [] },
    { ...own!, ...ref(3), isSelf: false, path: { ...path, kind: 'direct' as const, via: null }, connections: [] },
  ]
  t.equal(
    renderPeers(status({ peers })),
    [short(2), `   data path through ${short(1)}, mtu=1280`, short(3), '   data path direct, mtu=1280'].join('\n'),
  )
  t.end()
})

t.test('targets are listed as they were given', t => {
  const target = { state: 'waiting', address: null, peer: null, error: null, retryInSeconds: null }
  const targets = [
    { ...target, target: 'h1' },
    { ...target, target: '192.0.2.1:7' },
  ]
  t.equal(renderTargets(status({ targets })), 'h1\n192.0.2.1:7')
  t.end()
})

t.test('address management shows shares, waits and disputes', t => {
  const { ipam } = status()
  const text = renderIpam(
    status({
      ipam: {
        ...ipam,
        state: 'waiting',
        reason: 'no owner is known',
        activeAddresses: 3,
        owners: [
          { ...ipam.owners[0]!, percent: 75, addresses: 786_432 },
          { peer: ref(1), isSelf: false, addresses: 262_144, percent: 25, isReachable: false },
          { peer: ref(2), isSelf: false, addresses: 64, percent: 0.006, isReachable: true },
        ],
        pending: [{ container: 'c', seconds: 4, reason: 'n1 does not answer' }],
        lent: [
          { address: '10.32.0.7', peer: ref(1) },
          { address: '10.32.0.8', peer: ref(2) },
          { address: '10.32.0.9', peer: ref(1) },
        ],
        borrowed: [{ container: 'f', address: '10.32.0.3/12', owner: ref(2) }],
        disputed: [
          { container: 'd', address: '10.32.0.1/12', owner: ref(1), usedBy: null, isAsked: false },
          { container: 'e', address: '10.32.0.2/12', owner: null, usedBy: null, isAsked: false },
          { container: 'g', address: '10.32.0.4/12', owner: ref(2), usedBy: null, isAsked: true },
          { container: 'h', address: '10.32.0.5/12', owner: null, usedBy: ref(1), isAsked: false },
        ],
      },
    }),
  )
  t.strictSame(text.split('\n'), [
    `${`${peerNumber(0).slice(0, 8)}(self)`.padEnd(37)}   786432 IPs ( 75.0% of total) (3 active)`,
    `${short(1).padEnd(37)}   262144 IPs ( 25.0% of total) - unreachable!`,
    `${short(2).padEnd(37)}       64 IPs (  0.0% of total)`,
    'waiting: no owner is known',
    'c waits for 4s: n1 does not answer',
    `lent: 10.32.0.7 10.32.0.9 to ${short(1)}`,
    `lent: 10.32.0.8 to ${short(2)}`,
    `borrowed: 10.32.0.3/12 of f, from ${short(2)}`,
    `disputed: 10.32.0.1/12 of d, its block now belongs to ${short(1)}`,
    'disputed: 10.32.0.2/12 of e, its block now belongs to another peer',
    `asked: 10.32.0.4/12 of g, its block now belongs to ${short(2)}, which is being asked to lend it`,
    `disputed: 10.32.0.5/12 of h, in use on ${short(1)} too`,
  ])
  t.end()
})

t.test('status tells how it is with Docker, and which containers vanished', t => {
  const vanished = {
    id: 'ab'.repeat(32),
    description: 'container web',
    cidrs: ['10.32.0.1/12'],
    why: 'the container was removed',
    secondsAgo: 130,
  }
  const docker = { ...SERVICE_FIELDS.docker, containers: 5, stopped: 1, waiting: 2, vanished: [vanished] }
  const lines = renderStatus(status({ docker: { ...docker, state: 'unreachable', why: 'no answer' } })).split('\n')
  for (const line of [
    '         Engine: unix:///var/run/docker.sock does not answer: no answer',
    '     Containers: 2 attached, 1 stopped, 2 waiting',
    '       Vanished: container web (abababababab) 10.32.0.1/12, 2m10s ago: the container was removed',
  ])
    t.ok(lines.includes(line), line)
  const off = { ...SERVICE_FIELDS.docker, state: 'off', endpoint: null } as const
  t.match(renderStatus(status({ docker: off })), 'Engine: Docker is not followed (--no-docker)')
  t.end()
})

t.test('ps shortens ids of Docker, and says what is stopped or gone, and why', t => {
  const one = {
    ...{ description: '', mac: '02:00:00:00:00:0a', cidrs: ['10.32.0.1/12', '10.33.0.1/24'], isPresent: true },
    ...{ names: [] as string[], ipv6: [] as string[], isIpv6Off: false },
    ...({ state: 'attached', why: null, network: null } as const),
  }
  t.equal(
    renderPs([
      { ...one, id: 'ab'.repeat(32) },
      { ...one, id: 'netns:a', cidrs: [], names: ['web.weave.local.'], isPresent: false, state: 'gone' },
      { ...one, id: 'cd'.repeat(32), cidrs: [], isPresent: false, state: 'stopped', why: 'exited with status 3' },
      { ...one, id: 'ef'.repeat(32), network: 'front' },
      { ...one, id: 'netns:b', cidrs: ['10.32.0.1/12'], ipv6: ['fd12:3456:789a:1::a20:1/64'] },
      { ...one, id: 'netns:c', cidrs: ['10.32.0.1/12'], isIpv6Off: true },
    ]),
    [
      'abababababab 02:00:00:00:00:0a 10.32.0.1/12 10.33.0.1/24',
      'netns:a 02:00:00:00:00:0a web.weave.local. (gone)',
      'cdcdcdcdcdcd 02:00:00:00:00:0a (stopped: exited with status 3)',
      'efefefefefef 02:00:00:00:00:0a 10.32.0.1/12 10.33.0.1/24 on front',
      'netns:b 02:00:00:00:00:0a 10.32.0.1/12 fd12:3456:789a:1::a20:1/64',
      'netns:c 02:00:00:00:00:0a 10.32.0.1/12 (IPv6 is off inside)',
    ].join('\n'),
  )
  t.end()
})

t.test('names are a line for each address, with the container and the peer', t => {
  const web = { name: 'web', address: '10.32.0.1', container: 'ab'.repeat(32), peer: ref(1) }
  const db = { name: 'db', address: '192.0.2.7', container: 'weave:extern/192.0.2.7', peer: ref(2) }
  t.strictSame(renderDns([web, db]).split('\n'), [
    `web                  10.32.0.1       abababababab ${short(1)}`,
    `db                   192.0.2.7       weave:extern ${short(2)}`,
  ])
  t.strictSame(renderDns([web, { ...web, address: 'fd12:3456:789a:1::a20:1' }]).split('\n'), [
    `web                  10.32.0.1               abababababab ${short(1)}`,
    `web                  fd12:3456:789a:1::a20:1 abababababab ${short(1)}`,
  ])
  t.end()
})
