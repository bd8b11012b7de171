import t from 'tap'
import fc from 'fast-check'
import {
  NO_MESH,
  judgeMesh,
  type Invitation,
  type MeshStanding,
  type MeshVerdict,
} from '../../../lib/node/membership.ts'

function standing(mesh: number, isPristine = false, peersKnown = 1): MeshStanding {
  return { meshId: mesh === 0 ? NO_MESH : new Uint8Array(16).fill(mesh), isPristine, peersKnown }
}

const DIALS: Invitation = { isDialler: true, isInvited: true }
const IS_DIALLED: Invitation = { isDialler: false, isInvited: false }
/** Both sides name each other, and the other one dialled. */
const IS_MET: Invitation = { isDialler: false, isInvited: true }
const STRAYS: Invitation = { isDialler: true, isInvited: false }

t.test('judges every pair of standings, for who dialled whom the operator named', t => {
  const table: readonly [string, MeshStanding, MeshStanding, MeshVerdict['verdict']][] = [
    ['neither has a mesh', standing(0), standing(0), 'wait'],
    ['only they have one', standing(0), standing(1), 'join'],
    ['only we have one', standing(1), standing(0), 'theirs-joins-ours'],
    ['the same mesh', standing(1), standing(1), 'same'],
    ['ours is unused', standing(1, true), standing(2), 'join'],
    ['theirs is unused', standing(1), standing(2, true), 'theirs-joins-ours'],
    ['both unused, ours smaller', standing(1, true), standing(2, true), 'join'],
    ['both unused, ours larger', standing(2, true), standing(1, true), 'join'],
    ['both in use', standing(1), standing(2), 'refuse'],
  ]
  for (const [name, ours, theirs, verdict] of table) t.equal(judgeMesh(ours, theirs, DIALS).verdict, verdict, name)
  t.end()
})

t.test('nobody is drawn into a mesh by whoever dials: only whom the operator named is joined', t => {
  const table: readonly [string, MeshStanding, MeshStanding, Invitation, MeshVerdict['verdict']][] = [
    ['no mesh yet, dialled by a member', standing(0), standing(1), IS_DIALLED, 'uninvited'],
    ['no mesh yet, dialled by whom we name', standing(0), standing(1), IS_MET, 'join'],
    ['unused, dialled by a member', standing(1, true), standing(2), IS_DIALLED, 'uninvited'],
    ['unused, dialled by whom we name', standing(1, true), standing(2), IS_MET, 'join'],
    ['both unused, dialled', standing(1, true), standing(2, true), IS_DIALLED, 'theirs-joins-ours'],
    ['both unused, both named, dialled', standing(1, true), standing(2, true), IS_MET, 'theirs-joins-ours'],
    ['a discovered peer turns out to be of another mesh', standing(1, true), standing(2), STRAYS, 'uninvited'],
  ]
  for (const [name, ours, theirs, invitation, verdict] of table)
    t.equal(judgeMesh(ours, theirs, invitation).verdict, verdict, name)
  t.end()
})

t.test('a refusal holds both ids, both sizes and what to do', t => {
  const verdict = judgeMesh(standing(0xab, false, 3), standing(0xcd, false, 5), DIALS)
  t.match(verdict, { verdict: 'refuse', text: /abababab \(3 peers\) and cdcdcdcd \(5 peers\).*weave-ts reset/ })
  t.end()
})

t.test('two sides never judge so that both give up their mesh, nor that both wait for the other', t => {
  const any = fc.record({ mesh: fc.nat(3), isPristine: fc.boolean() })
  const mirror: Record<MeshVerdict['verdict'], readonly MeshVerdict['verdict'][]> = {
    wait: ['wait'],
    same: ['same'],
    refuse: ['refuse'],
    join: ['theirs-joins-ours'],
    uninvited: ['theirs-joins-ours'],
    'theirs-joins-ours': ['join', 'uninvited'],
  }
  fc.assert(
    fc.property(any, any, fc.boolean(), fc.boolean(), fc.boolean(), (a, b, isDialler, isInvited, areInvited) => {
      const ours = standing(a.mesh, a.mesh !== 0 && a.isPristine)
      const theirs = standing(b.mesh, b.mesh !== 0 && b.isPristine)
      const here = judgeMesh(ours, theirs, { isDialler, isInvited }).verdict
      const there = judgeMesh(theirs, ours, { isDialler: !isDialler, isInvited: areInvited }).verdict
      t.ok(mirror[here].includes(there), `${here} and ${there}`)
    }),
  )
  t.end()
})
