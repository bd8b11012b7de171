/**
 * One host whose daemon knew many peers in an earlier run.
 *
 *     (h1)
 */
import { existsSync, readFileSync } from 'node:fs'
import t from 'tap'
import { fromHex } from '../../lib/base/mod.ts'
import { fillCache } from '../support/full-cache.ts'
import { waitFor } from '../support/testbed-command.ts'
import { Testbed, skipSystem } from '../support/testbed.ts'

t.setTimeout(120_000)
const OWNERS = 400
const SOON_MS = 60_000

t.test('a daemon that knew many peers knows them again, and is up before that', { skip: skipSystem }, async t => {
  const { daemon } = await new Testbed(t).host('h1')
  await daemon.launch([])
  const meshId = fromHex((await daemon.status()).mesh.id!)!
  await daemon.say('stop')
  await waitFor('the end of the daemon', SOON_MS, () => !existsSync(daemon.socketPath))
  const records = await fillCache(daemon.stateDir, meshId, { owners: OWNERS, surplusBytes: 4 * 1024 * 1024 })
  await daemon.launch([])
  await waitFor('all peers', SOON_MS, async () => (await daemon.status()).waiting.length === 0)
  const { ledger, peers, mesh } = await daemon.report()
  t.equal(mesh.id, Buffer.from(meshId).toString('hex'))
  t.equal(ledger.owners, OWNERS + 1)
  t.ok(ledger.records > records, 'its own besides')
  t.equal(peers.length, OWNERS + 1)
  const lines = readFileSync(`${daemon.stateDir}/daemon.log`, 'utf8').trim().split('\n')
  const events = lines.map(line => JSON.parse(line) as { event: string; entries?: number })
  const [ready, remembered] = ['ready', 'remembered'].map(name => events.findLastIndex(({ event }) => event === name))
  t.ok(ready! < remembered!, 'it was ready first')
  t.equal(events[remembered!]?.entries, records + OWNERS + 1)
})
