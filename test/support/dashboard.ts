import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { request } from 'node:http'
import { fileURLToPath } from 'node:url'
import { waitFor } from './testbed-command.ts'

const COMMAND_FILE = fileURLToPath(new URL('../../../bin/weave-ts', import.meta.url))
const STARTS_MS = 15_000

/** `weave-ts dashboard` of one daemon. */
export class Dashboard {
  /** Good once. */
  readonly url: string
  readonly #end: () => Promise<void>

  private constructor(url: string, end: () => Promise<void>) {
    this.url = url
    this.#end = end
  }

  static async start(stateDir: string): Promise<Dashboard> {
    const child = spawn(process.execPath, [COMMAND_FILE, 'dashboard', '--json', '--state-dir', stateDir], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let said = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text))
    const end = async () => {
      if (child.exitCode === null && child.kill('SIGTERM')) await once(child, 'exit')
    }
    try {
      const line = await waitFor('the address of the page', STARTS_MS, () => /^\{.*\}$/m.exec(said)?.[0])
      return new Dashboard((JSON.parse(line) as { url: string }).url, end)
    } catch (error) {
      await end()
      throw error
    }
  }

  /** What a request with these headers is answered with. `path`: that of the address which is good once when undefined. */
  ask(
    headers: Readonly<Record<string, string>>,
    path = this.url.slice(this.url.indexOf('/enter')),
  ): Promise<{ status: number; body: string }> {
    return new Promise((resolve, reject) => {
      const asked = request(new URL(path, this.url), { headers }, response => {
        let body = ''
        response.setEncoding('utf8').on('data', (text: string) => (body += text))
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body }))
      })
      asked.on('error', reject)
      asked.end()
    })
  }

  close(): Promise<void> {
    return this.#end()
  }
}
