import { meshed, type Host, type Namespace, type Testbed } from './testbed.ts'

/** Two hosts on one network, linked. `args`: more of the first, and of the second. `env`: of the first. */
export async function linkedPair(
  bed: Testbed,
  args: readonly (readonly string[])[] = [],
  env: NodeJS.ProcessEnv = {},
): Promise<[Host, Host]> {
  const hosts = (await bed.hosts('h1', 'h2')) as [Host, Host]
  const [h1, h2] = hosts
  await bed.link(h1, h2, '192.0.2')
  const { passwordFile } = bed
  await h1.daemon.launch([], { passwordFile, args: args[0] ?? [], env })
  await h2.daemon.launch([h1.address], { passwordFile, args: args[1] ?? [] })
  await meshed(hosts, 30_000)
  return hosts
}

/** The same, each with a container. `ips`: those of the containers. */
export async function launchedPair(
  bed: Testbed,
  args: readonly (readonly string[])[] = [],
  env: NodeJS.ProcessEnv = {},
): Promise<{ hosts: [Host, Host]; containers: [Namespace, Namespace]; ips: [string, string] }> {
  const hosts = await linkedPair(bed, args, env)
  const [h1, h2] = hosts
  const containers = (await bed.containers('c1', 'c2')) as [Namespace, Namespace]
  const addressOf = async (host: Host, container: Namespace) => (await host.daemon.attach(container))[0]!.split('/')[0]!
  return { hosts, containers, ips: [await addressOf(h1, containers[0]), await addressOf(h2, containers[1])] }
}

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
