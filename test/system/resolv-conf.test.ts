/**
 * A namespace that asks its host for names, as `ip netns exec` has it.
 *
 *     [c1]              10.32.0.0/12; the host is exposed
 *       │
 *     weave ─ (h1)
 */
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, rmdirSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { run, waitFor } from '../support/testbed-command.ts'
import { Testbed, skipSystem } from '../support/testbed.ts'

t.setTimeout(120_000)

t.test('attach --resolv-conf', { skip: skipSystem, timeout: 100_000 }, async t => {
  const bed = new Testbed(t)
  const h1 = await bed.host('h1')
  const { passwordFile } = bed
  await h1.daemon.launch([], { passwordFile })
  const c1 = await bed.container('c1')
  const target = `netns:${c1.name}`
  const directory = `/etc/netns/${c1.name}`
  const path = `${directory}/resolv.conf`
  const wasThere = existsSync('/etc/netns')
  bed.onRemove(() => {
    rmSync(directory, { recursive: true, force: true })
    if (!wasThere && existsSync('/etc/netns') && readdirSync('/etc/netns').length === 0) rmdirSync('/etc/netns')
  })
  const refused = async (...argv: string[]) => (await h1.daemon.cli('attach', '--resolv-conf', ...argv)).stderr
  const ask = () => run(['ip', 'netns', 'exec', c1.name, 'dig', '+search', '+short', '+tries=1', 'one'])

  t.match(await refused(target), /DNS answers nowhere.*weave-ts expose.*\[NOT_EXPOSED\]/s)
  const [server, server6] = (await h1.daemon.say('expose')).split(' ').map(cidr => cidr.split('/')[0]!)
  t.match(await refused(`pid:${process.pid}`), /for namespaces by name.*\[BAD_TARGET\]/s)
  t.match(await refused(`/run/netns/../netns/${c1.name}`), /BAD_TARGET/)
  t.same((await h1.daemon.ps()).length, 1, 'nothing is attached')

  const address = (await h1.daemon.ipv4('attach', '--resolv-conf', '-h', 'one', target)).split('/')[0]!
  t.match(
    readFileSync(path, 'utf8'),
    new RegExp(`^# Written by weave-ts.*\nnameserver ${server}\nnameserver ${server6}\nsearch weave\\.local\n$`),
  )
  await waitFor('it asks its host', 5_000, async () => (await ask()).stdout.trim() === address)

  await h1.daemon.kill()
  rmSync(path)
  await h1.daemon.launch([], { passwordFile })
  t.ok(existsSync(path), 'it is put back at the start')
  await h1.daemon.ipv4('hide')
  const other = (await h1.daemon.ipv4('expose', '10.32.77.1/12')).split('/')[0]!
  await waitFor('it follows where DNS answers', 5_000, () =>
    readFileSync(path, 'utf8').includes(`nameserver ${other}\n`),
  )

  await h1.daemon.detach(target)
  t.notOk(existsSync(directory), 'it goes with the attachment')
  t.equal(existsSync('/etc/netns'), wasThere)

  mkdirSync(directory, { recursive: true })
  writeFileSync(path, 'nameserver 192.0.2.53\n')
  t.match(await refused(target), /is there already.*\[RESOLV_CONF\]/s)
  t.same((await h1.daemon.ps()).length, 1)
  await h1.daemon.ipv4('attach', target)
  await h1.daemon.detach(target)
  t.equal(readFileSync(path, 'utf8'), 'nameserver 192.0.2.53\n')

  rmSync(path)
  await h1.daemon.ipv4('attach', '--resolv-conf', target)
  await bed.remove(c1)
  await waitFor('it goes with the namespace', 2_000, () => !existsSync(path))
  t.ok(existsSync(directory), 'a directory that was there stays')
  const c2 = await bed.container('c2')
  await h1.daemon.ipv4('attach', '--resolv-conf', `netns:${c2.name}`)
  await h1.daemon.say('reset', '--yes')
  t.notOk(existsSync(`/etc/netns/${c2.name}`), 'and with a reset')
})
