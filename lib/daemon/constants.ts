export const DIAL_TIMEOUT_MS = 10_000
/** How often the host is compared with what it should be: attachments, firewall. */
export const RECONCILE_INTERVAL_MS = 30_000
export const ATTACHMENT_PREFIX = 'attach/'
