import { closeSync, openSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { DaemonConfig } from '../../../lib/daemon/config.ts'
import { handoverOf, readHandover } from '../../../lib/daemon/handover.ts'
import { SecretText } from '../../../lib/io/mod.ts'
import { daemonConfig } from '../../support/daemon-config.ts'
import { temporaryDirectory } from '../io/temporary.ts'

function configOf(secret: string | null, otherSecret: string | null): DaemonConfig {
  return DaemonConfig.parse(
    daemonConfig({
      nickname: 'h1 ü',
      secret: secret === null ? null : SecretText.of(secret),
      otherSecret: otherSecret === null ? null : SecretText.of(otherSecret),
      peers: ['h2'],
    }),
  )
}

function readBack(t: Test, bytes: readonly (string | Uint8Array)[]): DaemonConfig {
  const path = join(temporaryDirectory(t), 'input')
  writeFileSync(path, Buffer.concat(bytes.map(part => Buffer.from(part))))
  const fd = openSync(path, 'r')
  try {
    return readHandover(fd)
  } finally {
    closeSync(fd)
  }
}

for (const [secret, other] of [
  [null, null],
  ['hunter2', null],
  ['line\nend and ünïcode', 'another {"secret": 1}'],
] as const)
  t.test(`carries a configuration with secrets ${JSON.stringify([secret, other])}`, t => {
    const config = configOf(secret, other)
    const { head, secrets } = handoverOf(config)
    if (secret !== null) t.notMatch(head, secret)
    t.equal(config.secret?.byteLength ?? 0, 0, 'what handed over holds nothing')
    const read = readBack(t, [head, ...secrets])
    t.equal(read.nickname, 'h1 ü')
    t.strictSame(read.peers, ['h2'])
    for (const [expected, got] of [
      [secret, read.secret],
      [other, read.otherSecret],
    ] as const)
      t.equal(got === null ? null : new TextDecoder().decode(got.take()), expected)
    t.end()
  })

t.test('what is no handover is refused', t => {
  for (const input of ['', 'no json\n', '{}\n', '{"secret": 5}\nhunter2'])
    t.throws(() => readBack(t, [input]), Error, JSON.stringify(input))
  t.end()
})
