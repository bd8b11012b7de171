import type { ApiClient, Status } from '../api/mod.ts'

/** A command that has not answered by then says what it waits for. */
const NOTICE_AFTER_MS = 1_800
const NOTICE_INTERVAL_MS = 2_000

/** What the daemon waits for; without a mesh no request has another reason. */
export function waitOf(status: Status): string | undefined {
  const [waiting] = status.waiting
  return status.mesh.founding === 'done' ? (status.ipam.pending[0]?.reason ?? waiting) : waiting
}

/** Waits for an answer; meanwhile tells on standard error what the daemon waits for, whenever that changes. */
export async function withNotice<T>(client: Pick<ApiClient, 'call'>, what: string, answer: Promise<T>): Promise<T> {
  let said = ''
  let timer: NodeJS.Timeout | undefined
  const look = async () => {
    const reason = await client.call('status').then(
      status => waitOf(status) ?? 'the daemon is busy',
      () => 'the daemon does not answer',
    )
    if (reason !== said) console.error(`weave-ts: ${what} waits: ${reason}`)
    said = reason
    timer = setTimeout(() => void look(), NOTICE_INTERVAL_MS)
  }
  timer = setTimeout(() => void look(), NOTICE_AFTER_MS)
  try {
    return await answer
  } finally {
    clearTimeout(timer)
  }
}
