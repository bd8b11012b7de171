import { readFileSync } from 'node:fs'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { PAGE_HEADERS } from '../../lib/api/mod.ts'
import type { DoctorAnswer, EventView } from '../../lib/page/answers.ts'
import { projectRoot } from '../../scripts/check-docs.ts'
import {
  madeUpContainers,
  madeUpDoctor,
  madeUpEvents,
  madeUpGraph,
  madeUpHistory,
  madeUpIpam,
  madeUpStatus,
  type MadeUpMesh,
} from './page-answers.ts'

const FILES: Readonly<Record<string, readonly [string, string]>> = {
  '/': ['index.html', 'text/html; charset=utf-8'],
  '/page.js': ['page.js', 'text/javascript; charset=utf-8'],
  '/page.css': ['page.css', 'text/css; charset=utf-8'],
}

/** Serves the page with answers of a mesh that is made up, as a daemon does those of its own. */
export class PageServer {
  readonly #server: Server
  readonly #streams = new Set<ServerResponse>()
  readonly #events: EventView[] = madeUpEvents()
  /** How often each path was asked. */
  readonly asked = new Map<string, number>()
  mesh: MadeUpMesh
  findings: DoctorAnswer['findings'] = []
  /** What doctor is answered with instead. */
  doctorRefusal: { readonly code: string; readonly message: string } | undefined

  private constructor(mesh: MadeUpMesh) {
    this.mesh = mesh
    this.#server = createServer((request, response) => this.#answer(request.url ?? '/', response))
  }

  static async start(mesh: MadeUpMesh): Promise<PageServer> {
    const made = new PageServer(mesh)
    await new Promise<void>(resolve => made.#server.listen(0, '127.0.0.1', resolve))
    return made
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`
  }

  /** Something happens, and is told to all who listen. */
  happen(event: string, text: string, details: EventView['details'] = {}): void {
    const seq = this.#events.length + 1
    const told: EventView = { seq, time: new Date().toISOString(), level: 'info', event, text, details }
    this.#events.push(told)
    for (const stream of this.#streams) stream.write(textOf(told))
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    if (this.#server.listening) await new Promise(resolve => this.#server.close(resolve))
  }

  #answer(url: string, response: ServerResponse): void {
    const { pathname, searchParams } = new URL(url, this.url)
    this.asked.set(pathname, (this.asked.get(pathname) ?? 0) + 1)
    const file = FILES[pathname]
    if (file !== undefined) {
      response.writeHead(200, { ...PAGE_HEADERS, 'content-type': file[1] })
      response.end(readFileSync(join(projectRoot(), 'build/bundle/page', file[0])))
    } else if (pathname === '/v1/events/stream') this.#listen(response, Number(searchParams.get('after') ?? 0))
    else if (pathname === '/v1/doctor' && this.doctorRefusal !== undefined)
      json(response, 403, { ...this.doctorRefusal, remedy: 'run the command as root' })
    else {
      const body = this.#bodyOf(pathname)
      if (body === undefined) json(response, 404, { code: 'USAGE', message: 'no such call', remedy: 'see docs/api.md' })
      else json(response, 200, body)
    }
  }

  #bodyOf(pathname: string): object | undefined {
    switch (pathname) {
      case '/v1/status':
        return madeUpStatus(this.mesh)
      case '/v1/graph':
        return madeUpGraph(this.mesh)
      case '/v1/containers':
        return madeUpContainers(this.mesh)
      case '/v1/ipam':
        return madeUpIpam(this.mesh)
      case '/v1/history':
        return madeUpHistory(this.mesh)
      case '/v1/doctor':
        return madeUpDoctor(this.findings)
      default:
        return undefined
    }
  }

  #listen(response: ServerResponse, after: number): void {
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-store' })
    response.write(': now\n\n')
    for (const event of this.#events) if (event.seq > after) response.write(textOf(event))
    this.#streams.add(response)
    response.on('close', () => this.#streams.delete(response))
  }
}

function textOf(event: EventView): string {
  return `id: ${event.seq}\ndata: ${JSON.stringify(event)}\n\n`
}

function json(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' })
  response.end(JSON.stringify(body))
}
