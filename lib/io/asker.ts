import { readFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { printable } from '../base/mod.ts'
import { nativeBinding } from './native-binding.ts'

/** What the kernel gives for an id that was never set. */
const UNSET_UID = 0xffff_ffff

/** Who is at the other end of a Unix socket, as the kernel says (SO_PEERCRED) when it was connected. */
export interface Asker {
  readonly pid: number
  readonly uid: number
  /** Who logged in before `sudo` or `su`; undefined for what no login began. */
  readonly loginUid?: number
  /** The name of the process, as long as it is there. */
  readonly command?: string
}

/** Undefined where the runtime or the kernel does not tell. */
export function askerOf(socket: Socket): Asker | undefined {
  const { fd } = (socket as unknown as { readonly _handle?: { readonly fd?: number } })._handle ?? {}
  const credentials = fd === undefined || fd < 0 ? undefined : nativeBinding().peerCredentials(fd)
  if (credentials === undefined) return undefined
  const [pid, uid] = credentials
  const loginUid = Number(textOf(pid, 'loginuid') ?? UNSET_UID)
  const command = textOf(pid, 'comm')
  return {
    pid,
    uid,
    ...(loginUid !== UNSET_UID && Number.isInteger(loginUid) && { loginUid }),
    ...(command !== undefined && { command: printable(command) }),
  }
}

function textOf(pid: number, file: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8').trim()
  } catch {
    return undefined
  }
}
