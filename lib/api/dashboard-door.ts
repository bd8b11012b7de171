import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { CALLS, CALL_NAMES, type Call, type CallName } from './calls.ts'
import { EVENT_STREAM_PATH } from './constants.ts'
import { hasBody } from './tcp-server.ts'

const ENTER_PATH = '/enter'
/** What is asked of the daemon for the page (lib/page/asking-plan.ts): nothing that changes anything, and nothing else. */
const SHOWN_CALLS: readonly CallName[] = ['status', 'doctor', 'containers', 'graph', 'history', 'ipam']
const AGAIN = 'run `weave-ts dashboard` again, and open the address that it prints'

/** What of a request counts. */
export interface Knock {
  readonly method: string | undefined
  /** As it stands in the request line. */
  readonly target: string | undefined
  readonly headers: IncomingHttpHeaders
  /** How many `Host` headers there are. */
  readonly hosts: number
}

/** What is done with a request. `cookie`: a value of Set-Cookie. */
export type DoorVerdict =
  | { readonly kind: 'enter'; readonly cookie: string }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'call'; readonly name: CallName }
  | { readonly kind: 'events'; readonly path: string }
  | { readonly kind: 'refused'; readonly status: number; readonly message: string; readonly remedy: string }

/**
 * Who may come in to the page on loopback, and to what. Any program and any user of this host reaches it, and any web page that
 * is open in a browser here can send requests to it: so whoever brings the token, once, gets a cookie, and all else needs
 * that; the name by which the request came, and the page that it came from, must be those of this address.
 */
export class DashboardDoor {
  readonly #names: readonly string[]
  readonly #cookieName: string
  readonly #badge: string
  /** Undefined once it was used. */
  #token: string | undefined

  /** `token`: for the first request; `badge`: the value of the cookie for all others. Neither has a `;` in it. */
  constructor({ port, token, badge }: { readonly port: number; readonly token: string; readonly badge: string }) {
    const hosts = ['127.0.0.1', 'localhost']
    // A browser leaves the preset number out.
    this.#names = [...hosts.map(host => `${host}:${port}`), ...(port === 80 ? hosts : [])]
    // Cookies do not tell one port of a host from another.
    this.#cookieName = `weave-ts-${port}`
    this.#token = token
    this.#badge = badge
  }

  judge(knock: Knock): DoorVerdict {
    const { method, target = '', headers } = knock
    const stranger = this.#strangerOf(knock)
    if (stranger !== undefined) return stranger
    if (method !== 'GET')
      return refused(405, 'only GET is answered: nothing can be changed here', 'use the command line')
    if (hasBody(headers)) return refused(413, 'no body is taken', 'send none')
    const [path = '', query] = target.split(/\?(.*)/s, 2)
    if (path === ENTER_PATH) return this.#enter(query)
    if (!this.#hasBadge(headers.cookie))
      return refused(
        403,
        'this browser did not come in by the address that was printed: it brings no cookie of this page',
        AGAIN,
      )
    const site = headers['sec-fetch-site']
    if (path !== '/' && site !== undefined && site !== 'same-origin' && site !== 'none')
      return refused(403, `a page of another site asked for it (${String(site).slice(0, 40)})`, AGAIN)
    return verdictOf(path, query, headers['last-event-id'])
  }

  /** Another name that was made to lead here (DNS rebinding), or another page that asks. */
  #strangerOf({ headers, hosts }: Knock): DoorVerdict | undefined {
    const { host = '', origin } = headers
    if (hosts !== 1 || !this.#names.includes(host))
      return refused(
        403,
        `this is not ${host.slice(0, 100) || 'a request with a name'}`,
        `ask for http://${this.#names[0]}`,
      )
    if (origin !== undefined && origin !== `http://${host}`)
      return refused(
        403,
        `the page ${origin.slice(0, 100)} may not ask here`,
        `use the page at http://${this.#names[0]}`,
      )
    return undefined
  }

  #enter(query: string | undefined): DoorVerdict {
    const token = /^token=([^&]*)$/.exec(query ?? '')?.[1] ?? ''
    if (this.#token === undefined)
      return refused(403, 'the address was used already: it is good for one browser, once', AGAIN)
    if (!isSame(token, this.#token)) return refused(403, 'the address is not the one that was printed', AGAIN)
    this.#token = undefined
    return { kind: 'enter', cookie: `${this.#cookieName}=${this.#badge}; Path=/; HttpOnly; SameSite=Strict` }
  }

  #hasBadge(cookies: string | undefined): boolean {
    const start = `${this.#cookieName}=`
    const brought = (cookies ?? '').split(';').map(one => one.trim())
    return brought.some(one => one.startsWith(start) && isSame(one.slice(start.length), this.#badge))
  }
}

function verdictOf(path: string, query: string | undefined, lastId: string | string[] | undefined): DoorVerdict {
  if (path === EVENT_STREAM_PATH) return { kind: 'events', path: `${path}${eventQuery(query, lastId)}` }
  const name = SHOWN_CALLS.find(call => CALLS[call].path === path)
  if (name !== undefined) return { kind: 'call', name }
  if (!path.startsWith('/v1/')) return { kind: 'file', path }
  const other = CALL_NAMES.find(call => (CALLS[call] as Call).path === path)
  return other === undefined
    ? refused(404, 'there is no such call', 'see docs/api.md')
    : refused(403, `${other} is not for the page`, 'use the command line')
}

/** What of a query the daemon is told: where to begin. A browser that comes back for the rest says so by a header. */
function eventQuery(query: string | undefined, lastId: string | string[] | undefined): string {
  const given = new URLSearchParams(query)
  const after = typeof lastId === 'string' && lastId !== '' ? lastId : given.get('after')
  const since = given.get('since')
  const passed = new URLSearchParams({ ...(after !== null && { after }), ...(since !== null && { since }) })
  return passed.size === 0 ? '' : `?${passed.toString()}`
}

/** As long as each other or not, it takes as long. */
function isSame(a: string, b: string): boolean {
  const [first, second] = [a, b].map(text => createHash('sha256').update(text).digest())
  return timingSafeEqual(first!, second!)
}

function refused(status: number, message: string, remedy: string): DoorVerdict {
  return { kind: 'refused', status, message, remedy }
}
