import { meshed, type Host, type Testbed } from './testbed.ts'

/** Three hosts, of which the outer ones reach the one between alone: one mesh with a direct path for each cable. */
export async function launchedLine(bed: Testbed): Promise<[Host, Host, Host]> {
  const [a, b, c] = (await bed.hosts('a', 'b', 'c')) as [Host, Host, Host]
  await bed.link(a, b, '192.0.2')
  await bed.link(b, c, '198.51.100')
  const { passwordFile } = bed
  await b.daemon.launch([], { passwordFile })
  await Promise.all([
    a.daemon.launch([b.addresses.get('192.0.2')!], { passwordFile }),
    c.daemon.launch([b.addresses.get('198.51.100')!], { passwordFile }),
  ])
  await Promise.all([meshed([a, b]), meshed([b, c])])
  return [a, b, c]
}
