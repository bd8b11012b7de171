import { pino } from 'pino'
import t, { type Test } from 'tap'
import { formatCidr, parseCidr, type Cidr } from '../../../lib/address/mod.ts'
import { WeaveError } from '../../../lib/base/mod.ts'
import { AttachmentRecords } from '../../../lib/daemon/attachment-records.ts'
import { Attachments } from '../../../lib/daemon/attachments.ts'
import { ContainerAttachments, type ContainerAttachmentParts } from '../../../lib/daemon/container-attachments.ts'
import { DockerService } from '../../../lib/daemon/docker-service.ts'
import { parseDockerHost, type EventListener } from '../../../lib/docker/mod.ts'
import { ipv6Plan } from '../../support/ipv6-plan.ts'
import { mapStore } from '../../support/map-store.ts'
import { nameList } from '../../support/name-list.ts'
import { waitFor } from '../../support/testbed-command.ts'

type Seams = ConstructorParameters<typeof Attachments>[0]

const WEB = 'ab'.repeat(32)
const MAC = '02:00:00:00:00:01'
const OPTIONS = { multicastRoute: false, signal: new AbortController().signal }

interface Container {
  readonly pid: number
  readonly exitCode: number
  readonly labels?: Readonly<Record<string, string>>
}

interface Made {
  inode: bigint
  cidrs: readonly string[]
  mac: string
}

/** Doubles of the engine, the host, the node and the store. `containers`: those that exist, with their process. */
function world(t: Test, isOff = false) {
  const containers = new Map<string, Container>([[WEB, { pid: 7, exitCode: 0 }]])
  const plugged = new Map<string, Made>()
  const options: object[] = []
  const leases = new Map<string, Cidr>()
  const records = new Map<string, Uint8Array>()
  const hooks = { attach: () => {}, inspect: async () => {}, list: async () => {} }
  const host = {
    resolve: async (id: string) => {
      const { pid = 0 } = containers.get(id) ?? {}
      if (pid === 0) throw new WeaveError('TARGET_NOT_FOUND', 'it is not running', 'start it')
      return { id, description: 'container web', netnsPath: `/proc/${pid}/ns/net`, netnsInode: BigInt(pid) }
    },
    list: async () => [...plugged.keys()].map(targetId => ({ targetId })),
    inspect: async (target: { id: string; netnsInode: bigint }) => {
      const made = plugged.get(target.id)
      return made?.inode === target.netnsInode ? { mac: made.mac, addresses: made.cidrs } : undefined
    },
    attach: async (target: { id: string; netnsInode: bigint }, cidrs: string[], given: { mac?: string }) => {
      hooks.attach()
      options.push(given)
      plugged.set(target.id, { inode: target.netnsInode, cidrs, mac: given.mac ?? MAC })
      return { mac: given.mac ?? MAC }
    },
    unplug: async (id: string, but?: { netnsInode: bigint }) => {
      if (plugged.get(id)?.inode !== but?.netnsInode) plugged.delete(id)
    },
  }
  const node = {
    leases: () => [...leases.keys()].map(container => ({ container })),
    leasesOf: (id: string) => [...leases].filter(([container]) => container === id).map(([, cidr]) => cidr),
    freeAddresses: (id: string) => leases.delete(id),
  }
  const runner = {
    node,
    input: (give: (it: typeof node, now: number) => unknown) => give(node, 0),
    requestAddress: async (id: string, form: { type: string; cidr?: Cidr }) => {
      leases.set(id, form.cidr ?? parseCidr('10.32.0.1/12')!)
      return [leases.get(id)!]
    },
  }
  const store = mapStore(records)
  const { published, book } = nameList()
  const attachments = new Attachments({
    host,
    runner,
    records: new AttachmentRecords(store),
    book,
    resolvConfs: { remove: () => {} },
    ipv6: ipv6Plan(false),
    disconnects: () => [],
    range: parseCidr('10.32.0.0/12')!,
  } as unknown as Seams)
  const { records: kept, turns } = attachments
  const parts = {
    host,
    runner,
    records: kept,
    turns,
    book,
    ipv6: ipv6Plan(false),
  } as unknown as ContainerAttachmentParts
  const heard: { listener?: EventListener; givenUp: string[]; isStarted: boolean } = { givenUp: [], isStarted: false }
  let isUp = false
  const engine = {
    endpoint: parseDockerHost(undefined),
    inspect: async (id: string) => {
      await hooks.inspect()
      const found = containers.get(id)
      if (found === undefined) throw new WeaveError('TARGET_NOT_FOUND', 'no such container', 'name another')
      const { pid, exitCode, labels = {} } = found
      const state = { id, name: 'web', isRunning: pid > 0, state: pid > 0 ? 'running' : 'exited', pid, exitCode }
      return { ...state, networkMode: 'none', isEngineLocal: true, labels }
    },
    list: async () => {
      await hooks.list()
      return [...containers].map(([id, { pid, labels = {} }]) => ({
        ...{ id, name: 'web', labels },
        state: pid > 0 ? 'running' : 'exited',
      }))
    },
    events: (listener: EventListener) => {
      heard.listener = listener
      return {
        get isUp() {
          return isUp
        },
        start: () => void (heard.isStarted = true),
        stop: () => void (isUp = false),
        giveUp: (why: string) => {
          heard.givenUp.push(why)
          isUp = false
          listener.onDown(why, false)
        },
      }
    },
  }
  const service = new DockerService({
    engine: isOff ? undefined : engine,
    attachments: new ContainerAttachments(parts),
    attach: (target, forms, given) => attachments.attach(target, forms, given),
    now: () => 5_000,
    log: pino({ level: 'silent' }),
  })
  t.teardown(() => service.stop())
  const up = () => {
    isUp = true
    heard.listener!.onUp()
  }
  const tell = (action: string, id = WEB, attributes = {}) =>
    heard.listener!.onEvent({ type: 'container', action, id, attributes })
  const state = () => service.stateOf(WEB, plugged.has(WEB))
  return { published, containers, plugged, options, leases, hooks, attachments, service, heard, up, tell, state }
}

async function attachedWorld(t: Test) {
  const w = world(t)
  await w.service.reconcile()
  w.up()
  await w.attachments.attach(WEB, [], OPTIONS)
  await waitFor('rest', 1_000, () => w.state().state === 'attached')
  return w
}

t.test('a container that restarts has its address, its MAC and its options again', async t => {
  const w = await attachedWorld(t)
  w.containers.set(WEB, { pid: 8, exitCode: 0 })
  w.tell('die')
  w.tell('start')
  await waitFor('it is plugged in', 1_000, () => w.plugged.get(WEB)?.inode === 8n)
  t.strictSame(w.plugged.get(WEB), { inode: 8n, cidrs: ['10.32.0.1/12'], mac: MAC })
  t.match(w.options.at(-1), { mac: MAC, multicastRoute: false })
  t.match(w.service.report(5_000).docker, { state: 'following', containers: 1, stopped: 0 })
})

t.test('one that stops has no interface and keeps its address; one that is removed does not', async t => {
  const w = await attachedWorld(t)
  w.containers.set(WEB, { pid: 0, exitCode: 3 })
  w.tell('die')
  await waitFor('it is unplugged', 1_000, () => !w.plugged.has(WEB))
  await waitFor('it is stopped', 1_000, () => w.state().state === 'stopped')
  t.match(w.state().why, /exited with status 3/)
  t.strictSame(await w.attachments.reconcile(id => w.service.keeps(id)), [])
  t.equal(w.leases.size, 1)
  w.containers.delete(WEB)
  w.tell('destroy')
  await waitFor('it is free', 1_000, () => w.leases.size === 0)
  t.strictSame(await w.attachments.list(), [])
  t.match(w.service.report(7_000).docker, {
    containers: 0,
    vanished: [{ id: WEB, cidrs: ['10.32.0.1/12'], why: 'the container was removed', secondsAgo: 2 }],
  })
})

t.test('what was missed in a gap is found after it', async t => {
  const w = await attachedWorld(t)
  w.heard.listener!.onDown('it ended', false)
  t.match(w.service.warnings(), [/^Docker at unix:.* does not answer: it ended; containers that start/])
  w.containers.set(WEB, { pid: 9, exitCode: 0 })
  w.up()
  await waitFor('it is plugged in', 1_000, () => w.plugged.get(WEB)?.inode === 9n)
  t.strictSame(w.service.warnings(), [])
  w.containers.delete(WEB)
  w.plugged.clear()
  w.up()
  await waitFor('it is free', 1_000, () => w.leases.size === 0)
  t.match(w.service.report(0).docker.vanished, [{ why: /no longer there/ }])
})

t.test('an interface whose container this engine does not know is left alone while it is there', async t => {
  const w = await attachedWorld(t)
  w.containers.delete(WEB)
  w.up()
  await waitFor('it is looked at', 1_000, () => w.state().state === 'stopped')
  t.match(w.state().why, /does not know it/)
  t.equal(w.leases.size, 1)
  w.plugged.clear()
  await w.service.reconcile()
  await waitFor('it is free', 1_000, () => w.leases.size === 0)
})

t.test('a failure is shown, tried again, and forgotten when it went right', async t => {
  const w = await attachedWorld(t)
  let failures = 2
  w.hooks.attach = () => {
    if (failures-- > 0) throw new WeaveError('STATE_IO', 'the disk is full', 'make room')
  }
  w.containers.set(WEB, { pid: 8, exitCode: 0 })
  w.tell('start')
  await waitFor('it failed', 1_000, () => w.state().why?.startsWith('tried 1 time: the disk is full'))
  t.equal(w.state().state, 'waiting')
  t.match(w.service.warnings(), [/^container web is not attached as it should be .*: the disk is full/])
  t.match(w.service.report(0).docker, { waiting: 1 })
  await waitFor('it is plugged in', 3_000, () => w.state().state === 'attached')
  t.equal(w.plugged.get(WEB)?.inode, 8n)
  t.strictSame(w.service.warnings(), [])
})

t.test('an address that was lost meanwhile is claimed again', async t => {
  const w = await attachedWorld(t)
  w.leases.clear()
  w.containers.set(WEB, { pid: 8, exitCode: 0 })
  w.tell('start')
  await waitFor('it is plugged in', 1_000, () => w.plugged.get(WEB)?.inode === 8n)
  t.strictSame([...w.leases.values()].map(formatCidr), ['10.32.0.1/12'])
})

t.test('an engine whose list hangs is given up, and others than containers are none of its business', async t => {
  const w = world(t)
  t.equal(w.heard.isStarted, false)
  await w.service.reconcile()
  t.ok(w.heard.isStarted)
  t.equal(w.service.report(0).docker.state, 'connecting')
  w.hooks.list = () => Promise.reject(new Error('no answer'))
  w.up()
  await waitFor('it is given up', 1_000, () => w.heard.givenUp.length === 1)
  t.equal(w.service.report(0).docker.state, 'unreachable')
  t.notOk(w.service.keeps('netns:a'))
  t.strictSame(w.service.stateOf('netns:a', false), { state: 'gone', why: 'its interface is gone' })
  w.tell('start', 'cd'.repeat(32))
  t.strictSame(w.options, [])
})

t.test('that nobody listens at the usual place is no warning while nothing is missed', async t => {
  const w = world(t)
  await w.service.reconcile()
  w.heard.listener!.onDown('ENOENT', true)
  t.equal(w.service.report(0).docker.state, 'absent')
  t.strictSame(w.service.warnings(), [])
  w.heard.listener!.onDown('it hangs', false)
  t.equal(w.service.warnings().length, 1)
})

t.test('when it is off, nothing is kept and nothing is asked', async t => {
  const w = world(t, true)
  await w.service.reconcile()
  t.equal(w.heard.listener, undefined)
  t.notOk(w.service.keeps(WEB))
  t.match(w.service.report(0).docker, { state: 'off', endpoint: null })
})

const DB = 'cd'.repeat(32)
const labelled = (value: string, pid = 9) => ({ pid, exitCode: 0, labels: { 'weave-ts.attach': value } })

t.test('a container that starts with a label is attached with what the label asks for', async t => {
  const w = world(t)
  await w.service.reconcile()
  w.up()
  w.containers.set(DB, labelled('10.32.0.7/12, 10.33.0.7/24'))
  w.tell('start', DB, { name: 'db', 'weave-ts.attach': '10.32.0.7/12, 10.33.0.7/24' })
  await waitFor('it is attached', 1_000, () => w.plugged.get(DB)?.cidrs.length === 2)
  t.strictSame(w.plugged.get(DB)?.cidrs, ['10.32.0.7/12', '10.33.0.7/24'])
  w.tell('start', WEB, { name: 'web' })
  t.strictSame([...w.plugged.keys()], [DB], 'one without a label is not')
})

t.test('one that started in a gap is found; one that was detached by hand is left until it starts again', async t => {
  const w = world(t)
  await w.service.reconcile()
  w.containers.set(DB, labelled(''))
  w.up()
  await waitFor('it is attached', 1_000, () => w.plugged.has(DB))
  await waitFor('rest', 1_000, () => w.attachments.records.get(DB)?.mac === MAC)
  w.attachments.records.delete(DB)
  w.plugged.delete(DB)
  let looks = 0
  w.hooks.list = async () => void looks++
  await w.service.reconcile()
  await waitFor('a look', 1_000, () => looks === 1)
  w.tell('rename', DB, { name: 'db', 'weave-ts.attach': '' })
  t.notOk(w.plugged.has(DB))
  w.tell('start', DB, { name: 'db', 'weave-ts.attach': '' })
  await waitFor('it is attached again', 1_000, () => w.plugged.has(DB))
})

t.test('a label that cannot be used is a warning that names container and label, and is not tried again', async t => {
  const w = world(t)
  await w.service.reconcile()
  w.up()
  // The look after the gap ends with what is there now.
  await new Promise(setImmediate)
  let inspections = 0
  w.hooks.inspect = async () => void inspections++
  for (const value of ['net:nowhere', 'net:default '.repeat(33), 'x'.repeat(3_000)]) {
    w.containers.set(DB, labelled(value))
    w.tell('start', DB, { name: 'db', 'weave-ts.attach': value })
    await waitFor('a warning', 1_000, () => w.service.warnings().length === 1)
    t.match(w.service.warnings(), [/^container web: its label weave-ts\.attach cannot be used: /])
    w.tell('destroy', DB)
    t.strictSame(w.service.warnings(), [], 'it goes with the container')
  }
  t.equal(inspections, 3)
  t.strictSame(w.options, [])
})

t.test('an address that is not to be had now is asked for until it is', async t => {
  const w = world(t)
  await w.service.reconcile()
  w.up()
  // The look after the gap ends with what is there now.
  await new Promise(setImmediate)
  let isTaken = true
  w.hooks.attach = () => {
    if (isTaken) throw new WeaveError('ADDRESS_TAKEN', 'another has it', 'free it')
  }
  w.containers.set(DB, labelled('10.32.0.7/12'))
  w.tell('start', DB, { name: 'db', 'weave-ts.attach': '10.32.0.7/12' })
  await waitFor('a warning', 1_000, () => w.service.warnings().length === 1)
  t.match(w.service.warnings(), ['container db is not attached yet, as its label weave-ts.attach asks: another has it'])
  isTaken = false
  await waitFor('it is attached', 3_000, () => w.plugged.has(DB))
  await waitFor('no warning', 1_000, () => w.service.warnings().length === 0)
})
