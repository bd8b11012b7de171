import { request } from 'node:http'
import { CALLS } from '../lib/api/mod.ts'

const ASK_EVERY_MS = 50
/** A daemon that takes longer answers no more. */
const LIMIT_MS = 30_000
const STATUS_PATH = CALLS.status.path

/** How long a daemon takes for each `status` that it is asked for so many seconds, in milliseconds. */
export async function answerTimes(socketPath: string, seconds: number): Promise<number[]> {
  const answers: number[] = []
  for (const until = performance.now() + seconds * 1000; performance.now() < until;) {
    const startedAt = performance.now()
    await answerOf(socketPath)
    answers.push(performance.now() - startedAt)
    await new Promise(resolve => setTimeout(resolve, ASK_EVERY_MS))
  }
  return answers
}

/** The bytes are not looked at: what this process does with them is not the daemon's. */
function answerOf(socketPath: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const asking = request({ socketPath, path: STATUS_PATH }, response => {
      response.on('data', () => undefined)
      response.on('end', () =>
        response.statusCode === 200 ? resolve() : reject(new Error(`status ${response.statusCode}`)),
      )
    })
    asking.on('error', reject)
    asking.setTimeout(LIMIT_MS, () => asking.destroy(new Error(`no answer within ${LIMIT_MS / 1000} s`)))
    asking.end()
  })
}
