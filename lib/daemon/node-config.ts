import { SOFTWARE_VERSION } from '../api/mod.ts'
import { Beat, fromHex } from '../base/mod.ts'
import type { Identity } from '../crypto/mod.ts'
import { BLOCK_PREFIX_DEFAULT } from '../ipam/mod.ts'
import type { NodeConfig } from '../node/mod.ts'
import type { DataPlane, Gauge } from '../overlay/mod.ts'
import type { LinkSecret } from '../peer/mod.ts'
import { OVERHEAD_IPV6_BYTES, OVERHEAD_RELAY_BYTES } from '../wire/mod.ts'
import type { AssemblySeams } from './assembly-seams.ts'
import type { DaemonConfig } from './config.ts'
import type { DerivedSettings } from './settings.ts'

/** What the node of a daemon is made of. `plane` is asked only when there is one. */
export function nodeConfigOf(
  config: DaemonConfig,
  { range, defaultSubnet, election, advertised }: DerivedSettings,
  {
    seams,
    identity,
    secrets,
    mtu,
    plane,
    gauge,
  }: {
    readonly seams: AssemblySeams
    readonly identity: Identity
    readonly secrets: readonly LinkSecret[]
    readonly mtu: number
    readonly plane: () => DataPlane
    readonly gauge?: Gauge
  },
): NodeConfig {
  return {
    identity,
    suite: seams.suite,
    entropy: seams.entropy,
    chance: seams.chance,
    beat: new Beat(seams.chance),
    incarnation: seams.entropy.bytes(8),
    nickname: config.nickname,
    software: SOFTWARE_VERSION,
    port: config.port,
    secrets,
    hasAes: seams.hasAes,
    range,
    defaultSubnet,
    election,
    blockPrefix: Math.max(BLOCK_PREFIX_DEFAULT, range.prefix),
    onlyMesh: config.mesh === null ? undefined : fromHex(config.mesh),
    isEphemeral: config.ephemeral,
    isDiscovering: config.discovery,
    keepsGroups: !config.floodMulticast,
    linksMax: config.connLimit,
    advertised,
    underlayBytes: mtu + OVERHEAD_IPV6_BYTES + OVERHEAD_RELAY_BYTES,
    ...(gauge !== undefined && { gauge }),
    measureLimitKbits: Math.floor(config.perfLimit / 1_000),
    sessionTotals: receiverIndex => plane().sessionTotals(receiverIndex),
  }
}
