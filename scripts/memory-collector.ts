/**
 * Loaded into a daemon ahead of it (`NODE_OPTIONS`): at SIGUSR2 it throws away what nothing refers to any more, gives back
 * what is free, as it does by itself now and then, and writes what is left: so that memory is compared at one point of each run.
 */
import { renameSync, writeFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { getHeapCodeStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { isMainThread } from 'node:worker_threads'
import { releaseMemory } from '../lib/io/mod.ts'

const COLLECTED = 'MEMORY_COLLECTED'

/** Bytes that are in use in the main thread after a collection. */
export interface Collected {
  /** Without code: V8 goes on compiling what is called often. */
  readonly heap: number
  /** Of buffers, outside of the heap. */
  readonly external: number
}

/** What to launch a daemon with, which then writes to this file. */
export function collecting(path: string): NodeJS.ProcessEnv {
  return { NODE_OPTIONS: `--import ${pathToFileURL(import.meta.filename).href}`, [COLLECTED]: path }
}

const path = process.env[COLLECTED]
if (path !== undefined && isMainThread) {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  process.on('SIGUSR2', () => {
    // What ends others by being collected is found by the second one.
    for (let round = 0; round < 2; round++) collect()
    releaseMemory()
    const { heapUsed, external } = process.memoryUsage()
    const { code_and_metadata_size: code, bytecode_and_metadata_size: bytecode } = getHeapCodeStatistics()
    const heap = heapUsed - code - bytecode
    writeFileSync(`${path}.new`, JSON.stringify({ heap, external } satisfies Collected))
    renameSync(`${path}.new`, path)
  })
}
