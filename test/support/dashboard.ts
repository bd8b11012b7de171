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
  readonly #end: () => Promise<number | null>

  private constructor(url: string, end: () => Promise<number | null>) {
    this.url = url
    this.#end = end
  }

  /** `wrapper`: words before the command, for instance of `setpriv`. */
  static async start(stateDir: string, wrapper: readonly string[] = []): Promise<Dashboard> {
    const words = [process.execPath, COMMAND_FILE, 'dashboard', '--json', '--state-dir', stateDir]
    const [program = '', ...rest] = [...wrapper, ...words]
    const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'inherit'] })
    let said = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text))
    const end = async () => {
      if (child.exitCode === null && child.signalCode === null && child.kill('SIGINT')) await once(child, 'exit')
      return child.exitCode
    }
    try {
      const line = await waitFor('the address of the page', STARTS_MS, () => /^\{.*\}$/m.exec(said)?.[0])
      return new Dashboard((JSON.parse(line) as { url: string }).url, end)
    } catch (error) {
      await end()
      throw error
    }
  }

  /** What a request with these headers is answered with, and the cookie that comes with it. `path`: that of the address which is good once when undefined. */
  ask(
    headers: Readonly<Record<string, string>>,
    path = this.url.slice(this.url.indexOf('/enter')),
  ): Promise<{ status: number; body: string; cookie: string }> {
    return new Promise((resolve, reject) => {
      const asked = request(new URL(path, this.url), { headers }, response => {
        let body = ''
        response.setEncoding('utf8').on('data', (text: string) => (body += text))
        const [cookie = ''] = response.headers['set-cookie']?.[0]?.split(';') ?? []
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body, cookie }))
      })
      asked.on('error', reject)
      asked.end()
    })
  }

  /** As Ctrl-C ends it; its exit status. */
  close(): Promise<number | null> {
    return this.#end()
  }
}
