import type { ConnectionView, FindingView, Report } from '../api/mod.ts'
import { isSecretTrouble, TO_OURSELF } from '../node/mod.ts'
import { doubt, problem, well } from './finding.ts'

/** What to give a host whose mesh secret is another than that of the rest. */
export const SECRET_REMEDY = 'give both the secret of the mesh: weave-ts launch --replace --password-file FILE'

/** One that is tried again just now has failed before. */
const VAIN_STATES: readonly ConnectionView['state'][] = ['failed', 'retrying', 'connecting']

/** What to do about an attempt that failed so. The first that matches is taken. */
const REMEDIES: readonly (readonly [RegExp, (address: string) => string])[] = [
  [/does not resolve|no answer for the name|has no address/, a => `mend the name, or drop it: weave-ts forget ${a}`],
  [
    /ECONNREFUSED/,
    a => `see on that host whether weave-ts runs and listens there (weave-ts status), and that ${a} is its address`,
  ],
  [
    /ETIMEDOUT|timed out|no answer within|nothing heard|EHOSTUNREACH|ENETUNREACH|did not complete the handshake/,
    a =>
      `see that the host is up, and let its TCP port through the firewalls on both hosts and between them (nc -vz to ${a})`,
  ],
  [/protocol version/, () => 'install the newest version on both, then `weave-ts restart`'],
  [/not a weave-ts peer/, () => 'name the port on which weave-ts listens there: weave-ts connect HOST:PORT'],
  [/was not told to join/, () => 'run `weave-ts connect` on that host, with an address of this one'],
  [
    /two different meshes/,
    () => 'leave one of the two meshes (weave-ts reset on the hosts of it), then connect to the other',
  ],
]

/** What to do about an attempt to link that failed so; undefined: nobody can tell. `address`: that was dialled. */
export function linkAdvice(error: string, address: string): string | undefined {
  return REMEDIES.find(([pattern]) => pattern.test(error))?.[1](address)
}

/** What becomes of attempts to link: those of this host, and those of others that failed. */
export function contactFindings({ connections, links, peers }: Report): FindingView[] {
  const failed = connections.filter(
    ({ error, path, state }) => error !== null && path === null && VAIN_STATES.includes(state),
  )
  const others = peers.filter(({ isSelf }) => !isSelf)
  const findings = failed.flatMap(one => failureFinding(one, links.count > 0))
  if (links.count > 0)
    return [
      well('links', `${links.count === 1 ? '1 neighbour is' : `${links.count} neighbours are`} linked`),
      ...findings,
    ]
  if (others.length === 0) return findings
  return [
    problem(
      'links',
      `this host is linked to nobody, and knows ${others.length === 1 ? '1 other peer' : `${others.length} other peers`}`,
      'see what its attempts fail of, and remove with `weave-ts rmpeer` who is gone for good',
    ),
    ...findings,
  ]
}

function failureFinding({ direction, address, error, peer }: ConnectionView, hasLinks: boolean): FindingView[] {
  const text = error ?? ''
  if (isSecretTrouble(text)) return []
  if (text === TO_OURSELF)
    return [doubt('links', `${address} is this host itself`, `drop it: weave-ts forget ${address}`, peer)]
  const remedy = linkAdvice(text, address)
  if (direction === 'inbound')
    return [
      doubt(
        'links',
        `${address} dialled this host in vain: ${text}`,
        remedy ?? 'look at `weave-ts status connections` there',
        peer,
      ),
    ]
  const judge = hasLinks ? doubt : problem
  return [
    judge(
      'links',
      `${address} is not reached: ${text}`,
      remedy ?? 'look at `weave-ts status connections` on both hosts',
      peer,
    ),
  ]
}

/** Whether all have the same mesh secret: the handshakes tell both sides. */
export function secretFindings({ connections, encryption, links }: Report): FindingView[] {
  const refused = connections.filter(({ error }) => isSecretTrouble(error ?? undefined))
  const where = [...new Set(refused.map(({ address }) => address))]
  if (where.length > 0) {
    // Whoever dials this host in vain may be nobody of the mesh.
    const isOurs = refused.some(({ direction }) => direction === 'outbound')
    const judge = links.count === 0 && isOurs ? problem : doubt
    return [
      judge('secret', `another mesh secret than this host's is used by ${where.slice(0, 5).join(', ')}`, SECRET_REMEDY),
    ]
  }
  if (encryption === 'open')
    return [
      doubt(
        'secret',
        'no mesh secret was given: any stranger who reaches this host may join',
        'make one with `weave-ts keygen`, and launch all hosts with --password-file',
      ),
    ]
  return [
    links.count === 0
      ? well('secret', 'there is one; nobody is linked who could show that it is that of the others')
      : well('secret', 'the neighbours have proved to have the same one'),
  ]
}
