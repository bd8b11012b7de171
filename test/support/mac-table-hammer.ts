import { parentPort, workerData } from 'node:worker_threads'
import { MacTable } from '../../lib/overlay/mac-table.ts'

/** Runs in a worker: learns and looks up in a shared table, and posts how many answers no lane can have written. */
export interface HammerOrder {
  readonly buffer: SharedArrayBuffer
  readonly lane: number
  readonly rounds: number
}

/** A peer index that betrays which address it belongs to, whichever lane wrote it. */
export function hammerPeer(low: number, lane: number): number {
  return low * 4 + lane
}

export const HAMMER_ADDRESSES = 96

if (parentPort !== null && isOrder(workerData)) {
  const macs = new MacTable(workerData.buffer)
  let torn = 0
  let state = workerData.lane + 1
  for (let round = 0; round < workerData.rounds; round++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    const low = (state >>> 8) % HAMMER_ADDRESSES
    const second = round >> 10
    if ((state & 0x40) !== 0) macs.learn(7, low, hammerPeer(low, workerData.lane), second)
    const peer = macs.lookup(7, low, second)
    if (peer !== -1 && Math.floor(peer / 4) !== low) torn++
    if (round % 5000 === 0) macs.forgetPeer(hammerPeer(low, workerData.lane))
  }
  parentPort.postMessage(torn)
}

function isOrder(data: unknown): data is HammerOrder {
  return typeof data === 'object' && data !== null && 'buffer' in data
}
