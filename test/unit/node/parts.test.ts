import t from 'tap'
import { equalBytes, utf8, type Millis } from '../../../lib/base/mod.ts'
import type { PeerId } from '../../../lib/address/mod.ts'
import type { RecordChange } from '../../../lib/ledger/mod.ts'
import type { NodeContext, NodePart, StoreEntry } from '../../../lib/node/mod.ts'
import { Parts } from '../../../lib/node/parts.ts'
import type { LedgerRecord } from '../../../lib/wire/mod.ts'
import { SimMesh } from '../../support/sim-mesh.ts'

const KIND = 200
const ROUTED = 201
const KEY = utf8('greeting')

/** What a new subject costs: a record kind with its behaviour, a routed kind, a prefix of the store, a report. */
class Greetings implements NodePart {
  readonly name = 'greetings'
  readonly storePrefixes = ['greeting/']
  readonly recordKinds = [KIND]
  readonly routedKinds = [ROUTED]
  readonly heard = new Map<string, string>()
  readonly answers: string[] = []
  readonly restored: StoreEntry[] = []
  readonly #context: NodeContext
  #greetAt: Millis | undefined

  constructor(context: NodeContext) {
    this.#context = context
  }

  restore(entries: readonly StoreEntry[], now: Millis): void {
    this.restored.push(...entries)
    this.#greetAt = now + 1_000
  }

  handleRecord({ owner, record }: RecordChange, now: Millis): void {
    if (record === undefined || owner === this.#context.config.identity.peerId) return
    const text = new TextDecoder().decode(record.value)
    this.heard.set(owner, text)
    this.#context.emit({ type: 'persist', puts: [[`greeting/${owner}`, record.value]], deletes: [] })
    this.#context.route(owner, ROUTED, utf8(`thanks for ${text}`), now)
  }

  handleRouted({ body }: { readonly body: Uint8Array }): void {
    this.answers.push(new TextDecoder().decode(body))
  }

  handleTimeout(now: Millis): void {
    if (this.#greetAt === undefined || now < this.#greetAt) return
    this.#greetAt = undefined
    this.#context.ledger.put(KIND, KEY, utf8(`hello of ${this.#context.config.nickname}`))
  }

  pollTimeout(): { at: Millis; reason: string } | undefined {
    return this.#greetAt === undefined ? undefined : { at: this.#greetAt, reason: 'greet' }
  }

  report(): unknown {
    return { heard: this.heard.size }
  }
}

t.test('a record kind with its behaviour is one file and one line: restored, told, answered, reported', t => {
  const made: Greetings[] = []
  const mesh = new SimMesh({
    seed: 5,
    peers: 3,
    sealing: 'none',
    features: [
      context => {
        const part = new Greetings(context)
        made.push(part)
        return part
      },
    ],
  })
  mesh.launchAll(50)
  mesh.run(10_000)
  t.equal(made.length, 3)
  for (const part of made) {
    t.equal(part.heard.size, 2, 'has heard both others')
    t.equal(part.answers.length, 2, 'was answered by both')
  }
  t.match(mesh.host(0).node.report(mesh.clock.now).parts, { greetings: { heard: 2 } })
  mesh.host(0).crash(false)
  mesh.run(100)
  mesh.host(0).launch(undefined, false)
  const again = made.at(-1)!
  t.equal(again.restored.length, 2, 'what it kept is given back to it')
  t.ok(
    again.restored.every(
      ([key, value]) => key.startsWith('greeting/') && equalBytes(value.subarray(0, 5), utf8('hello')),
    ),
  )
  t.end()
})

t.test('nothing is claimed twice', t => {
  const part = (name: string, claims: Partial<NodePart>): NodePart => ({ name, ...claims })
  const refused: [readonly NodePart[], RegExp][] = [
    [[part('a', {}), part('a', {})], /the name a is claimed by a and by a/],
    [[part('a', { recordKinds: [7] }), part('b', { recordKinds: [6, 7] })], /record kind 7 is claimed by a and by b/],
    [[part('a', { routedKinds: [7] }), part('b', { routedKinds: [7] })], /routed kind 7/],
    [[part('a', { storePrefixes: ['x/'] }), part('b', { storePrefixes: ['x/'] })], /store prefix x\//],
    [[part('a', { storePrefixes: ['x'] }), part('b', { storePrefixes: ['xy/'] })], /xy\/ of b lies under x of a/],
  ]
  for (const [parts, text] of refused) t.throws(() => new Parts(parts), text)
  t.end()
})

t.test('what an earlier run knew is no news to a part that says so, and a record like any other to the rest', t => {
  const told: string[] = []
  const note = (name: string) => (change: RecordChange) => void told.push(`${name} ${change.kind}`)
  const parts = new Parts([
    { name: 'careful', recordKinds: [KIND], handleRecord: note('news'), handleRemembered: note('old') },
    { name: 'plain', recordKinds: [KIND + 1, KIND + 2], handleRecord: note('record') },
    { name: 'deaf', recordKinds: [KIND + 3] },
  ])
  const record = { key: KEY } as unknown as LedgerRecord
  parts.handleRemembered(['a' as PeerId], (_owner, kind) => (kind === KIND + 2 ? [] : [record]), 0)
  t.same(told, [`old ${KIND}`, `record ${KIND + 1}`])
  t.end()
})
