import type { Millis } from '../base/mod.ts'
import { Ledger } from '../ledger/mod.ts'
import { ROUTED_KIND } from '../wire/mod.ts'
import { Addresses } from './addresses.ts'
import type { NodeConfig } from './config.ts'
import { Checks } from './checks.ts'
import { Contacts } from './contacts.ts'
import type { NodeContext } from './context.ts'
import { DataPaths } from './data-paths.ts'
import { Dialler } from './dialler.ts'
import { Discovery } from './discovery.ts'
import { TablePublisher } from './forwarding-table.ts'
import { FloodOrigins } from './flood-origins.ts'
import { Floods } from './floods.ts'
import { FounderElection } from './founder-election.ts'
import { Gossip } from './gossip.ts'
import { GroupRecords } from './groups.ts'
import { HandingOn } from './handing-on.ts'
import { Impostures } from './impostures.ts'
import { Joining } from './joining.ts'
import { LedgerKeeper } from './ledger-keeper.ts'
import { LinkEvents } from './link-events.ts'
import { LocalHealth } from './local-health.ts'
import { MacConflicts } from './mac-conflicts.ts'
import { MemberList } from './member-list.ts'
import { Measuring } from './measuring.ts'
import { Membership } from './membership.ts'
import { MeshUse } from './mesh-use.ts'
import { MeshView } from './mesh-view.ts'
import { NameRecords } from './names.ts'
import { Neighbours } from './neighbours.ts'
import type { NodeOutput } from './outputs.ts'
import { OriginKeys } from './origin-keys.ts'
import { OwnLinks } from './own-links.ts'
import type { PartFactory, StoreRead } from './part.ts'
import { Parts } from './parts.ts'
import { Past } from './past.ts'
import { Pings } from './pings.ts'
import { RateLimitedLog } from './rate-limited-log.ts'
import { Router } from './router.ts'
import { LinkSuspicion } from './link-suspicion.ts'
import { TcpFallback } from './tcp-fallback.ts'
import { ViewRecords } from './view-records.ts'

/** The parts of a node, each with what it needs of the others. */
export type NodeWiring = ReturnType<typeof wireParts>

/** `read`: what the parts find of an earlier run; `emit`: where their outputs go. Nothing is restored yet. */
export function wireParts(
  config: NodeConfig,
  read: StoreRead,
  now: Millis,
  features: readonly PartFactory[],
  emit: (output: NodeOutput) => void,
) {
  const drops = new Map<string, number>()
  const tables = new TablePublisher()
  let connections = 1
  const nextConnection = () => connections++
  const { identity, suite, chance, entropy, beat, secrets } = config
  const mesh = new Membership(config, read, {
    emit,
    isFree: contact => !addresses.holdsAny && !dialler.configured.includes(contact),
  })
  const ledger: Ledger = new Ledger({ suite, identity, meshId: mesh.meshId, chance })
  const neighbours: Neighbours = new Neighbours({
    self: identity.peerId,
    configOf: role => {
      const hello = mesh.hello(ledger.ownerCount)
      return { role, suite, entropy, beat, secrets, hello, staticKey: identity.exchangeKey }
    },
    admit: (peerId, hello, link, at) => events.admit(peerId, hello, link, at),
  })
  const health = new LocalHealth()
  const log: RateLimitedLog = new RateLimitedLog(line => emit({ type: 'log', line }))
  const viewOf = () => view
  const context: NodeContext = {
    config,
    ledger,
    neighbours,
    get view() {
      return viewOf()
    },
    health,
    isShared: () => mesh.isShared,
    route: (to, kind, body, at) => router.send(to, kind, body, at),
    flush: at => keeper.flush(at),
    emit,
    log: (level, event, fields, at) => log.write(level, event, fields, at),
    drop: reason => drops.set(reason, (drops.get(reason) ?? 0) + 1),
  }
  const dialler: Dialler = new Dialler({
    chance,
    nextConnection,
    isReached: peer => neighbours.neighbour(peer) !== undefined || discovery.isReachedAnyhow(peer),
    isAlone: () => neighbours.count === 0,
    roamedTo: peer => discovery.dialEndpointOf(peer),
  })
  const originKeys = new OriginKeys(context)
  const view: MeshView = new MeshView(
    context,
    (peer, at) => {
      paths.stop(peer, at)
      originKeys.forget(peer)
    },
    (peer, start, at) => originKeys.handleStart(peer, start, at),
  )
  const router: Router = new Router(context, to => view.controlRoutes.get(to)?.nextHop)
  const gossip: Gossip = new Gossip(context, () => ({ links: events, past }), now)
  const keeper: LedgerKeeper = new LedgerKeeper(context, gossip)
  const paths: DataPaths = new DataPaths(context, {
    view,
    route: (to, body, at) => router.send(to, ROUTED_KIND.sessionHandshake, body, at),
    onChanged: (peer, at) => {
      tables.changed()
      if (neighbours.neighbour(peer) !== undefined) links.changed(at)
      else discovery.handlePath(peer, at)
    },
    onSuspect: (peer, at) => linkSuspicion.suspect(peer, at),
  })
  const linkSuspicion = new LinkSuspicion(context, health)
  const pings = new Pings(context, paths)
  const checks = new Checks(context)
  const measuring = new Measuring(context, paths)
  const fallback = new TcpFallback(context)
  const members = new MemberList(context)
  const names: NameRecords = new NameRecords(context)
  const { zone } = names
  const addresses: Addresses = new Addresses(context, { members, zone, onOwnersChanged: () => tables.changed() })
  const impostures: Impostures = new Impostures(context, address => addresses.ipam.peerOf(address))
  const macConflicts = new MacConflicts(context)
  const floods = new Floods(context)
  const floodOrigins = new FloodOrigins(context, peer => originKeys.keyedAt(peer), now)
  const groups: GroupRecords = new GroupRecords(context, now, () => tables.changed())
  const contacts: Contacts = new Contacts(context, dialler, () => members.all.size)
  const use: MeshUse = new MeshUse(context, mesh, () => addresses.ipam.leases().length > 0)
  const links = new OwnLinks(context, view, paths)
  const discovery = new Discovery(context, {
    ...{ view, dialler },
    provedEndpointOf: peer => paths.provedEndpoint(peer),
    isForgotten: (peer, endpoints) => contacts.isForgotten(peer, endpoints),
  })
  const ours = { mesh, addresses, gossip, router }
  const past: Past = new Past(context, { ...ours, members })
  const joining: Joining = new Joining(context, { ...ours, meshChanged: at => parts.meshChanged(at) })
  const election: FounderElection = new FounderElection(context, mesh, (tell, at) => joining.found(at, false, tell))
  const deciding = { joining, election }
  const linked = { ...ours, ...deciding, dialler, discovery, paths, links, past }
  const events: LinkEvents = new LinkEvents(context, {
    ...linked,
    parts: () => parts,
    tableChanged: () => tables.changed(),
  })
  const parts: Parts = new Parts([
    keeper,
    mesh,
    new ViewRecords(view, (peer, at) => events.restarted(peer, at)),
    members,
    addresses,
    new HandingOn(context, addresses),
    impostures,
    macConflicts,
    floods,
    originKeys,
    floodOrigins,
    groups,
    names,
    contacts,
    use,
    election,
    paths,
    pings,
    checks,
    measuring,
    fallback,
    discovery,
    gossip,
    links,
    linkSuspicion,
    ...features.map(make => make(context)),
    past,
  ])
  return {
    ...{
      drops,
      tables,
      nextConnection,
      ledger,
      neighbours,
      dialler,
      view,
      paths,
      addresses,
      names,
      parts,
      events,
      keeper,
    },
    ...{
      gossip,
      mesh,
      joining,
      past,
      contacts,
      impostures,
      macConflicts,
      floods,
      floodOrigins,
      groups,
      use,
      election,
      health,
      linkSuspicion,
      pings,
      checks,
      measuring,
      fallback,
    },
  }
}
