/**
 * docs/host.md, command by command.
 *
 *     [container] ─ weave ─ (h2) ═══ u2 ═══ (host) ─── u3 ─── (outside)
 *      10.40.1.200              192.0.2.0/24         192.0.3.0/24
 */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { projectRoot } from '../../scripts/check-docs.ts'
import { waitFor } from '../support/testbed-command.ts'
import { Testbed, meshed, skipSystem, type Host, type Namespace } from '../support/testbed.ts'

t.setTimeout(180_000)

/** The commands of the page, each with the place where it is run. */
function commandsOfPage(): { place: string; command: string }[] {
  const page = readFileSync(join(projectRoot(), 'docs/host.md'), 'utf8')
  return [...page.matchAll(/^ {4}(host|container|outside)# (.+)$/gm)].map(([, place, command]) => ({
    place: place!,
    command: command!,
  }))
}

t.test('every command of docs/host.md does what the page says', { skip: skipSystem, timeout: 150_000 }, async t => {
  const bed = new Testbed(t)
  const [host, h2, outside] = (await bed.hosts('host', 'h2', 'outside')) as [Host, Host, Host]
  await bed.link(host, h2, '192.0.2')
  await bed.link(host, outside, '192.0.3')
  await host.daemon.launch([], { passwordFile: bed.passwordFile })
  await h2.daemon.launch(['192.0.2.1'], { passwordFile: bed.passwordFile })
  await meshed([host, h2])
  const container = await bed.container('web')
  await h2.daemon.attach(container, '10.40.1.200/24')
  const server = `require('node:http').createServer((_, answer) => answer.end('hello')).listen(80, () => console.log('up'))`
  const argv = container.argv(process.execPath, '-e', server)
  const web = spawn(argv[0]!, argv.slice(1), { stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => web.kill('SIGKILL'))
  let isUp = false
  web.stdout.on('data', () => (isUp = true))
  await waitFor('the web server', 10_000, () => isUp)

  const places: Readonly<Record<string, Namespace>> = { host, container, outside }
  const commands = commandsOfPage()
  t.ok(commands.length > 20, `${commands.length} commands`)
  for (const { place, command } of commands) {
    if (command.startsWith('weave-ts ')) {
      t.equal((await host.daemon.cli(...command.split(' ').slice(1))).status, 0, command)
      continue
    }
    // As a reader's shell takes it.
    const result = await places[place]!.run(['sh', '-c', command], { limitMs: 15_000 })
    t.equal(result.status, 0, `${place}# ${command}: ${result.stderr}`)
    if (command.startsWith('curl')) t.equal(result.stdout, 'hello', `${place}# ${command}`)
  }

  const { stdout } = await outside.run(['curl', '--silent', '--max-time', '2', 'http://192.0.3.1:8080/'])
  t.equal(stdout, '', 'nothing is published any more')
})
