/** From the connection to the last byte of an answer. */
export const REQUEST_TIMEOUT_MS = 5_000
/** A container with thousands of mounts and labels stays far below it. */
export const RESPONSE_BYTES_MAX = 8 * 1024 * 1024
export const DEFAULT_SOCKET_PATH = '/var/run/docker.sock'
export const DEFAULT_TCP_PORT = 2375
