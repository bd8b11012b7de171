/**
 * One host that is launched again and again: what it remembers of its launches.
 *
 *     (h1)
 */
import { readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { SECRET, Testbed, skipSystem } from '../support/testbed.ts'

t.setTimeout(120_000)

t.test('a state that was launched with a secret stays closed', { skip: skipSystem, timeout: 100_000 }, async t => {
  const bed = new Testbed(t)
  const { daemon } = await bed.host('h1')
  const { passwordFile } = bed
  await daemon.launch([], { passwordFile })
  await daemon.say('stop')

  for (const args of [[], ['--foreground']]) {
    const refused = await daemon.tryLaunch([], { args })
    t.equal(refused.status, 78, refused.stderr)
    t.match(refused.stderr, /was launched with a mesh secret.*\n.*--open.*\[SECRET_REQUIRED\]/)
  }
  t.strictSame(await daemon.leftovers(), ['weave'], 'the bridge of the first launch, and no more')

  await t.test('a file that is lost, or damaged, opens nothing', async t => {
    const path = join(daemon.stateDir, 'launch.json')
    const kept = readFileSync(path)
    rmSync(path)
    t.match(await daemon.tryLaunch([]), { status: 78, stderr: /does not say whether/ })
    writeFileSync(path, '{"version":1,"mesh":"op', { mode: 0o600 })
    t.match(await daemon.tryLaunch([]), { status: 65, stderr: /STATE_DAMAGED/ })
    writeFileSync(path, kept, { mode: 0o600 })
  })

  await t.test('--open opens it, says so, and is remembered; a secret closes it again, and says so', async t => {
    const contradiction = await daemon.tryLaunch([], { passwordFile, args: ['--open'] })
    t.match(contradiction, { status: 78, stderr: /--open was given together with a mesh secret/ })
    const opened = await daemon.tryLaunch([], { args: ['--open'] })
    t.match(opened, { status: 0, stderr: /as --open says, it is OPEN TO STRANGERS from now on/ })
    t.equal((await daemon.status()).encryption, 'open')
    await daemon.say('stop')
    t.match(await daemon.tryLaunch([]), { status: 0, stderr: /any stranger/ })
    await daemon.say('stop')
    const closed = await daemon.tryLaunch([], { passwordFile })
    t.match(closed, { status: 0, stderr: /was OPEN TO STRANGERS until now/ })
    t.equal((await daemon.status()).encryption, 'secret')
    await daemon.say('stop')
  })

  t.test('the secret is in no file of the state directory', t => {
    for (const name of readdirSync(daemon.stateDir)) {
      const path = join(daemon.stateDir, name)
      if (statSync(path).isFile()) t.notOk(readFileSync(path).includes(SECRET), name)
    }
    t.end()
  })
})
