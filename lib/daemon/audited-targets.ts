import type { Cidr } from '../address/mod.ts'
import { errorText } from '../base/mod.ts'
import type { HostEnd, HostNetwork } from '../host/mod.ts'
import { LEASE_HOLDER } from '../ipam/mod.ts'
import type { AttachmentRecords } from './attachment-records.ts'
import { isInRange } from './audit-facts.ts'
import { EXPOSED_ID } from './constants.ts'
import { familiesOfEndpoint, leaseKey, pairId, type DriverRecords } from './driver-records.ts'
import type { AuditedTarget } from './ipam-audit.ts'
import type { Ipv6Plan } from './ipv6-plan.ts'

export interface AuditedParts {
  readonly host: Pick<HostNetwork, 'list' | 'resolve' | 'inspect' | 'inspectPair' | 'exposed' | 'bridge'>
  readonly records: Pick<AttachmentRecords, 'all'>
  readonly driverRecords: Pick<DriverRecords, 'endpoints'>
  /** Addresses of this host, in CIDR form. */
  readonly exposed: () => { readonly cidrs: readonly string[]; readonly ipv6: readonly string[] }
  readonly ipv6: Pick<Ipv6Plan, 'of' | 'isKnown' | 'isOfMesh'>
  /** That its addresses are kept for it although it is not plugged in. */
  readonly isKept: (targetId: string) => boolean
  readonly range: Cidr
}

/** All that is recorded as having addresses, with what the kernel has there; and host ends that nobody recorded. */
export async function auditedTargets(
  parts: AuditedParts,
): Promise<{ readonly targets: readonly AuditedTarget[]; readonly strays: readonly string[] }> {
  const { host, records, driverRecords, ipv6: plan } = parts
  const ends = await host.list()
  const attachments = records.all()
  const endpoints = driverRecords.endpoints()
  const known = new Set([...attachments.map(({ id }) => id), ...endpoints.map(({ id }) => pairId(id))])
  const targets: AuditedTarget[] = []
  for (const { id, description, target, cidrs, ipv6 = [], isIpv6Off = false } of attachments)
    targets.push({
      ...{ key: id, holder: LEASE_HOLDER.attachment, description, cidrs },
      ipv6: isIpv6Off ? [] : plan.isKnown ? plan.of(cidrs) : ipv6,
      found: await look(parts, ends, id, async () => await host.inspect(await host.resolve(id))),
      give: cidr => `weave-ts attach ip:${cidr} ${target}`,
      take: cidr => `weave-ts detach ip:${cidr} ${target}`,
    })
  for (const { id, description, mac, container, sandbox, ...has } of endpoints)
    targets.push({
      ...{ key: leaseKey(mac), holder: LEASE_HOLDER.docker, description, ...familiesOfEndpoint(has) },
      found:
        sandbox === '' || container === ''
          ? undefined
          : await look(
              parts,
              ends,
              pairId(id),
              async () => await host.inspectPair(pairId(id), await host.resolve(container)),
            ),
      give: () => 'docker network connect, after docker network disconnect',
      take: () => 'docker network disconnect',
    })
  const exposed = parts.exposed()
  const isOurs = (cidr: string) => isInRange(parts.range, cidr) || plan.isOfMesh(cidr)
  const bridge = (await host.exposed()).filter(cidr => exposed.cidrs.includes(cidr) || isOurs(cidr))
  if (exposed.cidrs.length > 0 || bridge.length > 0)
    targets.push({
      ...{ key: EXPOSED_ID, holder: LEASE_HOLDER.exposure, description: `this host (${host.bridge})` },
      ...{ ...exposed, found: { addresses: bridge } },
      give: cidr => `weave-ts expose ip:${cidr}`,
      take: cidr => `weave-ts hide ${cidr}`,
    })
  const strays = ends.filter(end => end.isLoose !== true && !known.has(end.targetId))
  return { targets, strays: strays.map(end => `${end.targetId} (${end.hostInterface})`) }
}

async function look(
  { isKept }: AuditedParts,
  ends: readonly HostEnd[],
  targetId: string,
  inspect: () => Promise<{ readonly addresses: readonly string[] } | undefined>,
): Promise<AuditedTarget['found']> {
  if (!ends.some(end => end.targetId === targetId))
    return isKept(targetId) ? undefined : { failure: 'it is not plugged in' }
  try {
    return (await inspect()) ?? { failure: 'its interface is not there' }
  } catch (error) {
    return { failure: errorText(error) }
  }
}
