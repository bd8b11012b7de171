import t from 'tap'
import fc from 'fast-check'
import { NO_MESH, judgeMesh, type MeshStanding, type MeshVerdict } from '../../../lib/node/membership.ts'

function standing(mesh: number, isPristine = false, peersKnown = 1): MeshStanding {
  return { meshId: mesh === 0 ? NO_MESH : new Uint8Array(16).fill(mesh), isPristine, peersKnown }
}

t.test('judges every pair of standings', t => {
  const table: readonly [string, MeshStanding, MeshStanding, MeshVerdict['verdict']][] = [
    ['neither has a mesh', standing(0), standing(0), 'wait'],
    ['only they have one', standing(0), standing(1), 'join'],
    ['only we have one', standing(1), standing(0), 'theirs-joins-ours'],
    ['the same mesh', standing(1), standing(1), 'same'],
    ['ours is unused', standing(1, true), standing(2), 'join'],
    ['theirs is unused', standing(1), standing(2, true), 'theirs-joins-ours'],
    ['both unused, ours smaller', standing(1, true), standing(2, true), 'theirs-joins-ours'],
    ['both unused, ours larger', standing(2, true), standing(1, true), 'join'],
    ['both in use', standing(1), standing(2), 'refuse'],
  ]
  for (const [name, ours, theirs, verdict] of table) t.equal(judgeMesh(ours, theirs).verdict, verdict, name)
  t.end()
})

t.test('a refusal holds both ids, both sizes and what to do', t => {
  const verdict = judgeMesh(standing(0xab, false, 3), standing(0xcd, false, 5))
  t.match(verdict, { verdict: 'refuse', text: /abababab \(3 peers\) and cdcdcdcd \(5 peers\).*weave-ts reset/ })
  t.end()
})

t.test('two sides never judge so that both give up their mesh, nor that both wait for the other', t => {
  const any = fc.record({ mesh: fc.nat(3), isPristine: fc.boolean() })
  const mirror = {
    wait: 'wait',
    same: 'same',
    refuse: 'refuse',
    join: 'theirs-joins-ours',
    'theirs-joins-ours': 'join',
  }
  fc.assert(
    fc.property(any, any, (a, b) => {
      const ours = standing(a.mesh, a.mesh !== 0 && a.isPristine)
      const theirs = standing(b.mesh, b.mesh !== 0 && b.isPristine)
      t.equal(judgeMesh(theirs, ours).verdict, mirror[judgeMesh(ours, theirs).verdict])
    }),
  )
  t.end()
})
