import t from 'tap'
import { inputDrops } from '../../../lib/host/input-firewall.ts'
import type { CommandRunner } from '../../../lib/host/mod.ts'

/** A host with one chain of nftables, that of a table of these lines. */
function runnerOf(policy: string, ...rules: string[]): CommandRunner {
  const chain = { family: 'inet', table: 'filter', name: 'input', hook: 'input', policy }
  return {
    run: async argv => ({
      stdout: argv.includes('-j') ? JSON.stringify({ nftables: [{ metainfo: {} }, { chain }] }) : rules.join('\n'),
      stderr: '',
      status: 0,
    }),
  }
}

t.test('a chain that drops by default is told with the protocols whose port no rule names', async t => {
  const missing = async (...rules: string[]) => (await inputDrops(runnerOf('drop', ...rules), 6783))[0]?.missing
  t.strictSame(await missing(), ['tcp', 'udp'])
  t.strictSame(await missing('tcp dport 6783 accept'), ['udp'])
  t.strictSame(
    await missing('tcp dport { 22, 6780-6790 } accept', 'udp dport 6783 counter packets 0 bytes 0 accept'),
    undefined,
  )
  t.strictSame(await missing('meta l4proto { tcp, udp } th dport 6783 accept'), undefined)
  t.strictSame(await missing('tcp dport 16783 accept', 'udp dport 678 accept'), ['tcp', 'udp'])
  t.strictSame(await missing('tcp dport 6783 drop', 'udp dport != 6783 accept'), ['tcp', 'udp'])
  t.strictSame(await missing('udp dport 6783 jump mine', 'tcp dport 6783 jump mine'), undefined)
})

t.test('a chain that accepts by default is none, nor is there one where nft cannot be used', async t => {
  t.strictSame(await inputDrops(runnerOf('accept'), 6783), [])
  const broken = { run: async () => ({ stdout: 'no JSON', stderr: '', status: 0 }) }
  t.strictSame(await inputDrops(broken, 6783), [])
})
