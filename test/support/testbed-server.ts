import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { waitFor } from './testbed-command.ts'
import type { Namespace } from './testbed.ts'

const START_MS = 20_000
const SAID_CHARACTERS = 500

/**
 * Does something while a server runs in a namespace, which is waited for until it listens, and ended in any case. `said`: the
 * end of what it has printed by then.
 */
export async function whileServed<T>(
  place: Namespace,
  server: readonly string[],
  port: number,
  during: (said: () => string) => Promise<T>,
): Promise<T> {
  const argv = place.argv(...server)
  const child = spawn(argv[0]!, argv.slice(1), { stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = once(child, 'exit')
  let text = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (more: string) => (text = (text + more).slice(-SAID_CHARACTERS)))
  const said = () => text.trim()
  try {
    await waitFor(`${server[0]!} to listen on port ${port}`, START_MS, async () => {
      if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}: ${said()}`)
      return (await place.must('ss', '-ltnH', 'sport', '=', `:${port}`)).trim() !== ''
    })
    return await during(said)
  } finally {
    child.kill('SIGKILL')
    await ended
  }
}
