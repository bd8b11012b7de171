/** What the kernel tells of a process in `/proc` (proc_pid_stat(5), proc_pid_status(5)). */
import { readFileSync } from 'node:fs'

/** USER_HZ: the same on all platforms that we build for. */
export const TICKS_PER_SECOND = 100

/** False also for a process that has ended and that nobody has asked after. */
export function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(statusOf(pid))
  } catch {
    return false
  }
}

/** Seconds of processor time that it took: user and system, of all threads. */
export function cpuSecondsOf(pid: number): number {
  return readCpuSeconds(readFileSync(`/proc/${pid}/stat`, 'utf8'))
}

/** The same in the text of `/proc/PID/stat`. Throws where it is none: a figure that was not read must not become one. */
export function readCpuSeconds(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const ticks = Number(fields[11]) + Number(fields[12])
  if (!Number.isFinite(ticks)) throw new Error(`no processor time in: ${stat.slice(0, 100)}`)
  return ticks / TICKS_PER_SECOND
}

/** Kibibytes in memory, those of files too. */
export function residentKibibytesOf(pid: number): number {
  const kibibytes = /^VmRSS:\s+(\d+)/m.exec(statusOf(pid))?.[1]
  if (kibibytes === undefined) throw new Error(`the process ${pid} holds no memory`)
  return Number(kibibytes)
}

/** Kibibytes in memory, the most since its start, or since 5 was written to its `clear_refs`. */
export function mostResidentKibibytesOf(pid: number): number {
  const kibibytes = /^VmHWM:\s+(\d+)/m.exec(statusOf(pid))?.[1]
  if (kibibytes === undefined) throw new Error(`the process ${pid} holds no memory`)
  return Number(kibibytes)
}

function statusOf(pid: number): string {
  return readFileSync(`/proc/${pid}/status`, 'utf8')
}
