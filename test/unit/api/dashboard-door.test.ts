import fc from 'fast-check'
import type { IncomingHttpHeaders } from 'node:http'
import t from 'tap'
import { CALLS, CALL_NAMES } from '../../../lib/api/calls.ts'
import { DashboardDoor, type DoorVerdict } from '../../../lib/api/dashboard-door.ts'
import { QUESTIONS } from '../../../lib/page/asking-plan.ts'

const PORT = 41_000
const HOST = `127.0.0.1:${PORT}`
const TOKEN = 'the-token'
const BADGE = 'the-badge'
const COOKIE = `weave-ts-${PORT}=${BADGE}`
const SHOWN: readonly string[] = Object.keys(QUESTIONS)

const newDoor = (port = PORT) => new DashboardDoor({ port, token: TOKEN, badge: BADGE })

function ask(
  door: DashboardDoor,
  target: string,
  headers: IncomingHttpHeaders = {},
  more: { method?: string; hosts?: number } = {},
): DoorVerdict {
  return door.judge({ method: 'GET', target, headers: { host: HOST, ...headers }, hosts: 1, ...more })
}

/** As somebody who is in. */
const inside = (target: string, headers: IncomingHttpHeaders = {}, more = {}) =>
  ask(newDoor(), target, { cookie: COOKIE, ...headers }, more)

t.test('the token opens the door once, and the cookie from then on', async t => {
  const door = newDoor()
  t.match(ask(door, '/enter?token=wrong'), { kind: 'refused', status: 403, remedy: /weave-ts dashboard/ })
  t.match(ask(door, '/enter'), { kind: 'refused', status: 403 })
  const first = ask(door, `/enter?token=${TOKEN}`)
  t.strictSame(first, { kind: 'enter', cookie: `${COOKIE}; Path=/; HttpOnly; SameSite=Strict` })
  for (const headers of [{}, { cookie: COOKIE }])
    t.match(ask(door, `/enter?token=${TOKEN}`, headers), {
      ...{ kind: 'refused', status: 403, message: /used already/, remedy: /weave-ts dashboard/ },
    })
  t.strictSame(ask(door, '/', { cookie: COOKIE }), { kind: 'file', path: '/' })
})

t.test('a token with anything around it is another one', async t => {
  const door = newDoor()
  for (const query of [`token=${TOKEN}&x=1`, `x=1&token=${TOKEN}`, `token=${TOKEN}x`, `token=${TOKEN.slice(1)}`, TOKEN])
    t.match(ask(door, `/enter?${query}`), { kind: 'refused', status: 403 }, query)
  t.match(ask(door, `/enter/?token=${TOKEN}`), { kind: 'refused', status: 403 })
  t.match(ask(door, `/enter?token=${TOKEN}`), { kind: 'enter' }, 'and none of them used it up')
})

t.test('without the cookie nothing is answered, and it is said what to do', async t => {
  const cookies = [
    ...[undefined, '', BADGE, `weave-ts-${PORT}=`, `weave-ts-${PORT}=x`, `weave-ts-${PORT + 1}=${BADGE}`],
    ...[`${COOKIE}x`, `x${COOKIE}`, `weave-ts=${BADGE}`],
  ]
  const targets = ['/', '/page.js', '/v1/events/stream', '/v1/none', ...SHOWN.map(name => `/v1/${name}`)]
  for (const cookie of cookies)
    for (const target of targets)
      t.match(
        ask(newDoor(), target, cookie === undefined ? {} : { cookie }),
        { kind: 'refused', status: 403, message: /cookie/, remedy: /weave-ts dashboard/ },
        `${target} with ${cookie}`,
      )
  t.match(ask(newDoor(), '/', { cookie: `a=b; ${COOKIE}; c=d` }), { kind: 'file' }, 'among others')
})

t.test('a name that was made to lead here is refused, with token and cookie', async t => {
  for (const host of [
    ...['evil.example', `evil.example:${PORT}`, '127.0.0.1', `127.0.0.1:${PORT + 1}`, `127.0.0.2:${PORT}`, ''],
    ...[`localhost.:${PORT}`, `[::1]:${PORT}`, `LOCALHOST:${PORT}`, `${HOST}, ${HOST}`, ` ${HOST}`],
  ]) {
    const door = newDoor()
    t.match(ask(door, `/enter?token=${TOKEN}`, { host }), { kind: 'refused', status: 403 }, host)
    t.match(ask(door, '/v1/status', { host, cookie: COOKIE }), { kind: 'refused', status: 403 }, host)
    t.match(ask(door, `/enter?token=${TOKEN}`), { kind: 'enter' }, 'and the token is still good')
  }
  t.match(inside('/', {}, { hosts: 2 }), { kind: 'refused', status: 403 }, 'two names')
  t.match(inside('/', { host: `localhost:${PORT}` }), { kind: 'file' })
  t.match(newDoor(80).judge({ method: 'GET', target: '/', headers: { host: 'localhost' }, hosts: 1 }), {
    message: /cookie/,
  })
})

t.test('a page of another origin is refused, the own one is not', async t => {
  for (const origin of [
    ...['null', '', 'http://evil.example', `https://${HOST}`, `http://127.0.0.1:${PORT + 1}`, `http://${HOST}/`],
    ...[`http://localhost:${PORT}`, `http://${HOST}, http://${HOST}`],
  ])
    t.match(inside('/v1/status', { origin }), { kind: 'refused', status: 403 }, origin)
  t.match(inside('/v1/status', { origin: `http://${HOST}` }), { kind: 'call', name: 'status' })
})

t.test('what a page of another site asks for is refused; the page itself may be come to by a link', async t => {
  for (const site of ['cross-site', 'same-site', 'x']) {
    t.match(inside('/v1/status', { 'sec-fetch-site': site }), { kind: 'refused', status: 403 }, site)
    t.match(inside('/page.js', { 'sec-fetch-site': site }), { kind: 'refused', status: 403 }, site)
    t.match(inside('/', { 'sec-fetch-site': site }), { kind: 'file' }, site)
  }
  for (const site of ['same-origin', 'none'])
    t.match(inside('/v1/status', { 'sec-fetch-site': site }), { kind: 'call' })
})

t.test('only GET without a body is answered, so nothing can be changed', async t => {
  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'HEAD', 'OPTIONS', 'TRACE', 'CONNECT', 'get', ''])
    t.match(inside('/v1/status', {}, { method }), { kind: 'refused', status: 405 }, method)
  t.match(inside('/', { 'transfer-encoding': 'chunked' }), { kind: 'refused', status: 413 })
  t.match(inside('/', { 'content-length': '2' }), { kind: 'refused', status: 413 })
  t.match(inside('/', { 'content-length': '0' }), { kind: 'file' })
})

t.test('of the calls only those that the page shows are passed on, whatever is behind their path', async t => {
  for (const name of CALL_NAMES) {
    const { path } = CALLS[name]
    const isShown = SHOWN.includes(name) && CALLS[name].method === 'GET'
    const expected = isShown ? { kind: 'call', name } : { kind: 'refused', status: 403, message: name }
    t.match(inside(path), expected, name)
    t.match(inside(`${path}?reset=1`), expected, name)
    t.match(inside(`${path}/`), { kind: 'refused', status: 404 }, name)
  }
  t.match(inside('/v1/none'), { kind: 'refused', status: 404 })
  t.match(inside('/V1/STATUS'), { kind: 'file' }, 'is no call')
})

t.test('the stream of events begins where the browser left it', async t => {
  const path = '/v1/events/stream'
  t.strictSame(inside(path), { kind: 'events', path })
  t.strictSame(inside(`${path}?after=7&x=1`), { kind: 'events', path: `${path}?after=7` })
  t.strictSame(inside(`${path}?after=7`, { 'last-event-id': '9' }), { kind: 'events', path: `${path}?after=9` })
  const since = '2026-01-31T12:00:00Z'
  t.strictSame(inside(`${path}?since=${since}`), { kind: 'events', path: `${path}?since=${encodeURIComponent(since)}` })
  t.strictSame(inside(`${path}?after=%0d%0aa: b`, {}), { kind: 'events', path: `${path}?after=%0D%0Aa%3A+b` })
})

t.test('whatever is asked for: nobody comes in without a secret, and who is in gets no other call', async () => {
  const piece = fc.constantFrom(
    ...['/', '//', '..', '%2e%2e', '%2f', '?', '&', '#', 'token=', TOKEN, 'enter', 'v1', 'status', 'reset', 'events'],
    ...['stream', 'http://evil.example', '\\', '\0', '*', ';'],
  )
  const target = fc.oneof(
    fc.string(),
    fc.array(piece, { maxLength: 8 }).map(pieces => pieces.join('')),
  )
  const method = fc.constantFrom('GET', 'GET', 'POST', 'HEAD', '')
  const host = fc.constantFrom(HOST, HOST, `localhost:${PORT}`, 'evil.example', '')
  const cookie = fc.oneof(fc.string(), fc.constantFrom('', COOKIE.slice(0, -1), `${COOKIE}=`, 'weave-ts=the-badge'))
  fc.assert(
    fc.property(target, method, host, cookie, (text, verb, name, brought) => {
      const verdict = ask(newDoor(), text, { host: name, cookie: brought }, { method: verb })
      if (verdict.kind === 'refused') return true
      return verdict.kind === 'enter' && text === `/enter?token=${TOKEN}` && verb === 'GET' && name.endsWith(`${PORT}`)
    }),
  )
  fc.assert(
    fc.property(target, text => {
      const verdict = inside(text)
      if (verdict.kind === 'call') return SHOWN.includes(verdict.name)
      return verdict.kind !== 'events' || /^\/v1\/events\/stream(\?[^\s]*)?$/.test(verdict.path)
    }),
  )
})
