/**
 * One host that is launched again and again: what it remembers of its launches.
 *
 *     (h1)
 */
import { readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { SECRET, Testbed, skipSystem } from '../support/testbed.ts'

t.setTimeout(240_000)

t.test('a state that was launched with a secret stays closed', { skip: skipSystem, timeout: 100_000 }, async t => {
  const bed = new Testbed(t)
  const { daemon } = await bed.host('h1')
  const { passwordFile } = bed
  await daemon.launch([], { passwordFile })
  await daemon.say('stop')

  for (const args of [[], ['--foreground']]) {
    const refused = await daemon.tryLaunch([], { args: ['--forget-options', ...args] })
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

t.test('launch alone repeats the last launch', { skip: skipSystem, timeout: 100_000 }, async t => {
  const bed = new Testbed(t)
  const { daemon } = await bed.host('h1')
  const { passwordFile } = bed
  const relaunch = async (...args: string[]) => {
    await daemon.say('stop')
    const result = await daemon.tryLaunch([], { args })
    t.equal(result.status, 0, result.stderr)
    return daemon.status()
  }

  t.match(await daemon.tryLaunch([], { args: ['--resume'] }), { status: 78, stderr: /NOTHING_TO_RESUME/ })
  await daemon.launch(['192.0.2.8', '192.0.2.9'], { passwordFile, args: ['--port', '7001', '--no-discovery'] })

  await t.test('options, secret, and the peers as connect and forget left them', async t => {
    await daemon.say('connect', '192.0.2.7')
    await daemon.say('forget', '192.0.2.9')
    for (const [how, end] of [
      ['stop', () => daemon.say('stop')],
      ['kill -9', () => daemon.kill()],
    ] as const) {
      await end()
      const result = await daemon.tryLaunch([], { args: ['--resume', '--json'] })
      t.equal(result.status, 0, result.stderr)
      const status = await daemon.status()
      t.match(status, { port: 7_001, isDiscovering: false, encryption: 'secret' }, how)
      t.strictSame(status.targets.map(target => target.target).sort(), ['192.0.2.7', '192.0.2.8'], how)
      t.match(await daemon.cli('status'), { stdout: new RegExp(`LaunchedWith: .*--port 7001 --no-discovery`) })
    }
  })

  await t.test('what is given counts from then on; what is forgotten is back at its default', async t => {
    t.equal((await relaunch('--port', '7002')).port, 7_002)
    t.match(await relaunch(), { port: 7_002, isDiscovering: false })
    t.match(await relaunch('--forget-option', 'no-discovery'), { port: 7_002, isDiscovering: true })
    t.equal((await relaunch()).isDiscovering, true)
    t.match(await relaunch('--forget-options', '--password-file', passwordFile), { port: 6_783, encryption: 'secret' })
    await daemon.say('stop')
    t.match(await daemon.tryLaunch([], { args: ['--forget-options'] }), { status: 78, stderr: /SECRET_REQUIRED/ })
    t.match(await daemon.tryLaunch([], { args: ['--mtu', '1'] }), { status: 78 })
    t.equal((await daemon.tryLaunch([])).status, 0, 'a launch that was refused teaches nothing')
  })

  await t.test(
    'a secret that came from no file must be given again; one from a file that is gone is named',
    async t => {
      await daemon.say('stop')
      const env = { WEAVE_PASSWORD: SECRET }
      t.equal((await daemon.tryLaunch([], { env })).status, 0)
      await daemon.say('stop')
      t.match(await daemon.tryLaunch([]), {
        status: 78,
        stderr: /came from no file, so that it is not kept.*\n.*--password-file/,
      })
      const other = bed.secretFile('other', SECRET)
      t.equal((await daemon.tryLaunch([], { args: ['--password-file', other] })).status, 0)
      await daemon.say('stop')
      rmSync(other)
      t.match(await daemon.tryLaunch([]), { status: 78, stderr: new RegExp(`${other} cannot be used`) })
    },
  )
})
