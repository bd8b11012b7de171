import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { removeState } from '../../../lib/cli/remove-state.ts'

const OWN = ['identity.json', 'identity.json.new', 'state.mdb', 'state.mdb-lock', 'daemon.lock', 'daemon.log']

t.test('removes the state and its directory', t => {
  const dir = t.testdir(Object.fromEntries(OWN.map(name => [name, ''])))
  t.same(removeState(dir), [])
  t.equal(existsSync(dir), false)
  t.same(removeState(dir), [], 'also when it is gone')
  mkdirSync(dir)
  t.end()
})

t.test('leaves a directory alone that holds anything else', t => {
  const dir = t.testdir({ documents: { 'thesis.tex': '' } })
  for (const name of OWN) writeFileSync(join(dir, name), '')
  t.ok(removeState(dir).includes('documents'))
  t.ok(readdirSync(dir).includes('documents'))
  t.equal(existsSync(join(dir, 'documents', 'thesis.tex')), true)
  t.equal(existsSync(join(dir, 'identity.json')), false)
  t.end()
})
