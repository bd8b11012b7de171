import t from 'tap'
import { firewallMonitor } from '../../../lib/host/firewall-watch.ts'
import { bridgeMonitor, hostEndMonitor } from '../../../lib/host/interface-watch.ts'
import {
  FIREWALL_CHECK_INTERVAL_MS,
  FIREWALL_QUIET_MS,
  LINKS_QUIET_MS,
  MONITOR_RESTART_MS,
} from '../../../lib/host/limits.ts'

/** A monitor that says and ends what a test wants; timers are the test's. */
function world(t: { context?: unknown; teardown(fn: () => void): unknown }, make = firewallMonitor) {
  const timers: { at: number; run: () => void }[] = []
  const real = { setTimeout: globalThis.setTimeout, clearTimeout: globalThis.clearTimeout, now: performance.now }
  let now = 1_000_000
  globalThis.setTimeout = ((run: () => void, ms: number) => {
    const timer = { at: now + ms, run }
    timers.push(timer)
    return timer
  }) as never
  globalThis.clearTimeout = ((timer: (typeof timers)[number]) => {
    const i = timers.indexOf(timer)
    if (i >= 0) timers.splice(i, 1)
  }) as never
  performance.now = () => now
  t.teardown(() => {
    globalThis.setTimeout = real.setTimeout
    globalThis.clearTimeout = real.clearTimeout
    performance.now = real.now
  })
  const started: {
    argv: readonly string[]
    events: { onOutput(output: string): void; onEnd(): void }
    isEnded: boolean
  }[] = []
  let checks = 0
  const watch = make(
    {
      watch: (argv, events) => {
        const one = { argv, events, isEnded: false }
        started.push(one)
        return () => void (one.isEnded = true)
      },
    },
    async () => void checks++,
  )
  const pass = (ms: number) => {
    const until = now + ms
    for (;;) {
      const due = timers.filter(timer => timer.at <= until).sort((a, b) => a.at - b.at)[0]
      if (due === undefined) break
      timers.splice(timers.indexOf(due), 1)
      now = due.at
      due.run()
    }
    now = until
  }
  return { watch, started, pass, checks: () => checks, timers }
}

t.test('a burst of changes is followed by one check, and checks are apart', async t => {
  const w = world(t)
  w.watch.set(true)
  t.match(w.started[0]?.argv.slice(-2), ['nft', 'monitor'])
  const { events } = w.started[0]!
  for (let i = 0; i < 50; i++) events.onOutput('# new generation')
  t.equal(w.checks(), 0)
  w.pass(FIREWALL_QUIET_MS)
  t.equal(w.checks(), 1)
  events.onOutput('# new generation')
  w.pass(FIREWALL_CHECK_INTERVAL_MS - FIREWALL_QUIET_MS)
  t.equal(w.checks(), 1)
  w.pass(FIREWALL_QUIET_MS)
  t.equal(w.checks(), 2)
  w.pass(60_000)
  t.equal(w.checks(), 2, 'nothing changed, nothing is looked at')
})

t.test('a monitor that ends is started again, and what it may have missed is looked at', async t => {
  const w = world(t)
  w.watch.set(true)
  t.ok(w.watch.isListening)
  w.started[0]!.events.onEnd()
  t.notOk(w.watch.isListening)
  w.pass(MONITOR_RESTART_MS + FIREWALL_CHECK_INTERVAL_MS)
  t.equal(w.started.length, 2)
  t.ok(w.watch.isListening)
  t.equal(w.checks(), 1)
  w.started[0]!.events.onEnd()
  t.ok(w.watch.isListening, 'the old one says nothing more')
})

t.test('without nft it is looked at within 10 s, again and again', async t => {
  const w = world(t)
  w.watch.set(true)
  for (let i = 0; i < 3; i++) {
    w.started.at(-1)!.events.onEnd()
    w.pass(10_000)
  }
  t.equal(w.checks(), 3)
})

t.test('switched off it ends the monitor and leaves no timer', async t => {
  const w = world(t)
  w.watch.set(true)
  w.watch.set(true)
  t.equal(w.started.length, 1)
  w.started[0]!.events.onOutput('# new generation')
  w.watch.set(false)
  t.ok(w.started[0]!.isEnded)
  t.equal(w.timers.length, 0)
  w.started[0]!.events.onEnd()
  w.pass(60_000)
  t.equal(w.started.length, 1)
  t.equal(w.checks(), 0)
})

t.test('only the end of one of our host ends is worth a look', async t => {
  const w = world(t, hostEndMonitor)
  w.watch.set(true)
  t.same(w.started[0]?.argv, ['setpriv', '--pdeathsig', 'KILL', 'ip', '-o', 'monitor', 'link'])
  const { events } = w.started[0]!
  const hear = (line: string) => {
    events.onOutput(`${line}: <BROADCAST,MULTICAST> mtu 1376 qdisc noqueue state DOWN group default\n`)
    w.pass(LINKS_QUIET_MS)
    return w.checks()
  }
  t.equal(hear('12: vethwe00aa11bb@if2'), 0, 'one that comes')
  t.equal(hear('Deleted 13: veth00aa11@NONE'), 0, 'another one that goes')
  t.equal(hear('3: eth0'), 0)
  events.onOutput('12: vethwe00aa11bb@if2: <BROADCAST>\nDeleted 12: vethwe00aa11bb@NONE: <BROAD')
  w.pass(LINKS_QUIET_MS)
  t.equal(w.checks(), 1)
})

t.test('the end of the bridge or of its TAP is heard of, and of nothing whose name only begins alike', async t => {
  const w = world(t, (watcher, check) => bridgeMonitor(watcher, ['weave', 'weave-tap'], check))
  w.watch.set(true)
  const { events } = w.started[0]!
  const hear = (line: string) => {
    events.onOutput(`${line}: <BROADCAST,MULTICAST> mtu 1376 qdisc noqueue state DOWN group default\n`)
    w.pass(1_000)
    return w.checks()
  }
  t.equal(hear('12: weave'), 0, 'it comes')
  t.equal(hear('Deleted 13: weave-other'), 0)
  t.equal(hear('Deleted 13: vethwe00aa11@NONE'), 0)
  t.equal(hear('Deleted 12: weave'), 1)
  t.equal(hear('Deleted 14: weave-tap'), 2)
})
