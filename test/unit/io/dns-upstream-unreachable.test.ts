import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import dnsPacket from 'dns-packet'
import t from 'tap'
import { DnsUpstream } from '../../../lib/io/dns-upstream.ts'
import { decodeQuery } from '../../../lib/names/mod.ts'

t.test('a server that the kernel refuses to reach is no answer, and nothing worse', async t => {
  const directory = mkdtempSync(join(tmpdir(), 'weave-ts-upstream-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  const file = join(directory, 'resolv.conf')
  // Connecting to the broadcast address is EACCES on every host, with or without a network.
  writeFileSync(file, 'nameserver 255.255.255.255\n')
  const upstream = new DnsUpstream({ file, port: 53, isOwn: () => false })
  t.strictSame(upstream.servers, ['255.255.255.255'])
  const bytes = dnsPacket.encode({ type: 'query', id: 7, questions: [{ type: 'A', name: 'example.org' }] })
  const query = decodeQuery(bytes)
  if (!('question' in query)) return t.fail('a query was expected')
  for (const isTcp of [false, true]) t.equal(await upstream.ask(query, bytes, isTcp), undefined)
  t.equal(upstream.outstanding, 0)
})
