/**
 * docs/from-weave.md, command by command: two hosts with Weave (a stand-in for it) and two containers each move.
 *
 *     [c1] [c2] ─ weave ─ (host1) ═══ u2 ═══ (host2) ─ weave ─ [d1] [d2]
 */
import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { projectRoot } from '../../scripts/check-docs.ts'
import { waitFor } from '../support/testbed-command.ts'
import { SECRET, Testbed, skipSystem, type Host, type Namespace } from '../support/testbed.ts'
import { WeaveStandIn } from '../support/weave-stand-in.ts'

t.setTimeout(180_000)
const REACHED_MS = 20_000
const ADDRESSES = ['10.32.0.2', '10.32.0.3', '10.40.0.2', '10.40.0.3'] as const

/** The commands of one section of the page. */
function commandsOf(heading: string): { place: string; command: string }[] {
  const page = readFileSync(join(projectRoot(), 'docs/from-weave.md'), 'utf8')
  const section = page.split(`## ${heading}\n`)[1]!.split('\n## ')[0]!
  return [...section.matchAll(/^ {4}(host[12])# (.+)$/gm)].map(([, place, command]) => ({
    place: place!,
    command: command!,
  }))
}

class Moving {
  readonly containers: readonly Namespace[]
  readonly places: ReadonlyMap<string, WeaveStandIn>
  readonly host1: Host

  private constructor(host1: Host, containers: readonly Namespace[], places: ReadonlyMap<string, WeaveStandIn>) {
    this.host1 = host1
    this.containers = containers
    this.places = places
  }

  static async prepare(t: Test): Promise<Moving> {
    const bed = new Testbed(t)
    const [host1, host2] = (await bed.hosts('host1', 'host2')) as [Host, Host]
    await bed.link(host1, host2, '192.0.2')
    const containers = await bed.containers('c1', 'c2', 'd1', 'd2')
    const old1 = new WeaveStandIn(host1, bed.directory)
    const old2 = new WeaveStandIn(host2, bed.directory)
    await old1.launch('192.0.2.2', 'u2')
    await old2.launch('192.0.2.1', 'u2')
    for (const [i, container] of containers.entries())
      await (i < 2 ? old1 : old2).attach(container, `${ADDRESSES[i]}/12`)
    for (const old of [old1, old2]) writeFileSync(old.shell.path('secret'), SECRET, { mode: 0o600 })
    const moving = new Moving(host1, containers, new Map(Object.entries({ host1: old1, host2: old2 })))
    await moving.allReachAll('on the old network')
    return moving
  }

  /** Runs the commands of a section; `after` is called with each. */
  async follow(heading: string, after?: (command: string) => Promise<void>): Promise<void> {
    const commands = commandsOf(heading)
    if (commands.length < 8) throw new Error(`only ${commands.length} commands in "${heading}"`)
    for (const { place, command } of commands) {
      await this.places.get(place)!.shell.run(command)
      await after?.(command)
    }
  }

  async allReachAll(when: string): Promise<void> {
    for (const from of this.containers)
      for (const address of ADDRESSES)
        await waitFor(`${from.name} reaches ${address} ${when}`, REACHED_MS, () => from.canPing(address))
  }
}

/** Pings every 20 ms; `end` tells for how long at most no answer came. */
function watch(from: Namespace, address: string): { readonly end: () => Promise<string> } {
  const argv = from.argv('ping', '-n', '-D', '-i', '0.02', address)
  const ping = spawn(argv[0]!, argv.slice(1), { stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  ping.stdout.setEncoding('utf8').on('data', (part: string) => (text += part))
  const ended = new Promise(resolve => ping.on('close', resolve))
  return {
    end: async () => {
      ping.kill('SIGINT')
      await ended
      const times = [...text.matchAll(/^\[([\d.]+)\] \d+ bytes/gm)].map(match => Number(match[1]))
      return `${Math.max(...times.slice(1).map((time, i) => time - times[i]!)).toFixed(2)} s`
    },
  }
}

t.test('on a flag day', { skip: skipSystem, timeout: 120_000 }, async t => {
  const moving = await Moving.prepare(t)
  await moving.places.get('host1')!.expose('10.32.0.1/12')
  const pings = watch(moving.containers[3]!, ADDRESSES[0])
  await moving.follow('On a flag day')
  await moving.allReachAll('afterwards')
  t.comment(`cut off between hosts for ${await pings.end()}`)
  t.match(await moving.host1.ip('addr show dev weave'), '10.32.0.1/12', 'what was exposed is exposed')
  t.notOk((await moving.host1.links()).includes('weave-tunnel'))
})

t.test('host by host', { skip: skipSystem, timeout: 150_000 }, async t => {
  const moving = await Moving.prepare(t)
  const pings = watch(moving.containers[3]!, ADDRESSES[0])
  await moving.follow('Host by host', async command => {
    if (/attach|link set|launch/.test(command)) await moving.allReachAll(`after: ${command}`)
  })
  t.comment(`cut off between two containers for ${await pings.end()} at most`)
  t.strictSame(
    (await moving.host1.links()).filter(name => /^(to-)?weave(-tunnel)?$/.test(name)),
    [],
  )
})
