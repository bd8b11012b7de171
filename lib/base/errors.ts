/**
 * Every error that a user can meet: its HTTP status and the exit status of the command. Each code has a heading in
 * docs/errors.md.
 */
export const ERROR_CODES = {
  USAGE: { http: 400, exit: 2 },
  NOT_ROOT: { http: 500, exit: 77 },
  NO_TUN: { http: 500, exit: 69 },
  MISSING_TOOL: { http: 500, exit: 69 },
  PORT_IN_USE: { http: 500, exit: 69 },
  STATE_LOCKED: { http: 500, exit: 75 },
  STATE_DAMAGED: { http: 500, exit: 65 },
  STATE_VERSION: { http: 500, exit: 65 },
  STATE_IO: { http: 500, exit: 74 },
  STATE_UNSAFE: { http: 500, exit: 78 },
  IDENTITY_DAMAGED: { http: 500, exit: 65 },
  RANGE_OVERLAP: { http: 500, exit: 78 },
  RANGE_CHANGED: { http: 409, exit: 78 },
  BRIDGE_FOREIGN: { http: 500, exit: 78 },
  OTHER_NAMESPACE: { http: 500, exit: 78 },
  SECRET_REQUIRED: { http: 500, exit: 78 },
  SECRET_CHANGED: { http: 409, exit: 78 },
  NOTHING_TO_RESUME: { http: 500, exit: 78 },
  RESOLV_CONF: { http: 409, exit: 78 },
  UNIT_FOREIGN: { http: 500, exit: 78 },
  LAUNCHED_OTHERWISE: { http: 409, exit: 1 },
  MESH_WAITING: { http: 503, exit: 75 },
  CONFIG_INVALID: { http: 400, exit: 78 },
  LAUNCH_FAILED: { http: 500, exit: 70 },
  NO_PERMISSION: { http: 403, exit: 77 },
  DAEMON_DOWN: { http: 503, exit: 7 },
  DAEMON_BUSY: { http: 503, exit: 75 },
  BAD_ADDRESS: { http: 400, exit: 2 },
  BAD_TARGET: { http: 400, exit: 2 },
  BAD_INVITATION: { http: 400, exit: 2 },
  BAD_PEER: { http: 400, exit: 2 },
  TARGET_NOT_FOUND: { http: 404, exit: 4 },
  NOT_ATTACHED: { http: 404, exit: 4 },
  NOT_EXPOSED: { http: 404, exit: 4 },
  BAD_NAME: { http: 400, exit: 2 },
  NAME_UNKNOWN: { http: 404, exit: 4 },
  NAMES_FULL: { http: 409, exit: 1 },
  DRIVER_FULL: { http: 409, exit: 1 },
  PLUGIN_SOCKET: { http: 500, exit: 69 },
  DOCKER_UNREACHABLE: { http: 502, exit: 69 },
  ADDRESS_OUTSIDE_RANGE: { http: 400, exit: 1 },
  ADDRESS_UNKNOWN: { http: 404, exit: 4 },
  ADDRESS_RESERVED: { http: 400, exit: 1 },
  ADDRESS_TAKEN: { http: 409, exit: 1 },
  ADDRESS_OWNED_ELSEWHERE: { http: 409, exit: 1 },
  RANGE_FULL: { http: 409, exit: 1 },
  PEER_REACHABLE: { http: 409, exit: 1 },
  PEER_UNKNOWN: { http: 404, exit: 4 },
  MESH_UNCERTAIN: { http: 409, exit: 1 },
  MESH_FOUNDED: { http: 409, exit: 1 },
  PERF_REFUSED: { http: 409, exit: 1 },
  PERF_FAILED: { http: 502, exit: 1 },
  IPAM_WAITING: { http: 503, exit: 75 },
  INTERFACE_EXISTS: { http: 409, exit: 1 },
  COMMAND_FAILED: { http: 500, exit: 70 },
  PAGE_MISSING: { http: 404, exit: 69 },
  INTERNAL: { http: 500, exit: 70 },
} as const

/** Of the system, when a disk refuses. */
export const DISK_CODES: readonly string[] = ['ENOSPC', 'EIO', 'EROFS', 'EDQUOT']

export type ErrorCode = keyof typeof ERROR_CODES

/** What a user's mistake, or the host, earns: what happened with the values on both sides, and what to do. */
export class WeaveError extends Error {
  override readonly name = 'WeaveError'
  readonly code: ErrorCode
  readonly remedy: string

  constructor(code: ErrorCode, message: string, remedy: string) {
    super(message)
    this.code = code
    this.remedy = remedy
  }

  get exitStatus(): number {
    return ERROR_CODES[this.code].exit
  }

  get httpStatus(): number {
    return ERROR_CODES[this.code].http
  }
}

export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(ERROR_CODES, value)
}

/** The text of anything thrown. */
export function errorText(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown)
}
