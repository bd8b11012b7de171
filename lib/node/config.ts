import type { Cidr, Endpoint } from '../address/mod.ts'
import type { Beat, Chance, Entropy } from '../base/mod.ts'
import type { CryptoSuite, Identity } from '../crypto/mod.ts'
import type { Gauge, SessionTotals } from '../overlay/mod.ts'
import type { ElectionPlan } from './electorate.ts'
import type { LinkSecret } from '../peer/mod.ts'

/** What a node is made of; nothing of it changes while it runs. */
export interface NodeConfig {
  readonly identity: Identity
  readonly suite: CryptoSuite
  readonly entropy: Entropy
  readonly chance: Chance
  readonly beat: Beat
  /** 8 random bytes of this start. */
  readonly incarnation: Uint8Array
  readonly nickname: string
  readonly software: string
  /** TCP and UDP port. */
  readonly port: number
  /** At least one; zeros for an open mesh. */
  readonly secrets: readonly LinkSecret[]
  /** True when the processor has AES instructions. */
  readonly hasAes: boolean
  readonly range: Cidr
  readonly defaultSubnet: Cidr
  readonly blockPrefix: number
  /** How it is decided who founds; undefined: by nobody but the operator. */
  readonly election?: ElectionPlan | undefined
  /** The only mesh that this peer may come into while it is of none, 16 bytes; undefined: any. */
  readonly onlyMesh?: Uint8Array | undefined
  /** True: it takes no address blocks, and borrows each address. */
  readonly isEphemeral?: boolean
  readonly isDiscovering: boolean
  /** True: it learns which multicast groups somebody here listens to, and tells the mesh; else it gets all multicast. */
  readonly keepsGroups?: boolean
  /** Most links; 0 for no limit. */
  readonly linksMax: number
  /** Addresses under which others may reach this peer, besides those that they see. */
  readonly advertised: readonly Endpoint[]
  /** The MTU of the underlay: the largest IP packet. */
  readonly underlayBytes: number
  /** Sends and counts test datagrams; without it nothing is measured. */
  readonly gauge?: Gauge
  /** What others may have measured, in kbit/s; 0 or undefined: nothing. */
  readonly measureLimitKbits?: number
  /** What a session of the data plane carried so far: tells which paths are in use. */
  sessionTotals(receiverIndex: number): SessionTotals | undefined
}
