/**
 * Eight hosts share a /24: fewer blocks than hosts, so most of them give what others lend.
 *
 *     (h1) (h2) (h3) (h4) (h5) (h6) (h7) (h8)
 *      └────┴────┴────┼────┴────┴────┴────┘
 *                 switch u2
 */
import t from 'tap'
import { AddressAsker, DOCKER_AWAY } from '../support/address-asker.ts'
import { waitFor } from '../support/testbed-command.ts'
import { Testbed, skipSystem } from '../support/testbed.ts'

t.setTimeout(240_000)
const RANGE = '10.32.0.0/24'
const USABLE = 254
const HOSTS = 8
const AT_ONCE = 8
const MESH_MS = 60_000

t.test(
  'hosts that share a /24 hand out all of its addresses, then each says that it is full, with the count',
  { skip: skipSystem, timeout: 220_000 },
  async t => {
    const bed = new Testbed(t)
    const hosts = await bed.hosts(...Array.from({ length: HOSTS }, (_, i) => `h${i + 1}`))
    await bed.lan(hosts, '192.0.2')
    // Without a secret: to stretch it takes most of a launch.
    const options = { env: DOCKER_AWAY, args: ['--open', '--ipalloc-range', RANGE] }
    const [first, ...others] = hosts
    await first!.daemon.launch([], options)
    const launch = async () => {
      for (let host = others.shift(); host !== undefined; host = others.shift())
        await host.daemon.launch([first!.address], options)
    }
    await Promise.all([launch(), launch()])
    for (const { daemon } of hosts)
      await waitFor('all to see all', MESH_MS, async () => (await daemon.status()).peers.length === HOSTS)

    const began = performance.now()
    const askers = hosts.map(host => new AddressAsker(host.daemon, RANGE, AT_ONCE))
    let next = 0
    const given: string[] = []
    const ask = async () => {
      for (let number = next++; number < USABLE; number = next++) given.push(await askers[number % HOSTS]!.ask(number))
    }
    await Promise.all(Array.from({ length: HOSTS * AT_ONCE }, ask))
    const expected = Array.from({ length: USABLE }, (_, i) => `10.32.0.${i + 1}/24`)
    t.comment(`all given after ${((performance.now() - began) / 1000).toFixed(1)} s`)
    t.strictSame(new Set(given), new Set(expected))
    t.equal(given.length, USABLE, 'none twice')

    const ends = await Promise.allSettled(askers.map((asker, i) => asker.ask(USABLE + i)))
    for (const end of ends)
      t.match(end, { status: 'rejected', reason: { message: /10\.32\.0\.0\/24 is full: all of its 254 addresses/ } })
    const refused = await hosts.at(-1)!.daemon.cli('attach', `netns:${(await bed.container('c')).name}`)
    t.match(refused.stderr, /is full: all of its 254 addresses are taken[^]*\[RANGE_FULL\]/)
    for (const asker of askers) asker.close()
  },
)
