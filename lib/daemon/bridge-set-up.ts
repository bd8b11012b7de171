import { localMac, type Mac } from '../address/mod.ts'
import { identityOf, type Identity } from '../crypto/mod.ts'
import type { HostNames } from '../host/mod.ts'
import type { AssemblyHost, AssemblySeams } from './assembly-seams.ts'
import type { DaemonConfig } from './config.ts'

/** The host with its bridge. */
export interface BridgeSetUp extends Awaited<ReturnType<AssemblyHost['prepareBridge']>> {
  readonly identity: Identity
  readonly mac: Mac
  readonly host: AssemblyHost
}

/** Makes or mends the bridge. `onNew`: called first when there is none. */
export async function setUpBridge(
  config: DaemonConfig,
  given: {
    readonly seams: AssemblySeams
    readonly names: HostNames & { readonly bridge: string }
    readonly seed: Uint8Array
    readonly peerAddresses: readonly string[]
    onNew(host: AssemblyHost): void
  },
): Promise<BridgeSetUp> {
  const { seams, names, seed, peerAddresses, onNew } = given
  const identity = identityOf(seams.suite, seed)
  const mac = localMac(seams.suite.hash(new TextEncoder().encode(`weave-ts bridge ${identity.peerId}`), 6))
  const { bridge, tap, range, mayAdoptBridge } = names
  const host = seams.host({
    ...{ mac, bridge, tap },
    ...(range !== undefined && { range }),
    ...(mayAdoptBridge !== undefined && { mayAdoptBridge }),
    ...(config.mtu !== null && { mtu: config.mtu }),
  })
  if (!(await seams.isInterface(bridge))) onNew(host)
  return { identity, mac, host, ...(await host.prepareBridge(peerAddresses)) }
}
