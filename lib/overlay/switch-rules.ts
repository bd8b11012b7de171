import { FLOOD_PER_SECOND } from './constants.ts'

/** What the operator may want otherwise of the switch; the same for all lanes. */
export interface SwitchRules {
  /** Frames that each host may have flooded in a second, and each container of this host half of it. 0: no limit. */
  readonly floodPerSecond: number
  /** ARP requests and neighbour solicitations go to the host alone to which the ledger gives the address. */
  readonly asksOwner: boolean
  /** Multicast goes to those who listen; else to everybody. */
  readonly keepsGroups: boolean
  /** Router advertisements and redirects, and answers of DHCP servers, pass. */
  readonly allowsRouters: boolean
  readonly allowsDhcpServers: boolean
}

export const DEFAULT_SWITCH_RULES: SwitchRules = {
  floodPerSecond: FLOOD_PER_SECOND,
  asksOwner: true,
  keepsGroups: true,
  allowsRouters: false,
  allowsDhcpServers: false,
}
