import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { WeaveError } from '../../../lib/base/mod.ts'
import { examineHost } from '../../../lib/doctor/mod.ts'
import type { CommandRunner } from '../../../lib/host/mod.ts'
import { hostFacts } from './reports.ts'

/** Answers by the first words of a command; what it does not know is not there. */
function runnerOf(answers: Readonly<Record<string, string>>): CommandRunner {
  return {
    run: async argv => {
      const key = Object.keys(answers).find(words => argv.join(' ').startsWith(words))
      if (key === undefined) throw new WeaveError('MISSING_TOOL', `no ${argv[0] ?? ''}`, 'install it')
      return { stdout: answers[key]!, stderr: '', status: 0 }
    },
  }
}

const LINK = { ifindex: 2, ifname: 'eth0', flags: ['UP'], mtu: 1_450 }
const HOST = {
  'ip -V': '',
  nsenter: '',
  tee: '',
  'ip -4 -j route': JSON.stringify([
    { dst: 'default', dev: 'eth0' },
    { dst: '10.33.0.0/16', dev: 'lan' },
  ]),
  'ip -d -j addr': '[]',
  'ip -d -j link': JSON.stringify([LINK]),
  grep: '/proc/sys/net/bridge/bridge-nf-call-iptables:1\n/proc/sys/net/bridge/bridge-nf-call-ip6tables:0\n',
  'nft -j': '{"nftables": []}',
  timedatectl: 'no\n',
}

t.test('the host is looked at, and each fault is by itself', async t => {
  const stateDir = mkdtempSync(join(tmpdir(), 'weave-ts-doctor-'))
  t.teardown(() => rmSync(stateDir, { recursive: true }))
  const facts = await examineHost(runnerOf(HOST), { ...hostFacts().asked, stateDir: join(stateDir, 'not', 'there') })
  t.match(facts, { bridgeFilters: ['iptables'], inputDrops: [], underlayMtu: 1_450, isClockKept: false })
  t.ok((facts.freeBytes ?? 0) > 0, 'of the directory that it would be made in')
  t.equal(facts.preflight.range?.code, 'RANGE_OVERLAP')
  t.equal(facts.preflight.tools, undefined)
})

t.test('what cannot be looked at says why, and the rest is looked at', async t => {
  const { timedatectl: _, 'ip -d -j link': __, ...rest } = HOST
  const facts = await examineHost(runnerOf(rest), hostFacts().asked)
  t.match(facts.isClockKept, { code: 'MISSING_TOOL' })
  t.match(facts.underlayMtu, { code: 'MISSING_TOOL' })
  t.strictSame(facts.bridgeFilters, ['iptables'])
})
