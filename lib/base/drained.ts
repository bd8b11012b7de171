import type { Machine } from './seams.ts'

/** Handles what a machine puts out; whether there was anything. */
export function drained<T>(machine: Pick<Machine<T>, 'pollOutput'>, handle: (output: T) => void): boolean {
  let did = false
  for (let output = machine.pollOutput(); output !== undefined; output = machine.pollOutput()) {
    handle(output)
    did = true
  }
  return did
}
