import t from 'tap'
import fc from 'fast-check'
import { NO_MESH, judgeMesh, type Invitation, type MeshState, type MeshVerdict } from '../../../lib/node/membership.ts'

function state(mesh: number, isPristine = false, peersKnown = 1, isUnused = isPristine): MeshState {
  return { meshId: mesh === 0 ? NO_MESH : new Uint8Array(16).fill(mesh), isPristine, isUnused, peersKnown }
}

/** Several are in it, and no address was given. */
function unused(mesh: number): MeshState {
  return state(mesh, false, 2, true)
}

const DIALS: Invitation = { isDialler: true, isInvited: true }
const IS_DIALLED: Invitation = { isDialler: false, isInvited: false }
/** Both sides name each other, and the other one dialled. */
const IS_MET: Invitation = { isDialler: false, isInvited: true }
const STRAYS: Invitation = { isDialler: true, isInvited: false }

t.test('judges every pair of states, for who dialled whom the operator named', t => {
  const table: readonly [string, MeshState, MeshState, MeshVerdict['verdict']][] = [
    ['neither has a mesh', state(0), state(0), 'wait'],
    ['only they have one', state(0), state(1), 'join'],
    ['only we have one', state(1), state(0), 'theirs-joins-ours'],
    ['the same mesh', state(1), state(1), 'same'],
    ['ours is unused', state(1, true), state(2), 'join'],
    ['theirs is unused', state(1), state(2, true), 'theirs-joins-ours'],
    ['both unused, ours smaller', state(1, true), state(2, true), 'join'],
    ['both unused, ours larger', state(2, true), state(1, true), 'join'],
    ['both in use', state(1), state(2), 'refuse'],
    ['several in ours and unused, theirs in use', unused(1), state(2), 'join'],
    ['ours in use, several in theirs and unused', state(1), unused(2), 'theirs-joins-ours'],
    ['alone in ours, several in theirs, both unused', state(1, true), unused(2), 'join'],
    ['several in ours, alone in theirs, both unused', unused(2), state(1, true), 'theirs-joins-ours'],
    ['several in both, unused, our id is greater', unused(2), unused(1), 'join'],
    ['several in both, unused, our id is smaller', unused(1), unused(2), 'theirs-joins-ours'],
  ]
  for (const [name, ours, theirs, verdict] of table) t.equal(judgeMesh(ours, theirs, DIALS).verdict, verdict, name)
  t.end()
})

t.test('nobody is drawn into a mesh by whoever dials: only whom the operator named is joined', t => {
  const table: readonly [string, MeshState, MeshState, Invitation, MeshVerdict['verdict']][] = [
    ['no mesh yet, dialled by a member', state(0), state(1), IS_DIALLED, 'uninvited'],
    ['no mesh yet, dialled by whom we name', state(0), state(1), IS_MET, 'join'],
    ['unused, dialled by a member', state(1, true), state(2), IS_DIALLED, 'uninvited'],
    ['unused, dialled by whom we name', state(1, true), state(2), IS_MET, 'join'],
    ['both unused, dialled', state(1, true), state(2, true), IS_DIALLED, 'theirs-joins-ours'],
    ['both unused, both named, dialled', state(1, true), state(2, true), IS_MET, 'theirs-joins-ours'],
    ['several in both, unused, our id is greater, dialled', unused(2), unused(1), IS_DIALLED, 'uninvited'],
    ['a discovered peer turns out to be of another mesh', state(1, true), state(2), STRAYS, 'uninvited'],
  ]
  for (const [name, ours, theirs, invitation, verdict] of table)
    t.equal(judgeMesh(ours, theirs, invitation).verdict, verdict, name)
  t.end()
})

t.test('a refusal holds both ids, both sizes and what to do', t => {
  const verdict = judgeMesh(state(0xab, false, 3), state(0xcd, false, 5), DIALS)
  t.match(verdict, { verdict: 'refuse', text: /abababab \(3 peers\) and cdcdcdcd \(5 peers\).*weave-ts reset/ })
  t.end()
})

t.test('who may come into one mesh only refuses all others while it is of none, with both ids', t => {
  const only = { ...DIALS, onlyMesh: state(0xab).meshId }
  t.match(judgeMesh(state(0), state(0xab), only), { verdict: 'join' })
  t.match(judgeMesh(state(0), state(0xcd, true), only), { verdict: 'refuse', text: /abababab only.*of cdcdcdcd;/ })
  t.match(judgeMesh(state(0), state(0xcd), { ...only, isInvited: false }), { verdict: 'refuse' })
  t.equal(judgeMesh(state(0), state(0), only).verdict, 'wait')
  t.equal(judgeMesh(unused(0xab), state(0xcd), only).verdict, 'join', 'a member goes along with its mesh')
  const [refusal] = [judgeMesh(state(0), state(0xcd), only)]
  t.ok('text' in refusal && refusal.text.length <= 400, 'a goodbye has room for it')
  t.end()
})

t.test('two sides never judge so that both give up their mesh, nor that both wait for the other', t => {
  const any = fc.record({ mesh: fc.nat(3), isPristine: fc.boolean(), isUnused: fc.boolean() })
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
      const ours = state(a.mesh, a.mesh !== 0 && a.isPristine, 1, a.mesh !== 0 && (a.isPristine || a.isUnused))
      const theirs = state(b.mesh, b.mesh !== 0 && b.isPristine, 1, b.mesh !== 0 && (b.isPristine || b.isUnused))
      const here = judgeMesh(ours, theirs, { isDialler, isInvited }).verdict
      const there = judgeMesh(theirs, ours, { isDialler: !isDialler, isInvited: areInvited }).verdict
      t.ok(mirror[here].includes(there), `${here} and ${there}`)
    }),
  )
  t.end()
})
