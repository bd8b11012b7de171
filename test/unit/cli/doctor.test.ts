import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { questionOf } from '../../../lib/cli/doctor.ts'

const DEFAULTS = { bridge: 'weave', device: 'weave-tap', ipallocRange: '10.32.0.0/12', port: '6783' }

function stateDirWith(t: Tap, files: Readonly<Record<string, string>>): string {
  const directory = mkdtempSync(join(tmpdir(), 'weave-ts-doctor-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text, { mode: 0o600 })
  return directory
}

type Tap = { teardown(fn: () => void): unknown }

t.test('the host is looked at as the next launch would have it', async t => {
  const options = { port: '7000', ipallocRange: '10.40.0.0/16', bridge: 'br7', adoptBridge: true }
  const stateDir = stateDirWith(t, { 'launch.json': JSON.stringify({ version: 1, mesh: 'secret', options }) })
  t.strictSame(questionOf(stateDir, DEFAULTS), {
    ...{ bridge: 'br7', device: 'weave-tap', range: '10.40.0.0/16', port: 7000, mayAdoptBridge: true },
    stateDir,
  })
})

t.test('where nothing was launched, or what is remembered is damaged, by the defaults', async t => {
  const usual = { bridge: 'weave', device: 'weave-tap', range: '10.32.0.0/12', port: 6783, mayAdoptBridge: false }
  for (const files of [{}, { 'launch.json': 'no JSON' }]) {
    const stateDir = stateDirWith(t, files)
    t.strictSame(questionOf(stateDir, DEFAULTS), { ...usual, stateDir })
  }
})

t.test('the bridge is that of the daemon that ran', async t => {
  const stateDir = stateDirWith(t, { 'instance.json': JSON.stringify({ bridge: 'b1', device: 'd1', exposed: [] }) })
  t.match(questionOf(stateDir, DEFAULTS), { bridge: 'b1', device: 'd1' })
})
