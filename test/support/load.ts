import { availableParallelism, loadavg } from 'node:os'

/** Above so many runnable processes for each processor, a process waits for its turn as long as it runs. */
const BUSY = 2

/**
 * A bound for what real daemons need: the first where the machine is calm; the second where it is busy with other things,
 * for then they are late themselves, and patient with others (docs/decisions/0036).
 */
export function boundMs(calmMs: number, busyMs: number): number {
  return isBusy() ? busyMs : calmMs
}

/** What a figure was measured beside. */
export function loadText(): string {
  return `load ${loadavg()[0]!.toFixed(1)} on ${availableParallelism()} processors`
}

/** Whether the machine has much else to do. */
export function isBusy(): boolean {
  return loadavg()[0]! > BUSY * availableParallelism()
}
