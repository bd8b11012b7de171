/** Fifty containers of a real dockerd at once, on a network of the overlay and by label, on one host. */
import t from 'tap'
import { BUSYBOX, Dockerd, skipDockerd } from '../support/dockerd.ts'
import { run, waitFor } from '../support/testbed-command.ts'
import { Testbed } from '../support/testbed.ts'

t.setTimeout(300_000)
const MANY = 50
const COMMAND_MS = 120_000
const SOON_MS = 60_000

t.test(`${MANY} containers started and removed at once leave nothing`, { skip: await skipDockerd() }, async t => {
  const bed = new Testbed(t)
  const h1 = await bed.host('h1')
  const docker = await Dockerd.start(bed, h1)
  await h1.daemon.launch([], { passwordFile: bed.passwordFile, env: docker.env })
  await docker.docker('network', 'create', '-d', 'weave-ts', '--ipam-driver', 'weave-ts', 'net')
  const rules = () => h1.must('nft', '-s', 'list', 'ruleset')
  const before = await rules()
  const names = Array.from({ length: MANY }, (_, i) => `many${i}`)
  const where = (i: number) => (i % 2 === 0 ? ['--network', 'net'] : ['--network', 'none', '-l', 'weave-ts.attach'])
  const began = performance.now()
  await Promise.all(
    names.map(async (name, i) => {
      const argv = docker.argv('run', '-d', '--name', name, ...where(i), 'box', BUSYBOX, 'sleep', '600')
      const result = await run(argv, { limitMs: COMMAND_MS })
      t.equal(result.status, 0, `${name} starts: ${result.stderr}`)
      // Some are removed while they are being attached or named.
      if (i % 5 === 0) await run(docker.argv('rm', '-f', name), { limitMs: COMMAND_MS })
    }),
  )
  t.comment(`started in ${Math.round(performance.now() - began)} ms`)
  const left = names.filter((_, i) => i % 5 !== 0)
  await waitFor('all are there and have their names', SOON_MS, async () => {
    const { ipam, dns } = await h1.daemon.status()
    const there = (await h1.daemon.ps()).filter(one => one.state === 'attached').length
    if (ipam.activeAddresses === left.length && dns.names === left.length && there === left.length) return true
    throw new Error(`${ipam.activeAddresses} addresses, ${dns.names} names, ${there} attached`)
  })
  const removed = await run(docker.argv('rm', '-f', ...left), { limitMs: COMMAND_MS })
  t.equal(removed.status, 0, removed.stderr)
  await waitFor('nothing is left', SOON_MS, async () => {
    const { ipam, dns, driver } = await h1.daemon.status()
    const veths = (await h1.links()).filter(name => name.startsWith('vethw'))
    const counts = [ipam.activeAddresses, dns.names, driver.endpoints, veths.length, (await h1.daemon.ps()).length]
    if (counts.some(count => count > 0)) throw new Error(counts.join(' '))
    return true
  })
  await docker.docker('network', 'rm', 'net')
  await waitFor('no rule is left', SOON_MS, async () => {
    const left = withoutGateway(await rules())
    if (left !== withoutGateway(before)) throw new Error(left)
    return true
  })
  t.comment(`all in ${Math.round(performance.now() - began)} ms`)
})

/** Docker's own bridge for the way out stays, with its rules. */
function withoutGateway(ruleset: string): string {
  return ruleset
    .split('\n')
    .filter(line => !/docker|172\.|^table|^\s*chain|^\s*}|^$|DOCKER|policy/.test(line))
    .join('\n')
}
