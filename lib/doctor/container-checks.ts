import type { FindingView, Report } from '../api/mod.ts'
import { counted } from '../base/mod.ts'
import { doubt, problem, well } from './finding.ts'

/** What to do where Docker does not answer. */
export const DOCKER_REMEDY =
  'see whether it runs (systemctl status docker, docker ps), and that DOCKER_HOST leads to it'

/** Whether Docker is followed, and its networks are served. */
export function dockerFindings({ docker, driver }: Pick<Report, 'docker' | 'driver'>): FindingView[] {
  if (docker.state === 'off') return [well('docker', 'is not followed (--no-docker)')]
  const where = `Docker at ${docker.endpoint ?? '?'}`
  const isMissed = docker.containers > 0 || driver.networks.length > 0
  const findings: FindingView[] = []
  if (docker.state === 'following')
    findings.push(well('docker', `${where} is followed; ${counted(docker.containers, 'container')} attached`))
  else if (docker.state === 'absent' && !isMissed && !docker.isExpected)
    findings.push(well('docker', `${where} is not there, and not needed`))
  else {
    const judge = isMissed ? problem : doubt
    findings.push(
      judge(
        'docker',
        `${where} does not answer: ${docker.why ?? 'it has not answered yet'}`,
        `${DOCKER_REMEDY}; what is attached goes on meanwhile`,
      ),
    )
  }
  if (docker.waiting > 0)
    findings.push(
      doubt(
        'attachments',
        `${counted(docker.waiting, 'container is', 'containers are')} not attached as they should be`,
        'see why with `weave-ts ps`',
      ),
    )
  if (driver.state === 'failed')
    findings.push(
      problem(
        'networks',
        `Docker cannot use networks of the overlay: the driver is not served at ${driver.socket ?? '?'}: ${driver.why ?? ''}`,
        'mend that and `weave-ts restart`, or name another directory with --docker-plugin-dir',
      ),
    )
  else if (driver.state === 'serving')
    findings.push(
      well(
        'networks',
        `the driver is served at ${driver.socket ?? '?'}; ${counted(driver.networks.length, 'network')}`,
      ),
    )
  return findings
}

/** Whether containers get answers for names. `queries.failed`: those that no upstream server answered. */
export function resolverFindings({ dns }: Pick<Report, 'dns'>): FindingView[] {
  if (!dns.isOn) return [well('resolver', 'names are not answered here (--no-dns)')]
  if (dns.listening.length === 0)
    return [
      doubt(
        'resolver',
        'names are answered nowhere: the bridge has no address at which containers could ask',
        'give this host one with `weave-ts expose`, or name addresses with --dns-listen-address',
      ),
    ]
  const where = `names of ${dns.domain} are answered at ${dns.listening.join(', ')}`
  if (dns.upstream.length === 0)
    return [
      doubt(
        'resolver',
        `${where}, but there is no server to ask for other names`,
        'put a server into the resolv.conf of this host, or name a file that has one with --resolv-conf',
      ),
    ]
  const { forwarded, failed } = dns.queries
  if (failed > 0 && failed * 2 >= forwarded)
    return [
      doubt(
        'resolver',
        `${where}; of ${forwarded} questions for other names ${dns.upstream.join(', ')} left ${failed} without an answer`,
        'see whether these servers answer this host, or name others with --resolv-conf',
      ),
    ]
  return [well('resolver', `${where}; others are asked of ${dns.upstream.join(', ')}`)]
}
