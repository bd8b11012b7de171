import { spawn } from 'node:child_process'
import type { Namespace } from './testbed.ts'

const GAP_S = 0.1

/** Pings an address until it is told to stop; then the longest time without an answer, in milliseconds. */
export function pinging(from: Namespace, to: string): () => Promise<number> {
  const [program, ...argv] = from.argv('ping', '-n', '-D', '-i', String(GAP_S), to)
  const child = spawn(program!, argv, { stdio: ['ignore', 'pipe', 'ignore'] })
  const times: number[] = []
  child.stdout.on('data', (chunk: Buffer) => {
    for (const [, seconds] of chunk.toString().matchAll(/\[([0-9.]+)\] [0-9]+ bytes from/g))
      times.push(Number(seconds) * 1000)
  })
  return async () => {
    child.kill('SIGINT')
    await new Promise(done => child.once('close', done))
    times.push(Date.now())
    return Math.round(times.slice(1).reduce((longest, at, i) => Math.max(longest, at - times[i]!), 0))
  }
}
