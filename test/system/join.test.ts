/**
 * What `launch` says of how it went, and a host that an invitation is enough for.
 *
 *     (h1) ═══ u2 ═══ (h2)       192.0.2.0/24
 */
import { join } from 'node:path'
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { OperatorShell } from '../support/operator-shell.ts'
import { Testbed, skipSystem, type Host } from '../support/testbed.ts'

t.setTimeout(180_000)
const options = { skip: skipSystem, timeout: 150_000 }

t.test('launch tells whether it founded, joined, waits or goes on', options, async t => {
  const bed = new Testbed(t)
  const [h1, h2] = (await bed.hosts('h1', 'h2')) as [Host, Host]
  await bed.link(h1, h2, '192.0.2')
  const { passwordFile } = bed

  const early = await h2.daemon.tryLaunch([h1.address], { passwordFile, args: ['--wait=1s'] })
  t.equal(early.status, 75, early.stderr)
  t.match(early.stderr, /is of no mesh after 1 s: no peer of a mesh is reached: 192\.0\.2\.1: [^]*\[MESH_WAITING\]/)
  await h2.daemon.say('reset', '--yes')

  const founded = await h1.daemon.tryLaunch([], { passwordFile })
  const { id } = (await h1.daemon.status()).mesh
  t.equal(founded.stdout, `founded the mesh ${id}\non the next host: weave-ts launch --password-file FILE 192.0.2.1\n`)

  const wrongFile = join(bed.directory, 'wrong')
  writeFileSync(wrongFile, 'another secret', { mode: 0o600 })
  const wrong = await h2.daemon.tryLaunch([h1.address], { passwordFile: wrongFile, args: ['--wait=3s'] })
  t.equal(wrong.status, 75, wrong.stderr)
  t.match(wrong.stderr, /192\.0\.2\.1: [^;]*different mesh secret/)
  await h2.daemon.say('reset', '--yes')

  const joined = await h2.daemon.tryLaunch([h1.address], { passwordFile, args: ['--wait'] })
  t.equal(joined.status, 0, joined.stderr)
  t.match(joined.stdout, new RegExp(`^joined the mesh ${id} through \\w{8}\\(h1\\) in \\d+\\.\\d s\\n$`))

  const again = await h2.daemon.tryLaunch([h1.address], { passwordFile })
  t.equal(again.status, 0, again.stderr)
  t.match(again.stdout, /^runs already as asked \(pid \d+\), of the mesh \w+, linked to 1 of 1 other peer so far\n$/)

  await h2.daemon.say('stop')
  const resumed = await h2.daemon.tryLaunch([])
  // Which mesh it is of is noted within half a minute.
  t.match(resumed.stdout, new RegExp(`^(goes on with|is of) the mesh ${id}[ ,]`))
})

t.test('an invitation is all that a new host needs; its secret is in no argument and no log', options, async t => {
  const bed = new Testbed(t)
  const [h1, h2] = (await bed.hosts('h1', 'h2')) as [Host, Host]
  await bed.link(h1, h2, '192.0.2')
  const { passwordFile } = bed
  const args = ['--ipalloc-range', '10.40.0.0/16', '--port', '7000']
  await h1.daemon.launch([], { passwordFile, args })
  const { id } = (await h1.daemon.status()).mesh
  const invitation = await h1.daemon.say('invite')
  t.match(invitation, /^weave1-[a-z2-7]+$/)

  const shell = new OperatorShell(h2, join(bed.directory, 'shell'))
  writeFileSync(shell.path('cut'), invitation.slice(0, -3))
  await t.rejects(shell.run('weave-ts join - --no-docker < cut'), /it is cut off, 3 characters too short/)
  writeFileSync(shell.path('invitation'), `${invitation}\n`)
  const said = await shell.run(
    `weave-ts join - --no-docker --docker-plugin-dir ${h2.daemon.pluginDir} --nickname two < invitation`,
  )
  t.match(said, new RegExp(`^joined the mesh ${id} through \\w{8}\\(h1\\) in `))
  const status = await h2.daemon.status()
  t.match(status, { peer: { nickname: 'two' }, ipam: { range: '10.40.0.0/16' }, encryption: 'secret' })

  const secret = readFileSync(passwordFile, 'utf8').trim()
  const shown = readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .map(name => {
      try {
        return readFileSync(`/proc/${name}/cmdline`, 'utf8')
      } catch {
        return ''
      }
    })
  t.ok(
    shown.some(words => words.includes(h2.daemon.stateDir)),
    'the daemon is among them',
  )
  for (const text of [
    ...shown,
    h1.daemon.log(),
    h2.daemon.log(),
    readFileSync(join(h2.daemon.stateDir, 'launch.json'), 'utf8'),
  ])
    t.notOk(text.includes(secret) || text.includes(invitation), text.slice(0, 60))

  t.match(await shell.run('weave-ts join - < invitation'), /^runs already as asked/)
  await h2.daemon.say('stop')
  t.match(
    await shell.run('weave-ts launch --wait'),
    new RegExp(`^(goes on with|is of) the mesh ${id}`),
    'without the invitation',
  )
  t.equal(await h2.daemon.say('invite').then(text => text.slice(0, 7)), 'weave1-', 'and it invites others')
  await h2.daemon.say('reset', '--yes')
  t.throws(() => readdirSync(h2.daemon.stateDir), { code: 'ENOENT' }, 'the secret is gone with the state')

  await h1.daemon.say('stop')
  const words = `join - --wait=1s --no-docker --docker-plugin-dir ${h2.daemon.pluginDir}`
  const waits = new RegExp(
    `waits for the mesh ${id} of its invitation: 192\\.0\\.2\\.1:7000: [^]*weave-ts connect HOST`,
  )
  await t.rejects(shell.run(`weave-ts ${words} < invitation`), waits, 'nothing is founded where there is a mesh')
  t.match((await h2.daemon.cli('found', '--force')).stderr, /was invited into the mesh [^]*\[MESH_UNCERTAIN\]/)

  await h1.daemon.launch([], { passwordFile, args: ['--port', '7001'] })
  writeFileSync(shell.path('newer'), await h1.daemon.say('invite'))
  t.match(
    await shell.run(`weave-ts join - --no-docker --docker-plugin-dir ${h2.daemon.pluginDir} < newer`),
    new RegExp(`^runs already as asked .*of the mesh ${id}, linked to 1 of 1`),
    'a daemon that waits is told where',
  )
  await h2.daemon.say('reset', '--yes')
})
