export const DIAL_TIMEOUT_MS = 10_000
/** How often the host is compared with what it should be: attachments, firewall. */
export const RECONCILE_INTERVAL_MS = 30_000
export const ATTACHMENT_PREFIX = 'attach/'
/** What of the store is the node's. */
export const NODE_PREFIXES = ['ledger/', 'lease/', 'mesh', 'targets'] as const
/** In the state directory. */
export const API_SOCKET = 'api.sock'
