import type { ApiClient, Status } from '../api/mod.ts'
import { WeaveError } from '../base/mod.ts'

/** A command that has not answered by then says what it waits for. */
const NOTICE_AFTER_MS = 1_800
const NOTICE_INTERVAL_MS = 2_000
const TIMEOUT_SECONDS_MAX = 1_000_000

/** What `--timeout` of a command means that gives addresses. */
export const TIMEOUT = 'fail when there is no address by then; each is waited for 10 s by default'

/** What the daemon waits for; without a mesh no request has another reason. */
export function waitOf(status: Status): string | undefined {
  const [waiting] = status.waiting
  return status.mesh.founding === 'done' ? (status.ipam.pending[0]?.reason ?? waiting) : waiting
}

/** Waits for an answer; meanwhile tells on standard error what the daemon waits for, whenever that changes. */
export async function withNotice<T>(
  client: Pick<ApiClient, 'call'>,
  what: string,
  answer: Promise<T>,
  reasonOf: (status: Status) => string | undefined = waitOf,
): Promise<T> {
  let said = ''
  let isOver = false
  let timer: NodeJS.Timeout | undefined
  const look = async () => {
    const reason = await client.call('status').then(
      status => reasonOf(status) ?? 'the daemon is busy',
      () => 'the daemon does not answer',
    )
    // The answer came while the status was asked for: a timer would keep the command from ending, for good.
    if (isOver) return
    if (reason !== said) console.error(`weave-ts: ${what} waits: ${reason}`)
    said = reason
    timer = setTimeout(() => void look(), NOTICE_INTERVAL_MS)
  }
  timer = setTimeout(() => void look(), NOTICE_AFTER_MS)
  try {
    return await answer
  } finally {
    isOver = true
    clearTimeout(timer)
  }
}

/** A time of the command line, in seconds. @throws WeaveError USAGE */
export function milliseconds(timeout: string): number {
  const seconds = Number(timeout)
  if (/^\d+(\.\d+)?$/.test(timeout) && seconds <= TIMEOUT_SECONDS_MAX) return seconds * 1_000
  throw new WeaveError(
    'USAGE',
    `--timeout ${JSON.stringify(timeout.slice(0, 40))} is no time: it must be seconds, up to ${TIMEOUT_SECONDS_MAX}`,
    'write it as in --timeout 30',
  )
}

/** The field of a request for `--timeout`. @throws WeaveError USAGE */
export function timeoutOf(timeout: string | undefined): { readonly timeoutSeconds?: number } {
  return timeout === undefined ? {} : { timeoutSeconds: milliseconds(timeout) / 1_000 }
}
