import { WeaveError, type Millis } from '../base/mod.ts'
import type { Node } from '../node/mod.ts'
import type { NodeRunner } from './node-runner.ts'

/**
 * What the node answers to a call of the API.
 *
 * @throws WeaveError DAEMON_DOWN when it takes no input any more
 */
export function askNode<T extends object>(runner: Pick<NodeRunner, 'input'>, give: (node: Node, now: Millis) => T): T {
  const answer = runner.input(give)
  if (answer === undefined) throw new WeaveError('DAEMON_DOWN', 'the daemon is about to end', 'launch it again')
  return answer
}
