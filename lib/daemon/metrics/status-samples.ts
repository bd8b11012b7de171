import type { ConnectionView, Status } from '../../api/mod.ts'
import type { Samples } from './samples.ts'

const CONNECTION_STATES: readonly ConnectionView['state'][] = [
  ...(['connecting', 'retrying', 'failed', 'pending', 'established', 'relayed', 'tcp'] as const),
]

/** What the status has that the report of the node has not: what the services add, and what is judged there. */
export function addStatus(samples: Samples, status: Status): void {
  const { isReady, encryption, warnings, exposed, driver } = status
  samples.add('weave_ts_ready', isReady)
  samples.add('weave_ts_encrypted', encryption === 'secret')
  samples.add('weave_ts_warnings', warnings.length)
  samples.add('weave_ts_exposed_addresses', exposed.length)
  samples.add('weave_ts_driver_networks', driver.networks.length)
  samples.add('weave_ts_driver_endpoints', driver.endpoints)
  addConnections(samples, status)
  addDocker(samples, status)
  addDns(samples, status)
}

/** Ours by the states that `status` shows, and Weave's, which has no state for how the data goes. */
function addConnections(samples: Samples, { connections }: Status): void {
  for (const state of CONNECTION_STATES) {
    const count = connections.filter(connection => connection.state === state).length
    samples.add('weave_ts_connections', count, { state })
    const isDetour = state === 'relayed' || state === 'tcp'
    samples.add('weave_connections', count, {
      state: isDetour ? 'established' : state,
      type: isDetour ? state : state === 'established' ? 'direct' : 'unknown',
      encryption: isDetour || state === 'established' ? 'yes' : '',
    })
  }
}

function addDocker(samples: Samples, { docker }: Status): void {
  const { state, containers, stopped, waiting } = docker
  samples.add('weave_ts_docker_containers', containers - stopped - waiting, { state: 'attached' })
  samples.add('weave_ts_docker_containers', stopped, { state: 'stopped' })
  samples.add('weave_ts_docker_containers', waiting, { state: 'waiting' })
  // Where nothing listens there need not be a Docker.
  if (state !== 'off' && state !== 'absent') samples.add('weave_ts_docker_following', state === 'following')
}

function addDns(samples: Samples, { dns }: Status): void {
  const { total, forwarded, failed, dropped } = dns.queries
  samples.add('weave_ts_dns_listeners', dns.listening.length)
  samples.add('weave_ts_dns_names', dns.names)
  samples.add('weave_ts_dns_queries_total', total)
  samples.add('weave_ts_dns_forwarded_total', forwarded)
  samples.add('weave_ts_dns_failed_total', failed)
  samples.add('weave_ts_dns_dropped_total', dropped)
}
