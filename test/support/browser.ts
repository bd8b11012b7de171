import { spawn, type ChildProcess } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { run, waitFor } from './testbed-command.ts'

const STARTS_MS = 20_000
const WIDTH = 1_280
const HEIGHT = 900

/** A line of the browser's console. */
export interface ConsoleLine {
  readonly level: string
  readonly message: string
}

/** Why no browser can be driven here; false where one can. */
export async function skipBrowser(): Promise<string | false> {
  for (const program of ['chromium', 'chromedriver'])
    if ((await run([program, '--version'])).status !== 0)
      return `${program} is not here: apt install --no-install-recommends chromium chromium-driver`
  return false
}

/** Debian's Chromium without a screen, driven over WebDriver (https://www.w3.org/TR/webdriver2/). */
export class Browser {
  readonly #driver: ChildProcess
  readonly #directory: string
  readonly #session: string

  private constructor(driver: ChildProcess, directory: string, session: string) {
    this.#driver = driver
    this.#directory = directory
    this.#session = session
  }

  static async start(): Promise<Browser> {
    const directory = mkdtempSync(join(tmpdir(), 'weave-ts-browser-'))
    const driver = spawn('chromedriver', ['--port=0'], { stdio: ['ignore', 'pipe', 'inherit'] })
    try {
      let said = ''
      driver.stdout.setEncoding('utf8').on('data', (text: string) => (said += text))
      const port = await waitFor('chromedriver', STARTS_MS, () => /successfully on port (\d+)/.exec(said)?.[1])
      const url = `http://127.0.0.1:${port}/session`
      const args = ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--hide-scrollbars']
      const alwaysMatch = {
        'goog:loggingPrefs': { browser: 'ALL' },
        'goog:chromeOptions': {
          args: [...args, `--user-data-dir=${directory}`, `--window-size=${WIDTH},${HEIGHT}`],
        },
      }
      const { sessionId } = (await answerOf(url, 'POST', { capabilities: { alwaysMatch } })) as { sessionId: string }
      return new Browser(driver, directory, `${url}/${sessionId}`)
    } catch (error) {
      driver.kill('SIGKILL')
      rmSync(directory, { recursive: true, force: true })
      throw error
    }
  }

  /** Resolves when the page is loaded. */
  async open(url: string): Promise<void> {
    await this.#post('url', { url })
  }

  /** The body of a function, and what it returns. It is not subject to the policy of the page. */
  async evaluate<T>(script: string, ...args: readonly unknown[]): Promise<T> {
    return (await this.#post('execute/sync', { script, args })) as T
  }

  /** The same of an expression, until it is true. */
  async waitFor(description: string, withinMs: number, expression: string): Promise<void> {
    await waitFor(description, withinMs, () => this.evaluate<boolean>(`return Boolean(${expression})`))
  }

  /** The text of an element as it is seen. */
  text(selector: string): Promise<string> {
    return this.evaluate<string>(
      'const found = document.querySelector(arguments[0]); return found.innerText ?? found.textContent',
      selector,
    )
  }

  /** As a person does at a keyboard. */
  async type(selector: string, text: string): Promise<void> {
    const found = (await this.#post('element', { using: 'css selector', value: selector })) as Record<string, string>
    await this.#post(`element/${Object.values(found)[0]!}/value`, { text })
  }

  async press(key: string): Promise<void> {
    const actions = ['keyDown', 'keyUp'].map(type => ({ type, value: key }))
    await this.#post('actions', { actions: [{ type: 'key', id: 'keyboard', actions }] })
  }

  /** As a header `Cookie` has them. */
  async cookies(): Promise<string> {
    const all = (await answerOf(`${this.#session}/cookie`, 'GET')) as { name: string; value: string }[]
    return all.map(({ name, value }) => `${name}=${value}`).join('; ')
  }

  async colours(scheme: 'light' | 'dark'): Promise<void> {
    await this.#devTools('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: scheme }] })
  }

  /** The whole page as a PNG file. */
  async screenshot(file: string, width = WIDTH): Promise<void> {
    const height = await this.evaluate<number>('return document.documentElement.scrollHeight')
    await this.#devTools('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile: false })
    const { data } = (await this.#devTools('Page.captureScreenshot', { captureBeyondViewport: true })) as {
      data: string
    }
    await this.#devTools('Emulation.clearDeviceMetricsOverride', {})
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, Buffer.from(data, 'base64'))
  }

  /** What came to the console since the last call. */
  async console(): Promise<readonly ConsoleLine[]> {
    return (await this.#post('se/log', { type: 'browser' })) as ConsoleLine[]
  }

  async close(): Promise<void> {
    await answerOf(this.#session, 'DELETE').catch(() => undefined)
    const ended = new Promise(resolve => this.#driver.once('exit', resolve))
    if (this.#driver.exitCode === null && this.#driver.kill('SIGTERM')) await ended
    rmSync(this.#directory, { recursive: true, force: true, maxRetries: 5 })
  }

  #devTools(cmd: string, params: object): Promise<unknown> {
    return this.#post('goog/cdp/execute', { cmd, params })
  }

  #post(path: string, body: object): Promise<unknown> {
    return answerOf(`${this.#session}/${path}`, 'POST', body)
  }
}

async function answerOf(url: string, method: string, body?: object): Promise<unknown> {
  const response = await fetch(url, { method, ...(body !== undefined && { body: JSON.stringify(body) }) })
  const { value } = (await response.json()) as { value: { message?: string } | null }
  if (!response.ok) throw new Error(`${method} ${url}: ${value?.message ?? response.status}`)
  return value
}
