import fc from 'fast-check'
import t from 'tap'
import { groupOutputs } from '../../../lib/daemon/output-group.ts'
import type { NodeOutput } from '../../../lib/node/mod.ts'

const key = fc.constantFrom('a', 'b', 'c', 'd')
const persist = fc.record({
  type: fc.constant('persist' as const),
  puts: fc.array(fc.tuple(key, fc.uint8Array({ maxLength: 2 })), { maxLength: 3 }),
  deletes: fc.array(key, { maxLength: 2 }),
})
const other = fc.oneof(
  fc.record({ type: fc.constant('resolve' as const), contact: key }),
  fc.record({ type: fc.constant('allocated' as const), id: key, cidrs: fc.constant([]) }),
  persist.map(({ puts, deletes, type }) => ({ type, puts, deletes, isCache: true })),
)

/** What a store holds behind these outputs. */
function storedBy(outputs: readonly NodeOutput[]): unknown {
  const stored = new Map<string, Uint8Array>()
  for (const output of outputs) {
    if (output.type !== 'persist' || output.isCache === true) continue
    for (const [key, value] of output.puts) stored.set(key, value)
    for (const key of output.deletes) stored.delete(key)
  }
  return [...stored].sort(([a], [b]) => (a < b ? -1 : 1))
}

const isDurable = (output: NodeOutput) => output.type === 'persist' && output.isCache !== true

t.test('one durable write comes first, with all that was to last; the rest keeps its order', async t => {
  fc.assert(
    fc.property(fc.array(fc.oneof(persist, other), { maxLength: 12 }), outputs => {
      const grouped = groupOutputs(outputs)
      t.strictSame(storedBy(grouped), storedBy(outputs))
      const writes = grouped.filter(isDurable)
      if (writes.length > 1 || (writes.length === 1 && grouped[0] !== writes[0])) t.fail('one write, ahead of all')
      const rest = outputs.filter(output => !isDurable(output))
      t.ok(rest.every((output, i) => output === grouped[i + writes.length]))
      t.equal(grouped.length, rest.length + writes.length)
    }),
    { numRuns: 200 },
  )
})

t.test('where nothing must last nothing is written', async t => {
  t.strictSame(groupOutputs([{ type: 'resolve', contact: 'h2' }]), [{ type: 'resolve', contact: 'h2' }])
  t.strictSame(groupOutputs([{ type: 'persist', puts: [], deletes: [] }]), [])
})
