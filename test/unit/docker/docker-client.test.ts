import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type RequestListener } from 'node:http'
import { createServer as createRawServer, type Server, type Socket } from 'node:net'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { DockerClient, parseContainer, parseDockerHost } from '../../../lib/docker/mod.ts'

const id = '0123456789abcdef'.repeat(4)
const answer = {
  Id: id,
  Name: '/web',
  State: { Status: 'running', Running: true, Pid: 4242 },
  HostConfig: { NetworkMode: 'default' },
}

async function listen(t: Test, server: Server): Promise<DockerClient> {
  const directory = await mkdtemp('/tmp/weave-ts-docker-')
  const path = `${directory}/docker.sock`
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => sockets.add(socket))
  await new Promise<void>(resolve => server.listen(path, resolve))
  t.teardown(async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise(resolve => server.close(resolve))
    await rm(directory, { recursive: true })
  })
  return new DockerClient(parseDockerHost(`unix://${path}`), { timeoutMs: 500 })
}
const fakeDocker = (t: Test, listener: RequestListener) => listen(t, createServer(listener))

t.test('reads a container', async t => {
  const asked: (string | undefined)[] = []
  const client = await fakeDocker(t, (request, response) => {
    asked.push(request.url)
    response.end(JSON.stringify(answer))
  })
  t.strictSame(await client.inspect('web'), {
    id,
    name: 'web',
    hostname: '',
    aliases: [],
    askedNames: [],
    isRunning: true,
    state: 'running',
    pid: 4242,
    networkMode: 'default',
    isEngineLocal: true,
    exitCode: 0,
    labels: {},
  })
  await client.inspect('../images?x=1')
  t.strictSame(asked, ['/containers/web/json', '/containers/..%2Fimages%3Fx%3D1/json'], 'names cannot change the path')
})

t.test('reads what a container is called', async t => {
  const of = (more: object) => parseContainer(JSON.stringify({ ...answer, ...more }), true)
  const Networks = {
    a: { Aliases: ['db', id.slice(0, 12)] },
    b: { Aliases: null },
    c: null,
    d: { Aliases: ['db', 'x'] },
  }
  t.match(of({ NetworkSettings: { Networks } }), { aliases: ['db', 'x'] })
  t.match(of({ NetworkSettings: { Networks: null } }), { aliases: [] })
  t.match(of({ Config: { Hostname: 'h', Labels: null } }), { hostname: 'h', askedNames: [] })
  const Labels = { 'weave-ts.name': 'one two', 'weave-ts.hostname': 'other' }
  const named = of({ Config: { Hostname: 'db', Labels }, NetworkSettings: { Networks } })
  t.match(named, { hostname: '', aliases: ['x'], askedNames: ['one', 'two', 'other'] })
})

t.test('a container that is not there', async t => {
  const client = await fakeDocker(t, (_, response) => {
    response.statusCode = 404
    response.end('{"message":"No such container: web"}')
  })
  await t.rejects(client.inspect('web'), { code: 'TARGET_NOT_FOUND', message: /web/, remedy: /docker ps/ })
})

t.test('an engine that fails is told with its words', async t => {
  const client = await fakeDocker(t, (_, response) => {
    response.statusCode = 500
    response.end('{"message":"disk is full"}')
  })
  await t.rejects(client.inspect('web'), { code: 'DOCKER_UNREACHABLE', message: /500: disk is full/ })
})

t.test('an engine that is not there', async t => {
  const client = new DockerClient(parseDockerHost('unix:///tmp/weave-ts-no-docker.sock'))
  await t.rejects(client.inspect('web'), { code: 'DOCKER_UNREACHABLE', message: /weave-ts-no-docker\.sock.*ENOENT/ })
})

t.test('an engine that never answers, trickles, floods or talks nonsense', async t => {
  const silent = await listen(t, createRawServer())
  await t.rejects(silent.inspect('web'), { code: 'DOCKER_UNREACHABLE', message: /no answer within 500 ms/ })
  const trickle = await fakeDocker(t, (_, response) => {
    const timer = setInterval(() => response.write(' '), 20)
    response.on('close', () => clearInterval(timer))
  })
  await t.rejects(trickle.inspect('web'), { message: /no answer within 500 ms/ })
  const flood = await fakeDocker(t, (_, response) => {
    const chunk = ' '.repeat(1_000_000)
    const pour = () => {
      while (!response.destroyed && response.write(chunk));
      if (!response.destroyed) response.once('drain', pour)
    }
    pour()
  })
  await t.rejects(flood.inspect('web'), { message: /more than 8388608 bytes|no answer within/ })
  const nonsense = await fakeDocker(t, (_, response) => response.end('<html>'))
  await t.rejects(nonsense.inspect('web'), { message: /did not answer as a Docker Engine/ })
  const cut = await fakeDocker(t, (_, response) => {
    response.writeHead(200, { 'content-length': '1000' })
    response.write('{', () => response.destroy())
  })
  await t.rejects(cut.inspect('web'), { code: 'DOCKER_UNREACHABLE' })
})

t.test('parseContainer takes any text without throwing', async t => {
  fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), text => parseContainer(text, true) === undefined))
  t.equal(parseContainer(JSON.stringify({ ...answer, Id: '../x' }), true), undefined)
})

t.test('DOCKER_HOST', async t => {
  t.equal(parseDockerHost(undefined).text, 'unix:///var/run/docker.sock')
  t.equal(DockerClient.fromEnvironment({}).endpoint.text, 'unix:///var/run/docker.sock')
  t.strictSame(parseDockerHost('/run/x.sock').connection, { socketPath: '/run/x.sock' })
  t.strictSame(parseDockerHost('tcp://127.0.0.1:99').connection, { host: '127.0.0.1', port: 99 })
  t.strictSame(parseDockerHost('tcp://[::1]').connection, { host: '::1', port: 2375 })
  t.notOk(parseDockerHost('tcp://127.0.0.1:99').isLocal)
  for (const text of ['ssh://me@there', 'npipe:////./pipe', 'tcp://', 'tcp://a:99999', 'unix://relative']) {
    t.throws(() => parseDockerHost(text), { code: 'CONFIG_INVALID' }, text)
  }
  t.throws(() => parseDockerHost('tcp://a:1', '1'), { code: 'CONFIG_INVALID', message: /TLS/ })
})
