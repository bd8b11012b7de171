/**
 * docs/tutorial.md, command by command, on two hosts with a dockerd each.
 *
 *     [web] ─ (host1) ═══ u2 ═══ (host2) ─ [shell]      192.0.2.0/24
 */
import { copyFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { projectRoot } from '../../scripts/check-docs.ts'
import { Dockerd, skipDockerd } from '../support/dockerd.ts'
import { OperatorShell } from '../support/operator-shell.ts'
import { waitFor } from '../support/testbed-command.ts'
import { Testbed, type Host } from '../support/testbed.ts'

t.setTimeout(240_000)
const LINK_MS = 20_000

function commandsOfPage(): { place: 'host1' | 'host2'; command: string }[] {
  const page = readFileSync(join(projectRoot(), 'docs/tutorial.md'), 'utf8')
  return [...page.matchAll(/^ {4}(host1|host2)# (.+)$/gm)].map(([, place, command]) => ({
    place: place as 'host1' | 'host2',
    command: command!,
  }))
}

t.test('every command of docs/tutorial.md works', { skip: await skipDockerd(), timeout: 200_000 }, async t => {
  const bed = new Testbed(t)
  const hosts = (await bed.hosts('host1', 'host2')) as [Host, Host]
  await bed.link(...hosts, '192.0.2')
  const [docker1, docker2] = (await Promise.all(hosts.map(host => Dockerd.start(bed, host)))) as [Dockerd, Dockerd]
  const shells = {
    host1: new OperatorShell(hosts[0], join(bed.directory, 'shell1'), docker1.env),
    host2: new OperatorShell(hosts[1], join(bed.directory, 'shell2'), docker2.env),
  }
  await Promise.all([docker1, docker2].map(docker => docker.docker('tag', 'box', 'busybox')))
  const commands = commandsOfPage()
  t.ok(commands.length > 20, `${commands.length} commands`)
  for (const { place, command } of commands) {
    const stdout = await shells[place].run(command)
    if (command.includes('keygen')) copyFileSync(shells.host1.path('secret'), shells.host2.path('secret'))
    if (command === 'weave-ts status connections')
      await waitFor('the connection is established', LINK_MS, async () =>
        / established /.test(await shells[place].run(command)),
      )
    if (command.includes('wget')) t.match(stdout, /hello from web/)
  }
  for (const host of hosts) t.notOk((await host.links()).includes('weave'), 'the bridge is gone')
})
