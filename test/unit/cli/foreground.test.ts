import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { weaveTs } from '../../support/daemon-process.ts'

/** Keeps many young objects for a while when the process ends, and says how much room it took for such. */
const PROBE = `
process.on('exit', () => {
  let kept = []
  for (let n = 0; n < 400_000; n++) {
    kept.push({ n, of: [n] })
    if (kept.length > 100_000) kept = []
  }
  const spaces = require('node:v8').getHeapSpaceStatistics()
  process.stderr.write(\`young \${spaces.find(space => space.space_name === 'new_space').space_size}\\n\`)
})`

const MEBI = 2 ** 20
/** Two halves of 1 MiB. */
const ROOM_MAX = 2 * MEBI

t.test('a daemon in the foreground takes as little room for young objects as one that is started', async t => {
  const probe = join(t.testdir({}), 'probe.cjs')
  writeFileSync(probe, PROBE)
  const roomOf = async (...argv: string[]) => {
    const { stderr } = await weaveTs(argv, { env: { ...process.env, NODE_OPTIONS: `--require ${probe}` } })
    const room = /^young (\d+)$/m.exec(stderr)?.[1]
    t.type(room, 'string', stderr)
    return Number(room)
  }
  // Refused, once it is known what is asked.
  const foreground = await roomOf('launch', '--foreground', '--port', 'none')
  t.ok(foreground <= ROOM_MAX, `${foreground / MEBI} MiB`)
  const command = await roomOf('launch', '--port', 'none')
  t.ok(command > ROOM_MAX, `${command / MEBI} MiB where it is not limited`)
})
