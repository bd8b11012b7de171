import type { NodeOutput } from '../node/mod.ts'
import { PendingWrites } from './pending-writes.ts'

/**
 * What a node asked for at one time, with one durable write for all that must last, ahead of everything else, which keeps
 * its order. So nothing leaves before what is behind it is on disk, and requests that come together share a write.
 */
export function groupOutputs(outputs: readonly NodeOutput[]): readonly NodeOutput[] {
  const writes = new PendingWrites()
  const rest: NodeOutput[] = []
  for (const output of outputs) {
    if (output.type === 'persist' && output.isCache !== true) writes.add(output.puts, output.deletes)
    else rest.push(output)
  }
  if (writes.isEmpty) return rest
  return [{ type: 'persist', puts: writes.puts, deletes: writes.deletes }, ...rest]
}
