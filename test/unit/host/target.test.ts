import t from 'tap'
import { WeaveError } from '../../../lib/base/mod.ts'
import type { ContainerLookup, ContainerView } from '../../../lib/host/seams.ts'
import { resolveTarget } from '../../../lib/host/target.ts'
import { ChildProcessRunner } from '../../../lib/io/command-runner.ts'

const runner = new ChildProcessRunner()
const id = 'ab'.repeat(32)
const running: ContainerView = {
  id,
  name: 'web',
  isRunning: true,
  state: 'running',
  pid: process.pid,
  networkMode: 'bridge',
  isEngineLocal: true,
}
const lookup = (...containers: ContainerView[]): ContainerLookup => ({
  inspect: async name => {
    const found = containers.find(container => container.name === name || container.id === name)
    if (found === undefined) throw new WeaveError('TARGET_NOT_FOUND', `no container ${name}`, 'look again')
    return found
  },
})
const resolve = (text: string, containers?: ContainerLookup) => resolveTarget(text, { runner, containers })

t.test('malformed targets are refused', async t => {
  for (const text of [
    '',
    'netns:',
    'netns:../etc',
    'netns:a b',
    'pid:',
    'pid:0',
    'pid:-1',
    'pid:1x',
    'a/b',
    '-x',
    'a b',
    '/',
    '/run/../etc',
    '/run//netns',
    '/run/netns/a b',
    'netns:/run/./x',
    `/${'x'.repeat(200)}`,
  ]) {
    await t.rejects(resolve(text, lookup()), { code: 'BAD_TARGET' }, text)
  }
})

t.test('what is not there is told, with how to list', async t => {
  await t.rejects(resolve('netns:no-such-namespace'), {
    code: 'TARGET_NOT_FOUND',
    message: /no-such-namespace/,
    remedy: /ip netns list/,
  })
  for (const text of ['/run/netns/no-such-namespace', 'netns:/var/run/netns/no-such-namespace'])
    await t.rejects(resolve(text), { code: 'TARGET_NOT_FOUND', message: /no-such-namespace/ })
  await t.rejects(resolve('/proc/4194305/ns/net'), { code: 'TARGET_NOT_FOUND', message: /process 4194305/ })
  await t.rejects(resolve('/no/such/file'), { code: 'TARGET_NOT_FOUND', message: /does not exist/, remedy: /lsns/ })
  await t.rejects(resolve('netns:/etc/passwd'), { code: 'TARGET_NOT_FOUND', message: /is no network namespace/ })
  await t.rejects(resolve('pid:4194305'), { code: 'TARGET_NOT_FOUND', message: /4194305/ })
  await t.rejects(resolve('web', lookup()), { code: 'TARGET_NOT_FOUND' })
  await t.rejects(resolve('web'), { code: 'TARGET_NOT_FOUND', message: /not connected to a container engine/ })
})

t.test('the host’s own namespace is refused', async t => {
  await t.rejects(resolve(`pid:${process.pid}`), { code: 'BAD_TARGET', message: /own network namespace/ })
  await t.rejects(resolve('web', lookup(running)), { code: 'BAD_TARGET' }, 'through a container too')
  await t.rejects(resolve(`/proc/${process.pid}/ns/net`), { code: 'BAD_TARGET', message: /own network namespace/ })
  await t.rejects(resolve('/proc/self/ns/net'), { code: 'BAD_TARGET' }, 'by whatever path')
})

t.test('a container that does not run, or has the host’s network, is refused with the reason', async t => {
  const stopped = lookup({ ...running, isRunning: false, state: 'exited', pid: 0 })
  await t.rejects(resolve('web', stopped), { code: 'TARGET_NOT_FOUND', message: /exited/, remedy: /docker start web/ })
  const host = lookup({ ...running, networkMode: 'host' })
  await t.rejects(resolve('web', host), { code: 'BAD_TARGET', message: /--network=host/ })
})

t.test('a container that shares the network of another is that other', async t => {
  const other = 'cd'.repeat(32)
  const sidecar = { ...running, name: 'sidecar', id: other, networkMode: `container:${id}` }
  const host = { ...running, networkMode: 'host' }
  await t.rejects(resolve('sidecar', lookup(sidecar, host)), { code: 'BAD_TARGET', message: /container web / })
})

t.test('a container of an engine on another machine is refused', async t => {
  await t.rejects(resolve('web', lookup({ ...running, isEngineLocal: false })), {
    code: 'BAD_TARGET',
    message: /does not run on this machine/,
  })
})
