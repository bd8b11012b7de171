import { peerLabel } from '../address/mod.ts'
import type { Attachment, ConnectionView, DockerView, DriverView, NameView, PeerRef, Status } from '../api/mod.ts'
import { counted } from '../base/mod.ts'
import { column, duration, labelled } from './table.ts'

/** `id(nickname)`, with the short form of the id. */
export function peerName(peer: PeerRef): string {
  return peerLabel(peer.id, peer.nickname)
}

export function renderStatus(status: Status): string {
  const lines = [labelled('Version', `${status.version} (pid ${status.pid}, up ${duration(status.uptimeSeconds)})`), '']
  lines.push(labelled('Service', 'router'))
  lines.push(labelled('Protocol', `weave-ts ${status.protocol.min}..${status.protocol.max}`))
  lines.push(labelled('Name', `${status.peer.id}(${status.peer.nickname})`))
  lines.push(labelled('Mesh', status.mesh.id ?? MESHLESS[status.mesh.founding]))
  lines.push(
    labelled(
      'Encryption',
      status.encryption === 'secret' ? 'enabled (mesh secret)' : 'enabled, but OPEN TO STRANGERS (no mesh secret)',
    ),
  )
  lines.push(labelled('PeerDiscovery', status.isDiscovering ? 'enabled' : 'disabled'))
  const { launchOptions } = status
  lines.push(labelled('LaunchedWith', launchOptions.length === 0 ? 'no options' : launchOptions.join(' ')))
  const { readers } = status
  if (readers !== null)
    lines.push(labelled('Readers', `group ${readers.group}, at ${readers.socket ?? 'no socket yet'}`))
  lines.push(labelled('Targets', status.targets.length))
  lines.push(labelled('Connections', countConnections(status.connections)))
  lines.push(labelled('Links', linksText(status.links)))
  lines.push(labelled('Peers', countPeers(status)))
  lines.push(
    labelled('Overlay', `bridge ${status.overlay.bridge}, device ${status.overlay.device}, mtu ${status.overlay.mtu}`),
  )
  const ipv4 = status.exposed.map(({ cidr }) => cidr)
  if (ipv4.length > 0) {
    const ipv6 = status.exposed.flatMap(one => one.ipv6 ?? [])
    lines.push(labelled('Exposed', [...ipv4, ...ipv6].join(' ')))
  }
  lines.push('', labelled('Service', 'ipam'))
  const { ipam } = status
  lines.push(labelled('Status', ipam.state === 'ready' ? 'ready' : `waiting: ${ipam.reason ?? ''}`))
  lines.push(labelled('Range', `${ipam.range} (${ipam.rangeFirst}-${ipam.rangeLast})`))
  lines.push(labelled('DefaultSubnet', ipam.defaultSubnet))
  const { ipv6Off } = status.overlay
  const ipv6 = ipv6Off === null ? (status.mesh.ipv6Prefix ?? 'as soon as there is a mesh') : `off: ${ipv6Off}`
  lines.push(labelled('IPv6', ipv6))
  lines.push(
    labelled('Addresses', `${ipam.activeAddresses} in use here, of ${ipam.rangeAddresses - 2} that the range can give`),
  )
  lines.push('', ...renderDocker(status.docker), ...renderDriver(status.driver))
  const { dns } = status
  lines.push('', labelled('Service', 'dns'), labelled('Domain', `${dns.domain}.`))
  if (dns.isOn) {
    lines.push(labelled('Answering', dns.listening.length === 0 ? 'nowhere yet' : dns.listening.join(', ')))
    lines.push(labelled('Upstream', dns.upstream.length === 0 ? 'none' : dns.upstream.join(', ')))
    lines.push(labelled('TTL', dns.ttlSeconds))
  } else lines.push(labelled('Answering', 'nowhere (--no-dns)'))
  lines.push(labelled('Names', `${dns.names}, of ${counted(dns.containers, 'container')}, in the whole mesh`))
  for (const waiting of status.waiting) lines.push('', `Waiting: ${waiting}`)
  for (const warning of status.warnings) lines.push('', `WARNING: ${warning}`)
  return lines.join('\n')
}

const MESHLESS: Readonly<Record<Status['mesh']['founding'], string>> = {
  done: 'none',
  nobody: 'none yet: nobody has founded one',
  deciding: 'none yet: who founds it is being decided',
  waiting: 'none yet: waiting to join one',
}

const DOCKER_STATES: Readonly<Record<DockerView['state'], string>> = {
  off: 'is not followed (--no-docker)',
  connecting: 'is being asked',
  following: 'is followed',
  absent: 'is not there',
  unreachable: 'does not answer',
}

function renderDocker({ state, endpoint, why, ...docker }: DockerView): string[] {
  const attached = docker.containers - docker.stopped - docker.waiting
  const counts = [`${attached} attached`]
  if (docker.stopped > 0) counts.push(`${docker.stopped} stopped`)
  if (docker.waiting > 0) counts.push(`${docker.waiting} waiting`)
  return [
    labelled('Service', 'docker'),
    labelled('Engine', `${endpoint ?? 'Docker'} ${DOCKER_STATES[state]}${why === null ? '' : `: ${why}`}`),
    labelled('Containers', counts.join(', ')),
    ...docker.vanished.map(one =>
      labelled(
        'Vanished',
        `${one.description} (${shownId(one.id)}) ${one.cidrs.join(' ')}, ${duration(one.secondsAgo)} ago: ${one.why}`,
      ),
    ),
  ]
}

/** Nothing where it is off. */
function renderDriver({ state, socket, why, networks, endpoints }: DriverView): string[] {
  if (state === 'off') return []
  const where = state === 'serving' ? `at ${socket ?? ''}` : `NOT SERVED: ${why ?? ''}`
  const shown = networks.map(({ id, name, subnets }) => `${name === '' ? shownId(id) : name} (${subnets.join(' ')})`)
  return [
    labelled('NetworkDriver', `weave-ts, ${where}`),
    ...(shown.length === 0 && endpoints === 0
      ? []
      : [labelled('Networks', `${shown.length === 0 ? 'none' : shown.join(', ')}; ${counted(endpoints, 'endpoint')}`)]),
  ]
}

function countConnections(connections: readonly ConnectionView[]): string {
  const parts = ['established', 'relayed', 'tcp', 'pending', 'retrying', 'failed', 'connecting'].flatMap(state => {
    const count = connections.filter(connection => connection.state === state).length
    return count === 0 ? [] : [`${count} ${state}`]
  })
  return parts.length === 0 ? '0' : `${connections.length} (${parts.join(', ')})`
}

function linksText({ count, limit }: Status['links']): string {
  if (limit === null) return `${count}, without a limit (--conn-limit 0)`
  const over = count > limit ? ': the others are needed, nobody else leads there' : ''
  return `${count}, at most ${limit} (--conn-limit)${over}`
}

function countPeers(status: Status): string {
  const all = status.peers.flatMap(peer => peer.connections)
  const established = all.filter(connection => connection.state === 'established').length
  const parts = [`${established} established`]
  if (all.length > established) parts.push(`${all.length - established} pending`)
  return all.length === 0
    ? String(status.peers.length)
    : `${status.peers.length} (with ${parts.join(', ')} connections)`
}

export function renderConnections(connections: readonly ConnectionView[]): string {
  const width = Math.max(21, ...connections.map(({ address }) => address.length))
  return connections
    .map(connection => {
      const arrow = connection.direction === 'outbound' ? '->' : '<-'
      const retry =
        connection.retryInSeconds === null ? '' : `, retry: in ${duration(Math.max(0, connection.retryInSeconds))}`
      const info = connection.info + retry + attributes(connection)
      return `${arrow} ${column(connection.address, width)} ${column(connection.state, 11)} ${info}`
    })
    .join('\n')
}

/** What is known of the path that data takes. */
function attributes({ state, path, mtu }: ConnectionView): string {
  if (state !== 'established' && state !== 'relayed' && state !== 'tcp') return ''
  const rttMs = path?.rttMs ?? null
  const keyAge = path?.keyAgeSeconds ?? null
  const loss = path?.lossPercent ?? 0
  return [
    rttMs === null ? '' : ` rtt=${rttMs < 1 ? '<1' : Math.round(rttMs)}ms`,
    loss === 0 ? '' : ` loss=${loss}%`,
    mtu === null ? '' : ` mtu=${mtu}`,
    keyAge === null ? '' : ` keys=${duration(keyAge)}`,
  ].join('')
}

export function renderPeers(status: Status): string {
  return status.peers
    .flatMap(peer => [
      `${peerName(peer)}${peer.isReachable || peer.isSelf ? '' : ' - unreachable!'}`,
      ...pathLines(peer),
      ...peer.connections.map(connection => {
        const arrow = connection.direction === 'outbound' ? '->' : '<-'
        return `   ${arrow} ${column(connection.address, 21)} ${column(peerName(connection.peer), 37)} ${peer.isSelf ? ownState(status, connection) : connection.state}`
      }),
    ])
    .join('\n')
}

/** Of a link of this host more is known than others tell of theirs: that data is relayed, or goes over TCP. */
function ownState({ connections }: Status, link: Status['peers'][number]['connections'][number]): string {
  const same = connections.find(({ peer, address }) => peer?.id === link.peer.id && address === link.address)
  return same?.state ?? link.state
}

/** What the data path from here is, and carries. */
function pathLines({ path }: Status['peers'][number]): string[] {
  if (path === null || path.mtu === null) return []
  const way = path.via === null ? (path.kind === 'tcp' ? 'over TCP' : 'direct') : `through ${peerName(path.via)}`
  return [`   data path ${way}, mtu=${path.mtu}`]
}

export function renderTargets(status: Status): string {
  return status.targets.map(target => target.target).join('\n')
}

export function renderIpam(status: Status): string {
  const { ipam } = status
  const lines = ipam.owners.map(owner => {
    const share = `${String(owner.addresses).padStart(8)} IPs (${owner.percent.toFixed(1).padStart(5)}% of total)`
    const note = owner.isSelf ? ` (${ipam.activeAddresses} active)` : owner.isReachable ? '' : ' - unreachable!'
    return `${column(peerName(owner.peer), 37)} ${share}${note}`
  })
  if (ipam.state === 'waiting') lines.push(`waiting: ${ipam.reason ?? ''}`)
  for (const wait of ipam.pending) lines.push(`${wait.container} waits for ${duration(wait.seconds)}: ${wait.reason}`)
  for (const peer of new Map(ipam.lent.map(({ peer }) => [peer.id, peer])).values()) {
    const loans = ipam.lent.filter(loan => loan.peer.id === peer.id).map(({ address }) => address)
    lines.push(`lent: ${loans.join(' ')} to ${peerName(peer)}`)
  }
  for (const { container, address, owner } of ipam.borrowed)
    lines.push(`borrowed: ${address} of ${container}, from ${peerName(owner)}`)
  for (const dispute of ipam.disputed)
    lines.push(
      `${dispute.isAsked ? 'asked' : 'disputed'}: ${dispute.address} of ${dispute.container}, ${whose(dispute)}`,
    )
  for (const takeover of ipam.takeovers.filter(({ isSettled }) => !isSettled))
    lines.push(
      `${takeover.isForced ? 'forced' : 'settling'}: ${takenOver(takeover)}, removed by ` +
        `${peerName(takeover.author)}: ${takeover.agreed} of ${takeover.needed} peers agree; not yet: ${takeover.waitsFor.map(peerName).join(', ')}`,
    )
  return lines.join('\n')
}

function whose({ owner, usedBy, isAsked }: Status['ipam']['disputed'][number]): string {
  if (usedBy !== null) return `in use on ${peerName(usedBy)} too`
  const block = `its block now belongs to ${owner === null ? 'another peer' : peerName(owner)}`
  return isAsked ? `${block}, which is being asked to lend it` : block
}

function takenOver({ blocks, victim }: Status['ipam']['takeovers'][number]): string {
  const name = peerName(victim)
  return blocks === 0 ? `that ${name} is gone` : `${counted(blocks, 'block')} of ${name}`
}

export function renderDns(entries: readonly NameView[]): string {
  const addressWidth = Math.max(15, ...entries.map(({ address }) => address.length))
  return entries
    .map(({ name, address, container, peer }) =>
      [column(name, 20), column(address, addressWidth), column(shownId(container), 12), peerName(peer)].join(' '),
    )
    .join('\n')
}

export function renderPs(attachments: readonly Attachment[]): string {
  return attachments
    .map(({ id, mac, cidrs, ipv6, isIpv6Off, names, state, why, network }) =>
      [
        shownId(id),
        mac,
        ...cidrs,
        ...ipv6,
        ...names,
        ...(network === null ? [] : [`on ${network}`]),
        ...(isIpv6Off ? ['(IPv6 is off inside)'] : []),
        ...(state === 'attached' ? [] : [`(${state}${why === null ? '' : `: ${why}`})`]),
      ]
        .join(' ')
        .trimEnd(),
    )
    .join('\n')
}

/** Docker's ids are shown by their first twelve characters, as Docker does. */
export function shownId(id: string): string {
  // What has no container is not told apart by an id.
  if (id.startsWith('weave:extern/')) return 'weave:extern'
  return /^[0-9a-f]{64}$/.test(id) ? id.slice(0, 12) : id
}
